"""The part of `AnnotationService` that keeps the people."""

from app.api import schemas_users as schemas
from app.roles import Account
from app.service import users
from app.service.context import Context


class UserVerbs:
    """People who log in: list, add, reset, change."""

    context: Context

    def accounts(self) -> dict[str, Account]:
        """Accounts of this workspace by name, for the gate."""
        return users.accounts(self.context)

    def users(self) -> schemas.Users:
        """All people with what they have done, and how they log in."""
        return users.listing(self.context)

    def add_user(self, user: schemas.UserIn) -> schemas.NewPassword:
        """Make an account; its password is told this once."""
        return users.add(self.context, user)

    def reset_password(self, name: str) -> schemas.NewPassword:
        """Give a new password and end all log-ins by the old one."""
        return users.reset_password(self.context, name)

    def change_user(self, name: str, changes: schemas.UserPatch) -> schemas.User:
        """Give another role, or switch an account off and on."""
        return users.change(self.context, name, changes)
