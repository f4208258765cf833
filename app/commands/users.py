"""`fewclick user list | add | reset | change`: who may log in."""

from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.opened import Workspace, opened
from app.commands.output import AsJson, show, table

if TYPE_CHECKING:
    from app.api.schemas_users import NewPassword

UserName = Annotated[str, typer.Argument(help="Name that the person logs in with.", metavar="USER")]
RoleOption = typer.Option(help="annotator (works on images), scientist (runs projects) or operator (keeps users).")


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this module."""
    group = typer.Typer(help="Keep the people who may log in.", no_args_is_help=True, rich_markup_mode=None)
    group.callback()(_group)
    group.command("list")(list_users)
    for command in (add, reset, change):
        group.command()(command)
    cli.add_typer(group, name="user")


def _group() -> None:
    """Keep the people who may log in."""


def list_users(workspace: Workspace, as_json: AsJson = False) -> None:
    """List people: role, whether they may log in, accepted annotations, images, and when they last saved anything."""
    with opened(workspace) as service:
        found = service.users()
    rows = [
        [
            user.name,
            user.role or "-",
            "yes" if user.is_active else "no",
            user.n_annotations,
            user.n_images,
            user.last_at.isoformat(" ", "minutes") if user.last_at else "-",
        ]
        for user in found.users
    ]
    text = table(rows, header=("user", "role", "may log in", "annotations", "images", "last active"))
    if found.login == "open":
        text += "\nnobody has to log in; `fewclick user add WORKSPACE NAME --role operator` changes that"
    show(as_json, found.model_dump(mode="json"), text)


def add(
    workspace: Workspace, name: UserName, role: Annotated[str, RoleOption] = "annotator", as_json: AsJson = False
) -> None:
    """Add somebody; prints the password that was made, this once. The first one must be an operator."""
    from app.api.schemas_users import UserIn

    with opened(workspace) as service:
        _tell(as_json, service.add_user(UserIn.model_validate({"name": name, "role": role})))


def reset(workspace: Workspace, name: UserName, as_json: AsJson = False) -> None:
    """Make a new password and print it, this once; the old one and all log-ins by it are worthless."""
    with opened(workspace) as service:
        _tell(as_json, service.reset_password(name))


def change(
    workspace: Workspace,
    name: UserName,
    role: Annotated[str | None, RoleOption] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Let them log in, or not; annotations stay.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give another role, or switch an account off and on."""
    from app.api.schemas_users import UserPatch

    with opened(workspace) as service:
        user = service.change_user(name, UserPatch.model_validate({"role": role, "is_active": active}))
    show(as_json, user.model_dump(mode="json"), f"{name}: {user.role}, {'may' if user.is_active else 'may not'} log in")


def _tell(as_json: bool, made: "NewPassword") -> None:
    """Print a password."""
    show(as_json, made.model_dump(), f"{made.name} ({made.role}): {made.password}\nkeep it: it is not shown again")
