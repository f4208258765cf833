"""Wire models of the people who log in."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from app.api.schemas_base import Answer, Request
from app.roles import Role

UserName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\w([\w .@+'-]*[\w.])?$")]


class UserIn(Request):
    """Somebody new."""

    name: UserName
    role: Role = "annotator"


class UserPatch(Request):
    """What changes about a user; null stays as it is."""

    role: Role | None = None
    is_active: bool | None = None


class User(Answer):
    """A person, and what they have done; also names that annotated without an account."""

    name: str
    role: Role | None
    """Null for a name without an account."""
    kept_in: Literal["workspace", "file", "nowhere"]
    is_active: bool
    n_annotations: int
    """Accepted annotations, all versions."""
    n_images: int
    last_at: datetime | None
    """When they last accepted, skipped or drafted anything."""


class Users(Answer):
    """All people, and how they log in: not at all (`open`), by the shared token, or with passwords of their own."""

    login: Literal["open", "token", "users"]
    users: list[User]


class NewPassword(Answer):
    """A password that was made; it is told this once."""

    name: str
    role: Role
    password: str
