"""The log-in page and the cookie it gives."""

from html import escape
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.errors import TooManyAttempts, Unauthorized, status_of
from app.security import COOKIE, Auth

router = APIRouter(include_in_schema=False)


def _auth(request: Request) -> Auth:
    auth: Auth = request.app.state.auth
    return auth


def _page(auth: Auth, problem: str = "", status: int = 200) -> HTMLResponse:
    """The page; `problem` is shown above the fields."""
    template = files("app.api").joinpath("login.html").read_text("utf-8")
    secret = "Password" if auth.has_users else "Access token"
    shown = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    return HTMLResponse(template.replace("<!--problem-->", shown).replace("<!--secret-->", secret), status)


@router.get("/login")
def login_page(request: Request) -> Response:
    """The form."""
    auth = _auth(request)
    return RedirectResponse(_home(request), 303) if auth.is_open else _page(auth)


@router.post("/login")
def login(request: Request, name: Annotated[str, Form()] = "", password: Annotated[str, Form()] = "") -> Response:
    """Check name and password; give the cookie."""
    auth = _auth(request)
    if auth.is_open:
        return RedirectResponse(_home(request), 303)
    try:
        cookie = auth.log_in(name[:100], password[:1000], caller=request.client.host if request.client else "")
    except (Unauthorized, TooManyAttempts) as error:
        return _page(auth, str(error), status_of(error))
    answer = RedirectResponse(_home(request), 303)
    days = request.app.state.settings.cookie_days
    answer.set_cookie(
        COOKIE,
        cookie,
        max_age=int(days * 86400),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path=request.scope.get("root_path", "") or "/",
    )
    return answer


@router.post("/logout")
def logout(request: Request) -> Response:
    """Forget the cookie."""
    answer = RedirectResponse(f"{request.scope.get('root_path', '')}/login", 303)
    answer.delete_cookie(COOKIE, path=request.scope.get("root_path", "") or "/")
    return answer


def _home(request: Request) -> str:
    """Where people go after the log-in."""
    return f"{request.scope.get('root_path', '')}/ui/"
