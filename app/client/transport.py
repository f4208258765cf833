"""One HTTP conversation: explicit timeouts, retries where they are safe, server codes turned back into exceptions."""

from __future__ import annotations

import ipaddress
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from app.errors import FewclickError, error_of

if TYPE_CHECKING:
    import httpx2

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
RETRY_AFTER_S = (0.2, 0.8, 2.0)
"""Pauses before the second, third and fourth try of a call that may be repeated."""
RETRY_STATUS = frozenset({502, 503, 504})

Answer = TypeVar("Answer", bound=BaseModel)
Files = Sequence[tuple[str, tuple[str, IO[bytes]]]]


class ServerUnreachable(FewclickError):
    """No server answers at the address, or it stopped answering."""

    code = "server_unreachable"


class UnexpectedAnswer(FewclickError):
    """Something answered, but not as a Fewclick server of this version does."""

    code = "unexpected_answer"


class Transport:
    """Sends requests through `http`, any httpx2 client (Starlette's TestClient too), which stays the caller's."""

    def __init__(self, base_url: str, *, token: str | None, http: httpx2.Client | None, timeout_s: float) -> None:
        self._base_url = base_url
        self._token = token
        self._timeout_s = timeout_s
        self._http = http
        self._owns_http = http is None

    def close(self) -> None:
        """Close the connection, unless the caller brought it."""
        if self._owns_http and self._http is not None:
            self._http.close()
            self._http = None

    def send(
        self,
        method: str,
        path: str,
        *,
        body: BaseModel | None = None,
        params: Mapping[str, str | int] | None = None,
        data: Mapping[str, str] | None = None,
        files: Files | None = None,
        repeatable: bool | None = None,
    ) -> httpx2.Response:
        """Send one request and return its answer, raising the server's error where it sent one.

        Args:
            method: HTTP verb.
            path: path below the server's address, such as `/v1/projects`.
            body: sent as JSON.
            params: query parameters.
            data: form fields beside `files`.
            files: multipart files.
            repeatable: sending twice does no harm, so try up to four times; None means GET only.
        """
        import httpx2

        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        content = None
        if body is not None:
            content = body.model_dump_json().encode()
            headers["Content-Type"] = "application/json"
        pauses = RETRY_AFTER_S if (method == "GET" if repeatable is None else repeatable) else ()
        for attempt in range(len(pauses) + 1):
            failure: Exception | None = None
            try:
                response = self._client().request(
                    method, path, content=content, params=params, data=data, files=files, headers=headers
                )
            except httpx2.TransportError as error:
                failure = error
            else:
                if response.status_code not in RETRY_STATUS or attempt == len(pauses):
                    return _checked(response, path)
            if attempt == len(pauses):
                raise ServerUnreachable(self._unreachable(failure)) from failure
            logger.info("attempt %d of %s %s failed; trying again", attempt + 1, method, path)
            time.sleep(pauses[attempt])
        raise AssertionError("unreachable")

    def ask(self, answer: type[Answer], method: str, path: str, **options: object) -> Answer:
        """Send one request and read its JSON answer as the model `answer`."""
        response = self.send(method, path, **options)  # type: ignore[arg-type]
        return parsed(answer, response)

    @contextmanager
    def stream(self, method: str, path: str, *, body: BaseModel) -> Iterator[Iterator[bytes]]:
        """Send one request and yield the bytes of its answer piece by piece."""
        import httpx2

        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            with self._client().stream(method, path, content=body.model_dump_json(), headers=headers) as response:
                if response.status_code >= 400:
                    response.read()
                _checked(response, path)
                yield response.iter_bytes()
        except httpx2.TransportError as error:
            raise ServerUnreachable(self._unreachable(error)) from error

    def _client(self) -> httpx2.Client:
        """The HTTP client, made at the first call."""
        if self._http is None:
            import httpx2

            self._http = httpx2.Client(
                base_url=self._base_url,
                timeout=httpx2.Timeout(self._timeout_s, connect=CONNECT_TIMEOUT_S),
                trust_env=not _is_loopback(self._base_url),  # a proxy of the environment never knows 127.0.0.1
            )
        return self._http

    def _unreachable(self, failure: Exception | None) -> str:
        """Say what failed and what to do."""
        reason = f": {failure}" if failure and str(failure) else ""
        return f"no answer from {self._base_url}{reason}; is `fewclick serve` running, and is this its address?"


def parsed(answer: type[Answer], response: httpx2.Response) -> Answer:
    """Read a JSON answer as a wire model."""
    try:
        return answer.model_validate_json(response.content)
    except ValidationError as error:
        raise UnexpectedAnswer(
            f"{response.url.path} answered something that is no {answer.__name__} "
            f"({error.error_count()} faults); do client and server have the same version?"
        ) from error


def _checked(response: httpx2.Response, path: str) -> httpx2.Response:
    """Return a good answer; raise the exception of the code in a bad one."""
    if response.is_success:
        return response
    try:
        body = json.loads(response.content)
        code, detail = str(body["code"]), str(body["detail"])
    except (ValueError, KeyError, TypeError):
        raise UnexpectedAnswer(
            f"{path} answered {response.status_code} without an error code; is this a Fewclick server?"
        ) from None
    raise error_of(code, detail)


def _is_loopback(url: str) -> bool:
    """Whether an address is this machine's own."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
