"""Use cases: the people who log in. Annotations keep their author, so nobody is deleted; accounts are switched off."""

from app.api.schemas_users import NewPassword, User, UserIn, UserPatch, Users
from app.errors import AlreadyExists, Conflict, InvalidRequest, NotFound
from app.passwords import file_accounts, hash_password, new_password
from app.roles import Account
from app.service.context import Context
from app.service.items import when
from app.store import users as rows

FILE = "the users file"


def accounts(ctx: Context) -> dict[str, Account]:
    """Everybody with an account in this workspace, by name."""
    with ctx.db.read() as connection:
        return {
            row["name"]: Account(password_hash=row["password_hash"], role=row["role"], is_active=bool(row["is_active"]))
            for row in rows.all_of_them(connection)
        }


def listing(ctx: Context) -> Users:
    """All people: those with an account, and names that annotated without one."""
    own, in_file = accounts(ctx), file_accounts(ctx.settings.users_file)
    with ctx.db.read() as connection:
        done = rows.work_done(connection)
    found = []
    for name in dict.fromkeys([*in_file, *own, *sorted(done)]):
        account, did = in_file.get(name) or own.get(name), done.get(name)
        found.append(
            User(
                name=name,
                role=account.role if account else None,
                kept_in="file" if name in in_file else "workspace" if name in own else "nowhere",
                is_active=account is not None and account.is_active,
                n_annotations=did["n_annotations"] if did else 0,
                n_images=did["n_images"] if did else 0,
                last_at=when(did["last_at"]) if did else None,
            )
        )
    by_password = bool(own or in_file)
    return Users(login="users" if by_password else "token" if ctx.settings.token else "open", users=found)


def add(ctx: Context, body: UserIn) -> NewPassword:
    """Make an account with a new password.

    Raises:
        AlreadyExists: the name is taken.
        InvalidRequest: it is the first account, and not an operator's.
    """
    known = _everybody(ctx)
    if not known and ctx.settings.token is None and body.role != "operator":
        raise InvalidRequest(
            f"the first user must be an operator, who can add the others; got {body.role}. From then on all must log in"
        )
    if body.name in file_accounts(ctx.settings.users_file):
        raise AlreadyExists(f"there is a user {body.name!r} already, in {FILE}")
    password = new_password()
    values = {"name": body.name, "role": body.role, "password_hash": hash_password(password)}
    with ctx.db.write() as connection:
        rows.add(connection, {**values, "is_active": 1, "created_at": ctx.clock()})
    return NewPassword(name=body.name, role=body.role, password=password)


def reset_password(ctx: Context, name: str) -> NewPassword:
    """Give a new password; the old one, and every log-in by it, is worthless from now on.

    Raises:
        NotFound: there is no such account.
        Conflict: it stands in the users file.
    """
    _only_ours(ctx, name)
    password = new_password()
    with ctx.db.write() as connection:
        rows.change(connection, name, {"password_hash": hash_password(password)})
    return NewPassword(name=name, role=accounts(ctx)[name].role, password=password)


def change(ctx: Context, name: str, body: UserPatch) -> User:
    """Give another role, or switch an account off and on again.

    Raises:
        NotFound: there is no such account.
        Conflict: it stands in the users file, or no operator would be left.
    """
    _only_ours(ctx, name)
    values = body.model_dump(exclude_none=True)
    was = accounts(ctx)[name]
    stays = values.get("role", was.role) == "operator" and values.get("is_active", was.is_active)
    others = [account for other, account in _everybody(ctx).items() if other != name]
    is_kept = stays or ctx.settings.token or any(a.role == "operator" and a.is_active for a in others)
    if was.role == "operator" and not is_kept:
        raise Conflict(f"{name!r} is the last operator; make somebody else one first")
    if values:
        with ctx.db.write() as connection:
            rows.change(connection, name, {k: int(v) if isinstance(v, bool) else v for k, v in values.items()})
    return next(user for user in listing(ctx).users if user.name == name)


def _everybody(ctx: Context) -> dict[str, Account]:
    """All accounts, those of the file first."""
    return {**accounts(ctx), **file_accounts(ctx.settings.users_file)}


def _only_ours(ctx: Context, name: str) -> None:
    """Refuse what is kept elsewhere, or nowhere."""
    if name in file_accounts(ctx.settings.users_file):
        raise Conflict(f"{name!r} stands in {FILE}; change it there")
    if name not in accounts(ctx):
        raise NotFound(f"there is no user {name!r}")
