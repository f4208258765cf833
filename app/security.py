"""The gate before everything: who may come in, and from which page. Pure ASGI, so that streams pass untouched.

Two modes. Without token and users the server listens on this machine only and lets everyone on it in; then it answers
only to names of this machine, so that a page that points its own name at 127.0.0.1 gets nothing. With a token or users,
programs send `Authorization: Bearer <token>` and people log in on a page and carry a signed cookie. In both modes an
unsafe request that a browser sends on behalf of another site is refused.
"""

import hashlib
import hmac
import ipaddress
import threading
import time
from collections.abc import Callable, Mapping

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alcore.errors import InvalidInput
from app.errors import Forbidden, TooManyAttempts, Unauthorized, status_of
from app.passwords import file_accounts, fits_hash, hash_password
from app.roles import SAFE_METHODS, Account, Role, may
from app.settings import Settings

COOKIE = "fewclick_login"
OPEN_PATHS = frozenset({"/v1/health", "/login", "/favicon.ico"})
MAX_FAILURES, FORGET_AFTER_S = 8, 60.0
READ_EVERY_S = 1.0
"""An account that another process changed is known so much later."""
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (
        b"content-security-policy",
        # Gradio builds its components from strings; everything else comes from here and goes nowhere else.
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
        b"object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'",
    ),
)


def check_exposure(settings: Settings, *, has_users: bool = False) -> None:
    """Refuse to listen beyond this machine without a way to tell who comes in.

    Args:
        settings: the server's.
        has_users: whether the workspace has accounts.

    Raises:
        InvalidInput: the host is reachable from outside and there is neither token nor user, or a secret is weak.
    """
    if settings.token is not None and len(settings.token.get_secret_value()) < 8:
        raise InvalidInput("the token has fewer than 8 characters; make a longer one, e.g. `openssl rand -hex 24`")
    if not settings.is_loopback and not (settings.needs_login or has_users):
        raise InvalidInput(
            f"host {settings.host} can be reached from other machines: set a token (--token or FEWCLICK_TOKEN) "
            "or a users file (FEWCLICK_USERS_FILE), add users (`fewclick user add`), or listen on 127.0.0.1"
        )


