"""Endpoints of the people who log in; for operators alone, as the gate sees to."""

from fastapi import APIRouter, Request

from app.api.deps import Service
from app.api.schemas_users import NewPassword, User, UserIn, UserPatch, Users

router = APIRouter(prefix="/v1/users", tags=["users"])


@router.get("")
def users(service: Service) -> Users:
    """All people with what they have done, and how they log in."""
    return service.users()


@router.post("", status_code=201)
def add_user(body: UserIn, service: Service, request: Request) -> NewPassword:
    """Make an account. The password is told this once; where nobody had to log in, all must from now on."""
    made = service.add_user(body)
    request.app.state.auth.forget()
    return made


@router.post("/{name}/password")
def reset_password(name: str, service: Service, request: Request) -> NewPassword:
    """Give a new password, told this once; the old one and all log-ins by it are worthless at once."""
    made = service.reset_password(name)
    request.app.state.auth.forget()
    return made


@router.patch("/{name}")
def change_user(name: str, body: UserPatch, service: Service, request: Request) -> User:
    """Give another role, or switch the account off (its annotations stay) and on again."""
    changed = service.change_user(name, body)
    request.app.state.auth.forget()
    return changed