class Auth:
    """Knows who may come in. One per server; safe to share between threads."""

    def __init__(
        self,
        settings: Settings,
        secret: str,
        *,
        accounts: Callable[[], Mapping[str, Account]] = dict,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._secret, self._clock, self._accounts = settings, secret, clock, accounts
        self._token = settings.token.get_secret_value() if settings.token else None
        self._in_file = file_accounts(settings.users_file)
        self._read_at, self._known = float("-inf"), dict[str, Account]()
        self._stranger = hash_password(secret)
        self._lock = threading.Lock()
        self._failures: dict[str, tuple[int, float]] = {}

    @property
    def is_open(self) -> bool:
        """True when nobody must log in."""
        return not self._settings.needs_login and not self.has_users

    @property
    def has_users(self) -> bool:
        """True when people log in with a password of their own, and so cannot take each other's names."""
        return bool(self._users)

    def forget(self) -> None:
        """Read the accounts anew: one was changed."""
        self._read_at = float("-inf")

    def role_of(self, person: str | None) -> Role:
        """What a person may do; where people have no accounts everybody who comes in may do everything."""
        account = self._users.get(person or "")
        return account.role if account else "operator"

    @property
    def _users(self) -> dict[str, Account]:
        """All accounts, read again now and then."""
        now = self._clock()
        if now - self._read_at >= READ_EVERY_S:
            self._known, self._read_at = {**self._accounts(), **self._in_file}, now
        return self._known

    def log_in(self, name: str, password: str, *, caller: str) -> str:
        """Check a name with its password (or the token); returns the cookie's value.

        Raises:
            TooManyAttempts: this caller has failed too often within a minute.
            Unauthorized: the name or the password is wrong.
        """
        self._slow_down(caller)
        if not name.strip() or not self._fits(name.strip(), password):
            with self._lock:
                n, since = self._failures.get(caller, (0, self._clock()))
                self._failures[caller] = (n + 1, since)
            raise Unauthorized("wrong name or password" if self.has_users else "give your name and the right token")
        with self._lock:
            self._failures.pop(caller, None)
        return self._signer(name.strip()).dumps(name.strip())

    def person_of(self, cookie: str) -> str | None:
        """The name in a cookie that we signed and that has not run out."""
        try:
            peeked = self._signer("").loads_unsafe(cookie)[1]
            name = peeked if isinstance(peeked, str) else ""
            checked = self._signer(name).loads(cookie, max_age=int(self._settings.cookie_days * 86400))
        except BadSignature:
            return None
        return checked if isinstance(checked, str) and (not self._users or self._may_come(checked)) else None

    def is_token(self, value: str) -> bool:
        """True for the right bearer token."""
        return self._token is not None and hmac.compare_digest(self._token.encode(), value.encode())

    def _fits(self, name: str, password: str) -> bool:
        """True when this person may come in; takes as long for a stranger as for a known name."""
        if self._users:
            account = self._users.get(name)
            fits = fits_hash(account.password_hash if account else self._stranger, password)
            return fits and self._may_come(name)
        return self.is_token(password)

    def _may_come(self, name: str) -> bool:
        """Whether there is such an account, and it is not switched off."""
        account = self._users.get(name)
        return account is not None and account.is_active

    def _slow_down(self, caller: str) -> None:
        """Refuse a caller who has failed too often."""
        now = self._clock()
        with self._lock:
            self._failures = {who: f for who, f in self._failures.items() if now - f[1] < FORGET_AFTER_S}
            n, since = self._failures.get(caller, (0, now))
        if n >= MAX_FAILURES:
            raise TooManyAttempts(f"too many failed log-ins; try again in {FORGET_AFTER_S - (now - since):.0f} s")

    def _signer(self, name: str) -> URLSafeTimedSerializer:
        """Signs for one person; a changed token or password makes all their cookies worthless."""
        account = self._users.get(name)
        proof = (account.password_hash if account else "") if self._users else (self._token or "")
        return URLSafeTimedSerializer(self._secret, salt=hashlib.sha256(f"login:{proof}".encode()).hexdigest())


class Gate:
    """Lets a request through, or answers it: log in first, wrong site, wrong host."""

    def __init__(self, app: ASGIApp, auth: Auth) -> None:
        self.app, self._auth = app, auth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(HTTPConnection(scope))
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403})
        else:
            await refusal(scope, receive, send)

    def _refusal(self, request: HTTPConnection) -> Response | None:
        """The answer that keeps a request out; None lets it in, with the person's name in its state."""
        path = _path_of(request.scope)
        bearer = request.headers.get("authorization", "").partition(" ")
        by_token = bearer[0].lower() == "bearer" and self._auth.is_token(bearer[2].strip())
        if self._auth.is_open and not _is_this_machine(request.headers.get("host", "")):
            return _json(Forbidden("this server answers to names of this machine only, such as 127.0.0.1 or localhost"))
        unsafe = request.scope.get("method", "GET") not in SAFE_METHODS or request.scope["type"] == "websocket"
        if unsafe and not by_token and _is_foreign(request.headers):
            return _json(Forbidden("the request comes from another site's page; open the server's own page"))
        person = self._auth.person_of(request.cookies.get(COOKIE, ""))
        request.state.person = person
        request.state.role = "operator" if self._auth.is_open or by_token else self._auth.role_of(person)
        if path in OPEN_PATHS:
            return None
        if self._auth.is_open or by_token or person is not None:
            if may(request.state.role, request.scope.get("method", "GET"), path):
                return None
            return _json(Forbidden(f"your role is {request.state.role}; ask an operator to do this or to change it"))
        if request.scope.get("method") == "GET" and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(f"{request.scope.get('root_path', '')}/login", 303)
        return _json(Unauthorized("log in at /login, or send the header `Authorization: Bearer <token>`"))


class SecurityHeaders:
    """Adds headers that keep the page's data on the page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message.get("headers", [])}
                extra = [pair for pair in SECURITY_HEADERS if pair[0] not in given]
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


def _path_of(scope: Scope) -> str:
    """The path without a proxy's prefix."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(root) if root else path


def _json(error: Exception) -> JSONResponse:
    """An error as the API answers it."""
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthorized) else None
    return JSONResponse({"code": error.code, "detail": str(error)}, status_of(error), headers=headers)  # type: ignore[attr-defined]


def _is_this_machine(host: str) -> bool:
    """True for names that no outsider can point at us: this machine's addresses, localhost, names without a dot."""
    name = host.strip().lower()
    name = name[1 : name.find("]")] if name.startswith("[") else name.partition(":")[0]
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return bool(name) and "." not in name


def _is_foreign(headers: Headers) -> bool:
    """True when a browser says that another site's page sent this; programs say nothing and are no danger here."""
    fetch_site = headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host", "")
