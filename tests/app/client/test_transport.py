"""What the client does when the network, the server or a proxy misbehaves."""

import subprocess
import sys
from collections.abc import Callable

import httpx2
import pytest

from alcore.errors import UnknownName
from app.client import Client, ServerUnreachable, UnexpectedAnswer
from app.client import transport as transport_module
from app.errors import ERRORS, AlreadyExists, FewclickError, Unauthorized
from tests.paths import ROOT

Handler = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr(transport_module.time, "sleep", waited.append)
    return waited


def client_of(handler: Handler, token: str | None = None) -> Client:
    http = httpx2.Client(transport=httpx2.MockTransport(handler), base_url="http://fewclick.test")
    return Client(http=http, token=token)


def test_the_constructor_sends_nothing_and_a_missing_server_is_named() -> None:
    with (
        Client("http://127.0.0.1:9", timeout_s=1) as fewclick,
        pytest.raises(ServerUnreachable, match=r"127\.0\.0\.1:9"),
    ):
        fewclick.health()


@pytest.mark.parametrize("kind", ERRORS)
def test_each_code_of_the_server_comes_back_as_its_exception(kind: type[Exception]) -> None:
    code = kind.code  # type: ignore[attr-defined]
    answer = httpx2.Response(ERRORS[kind], json={"code": code, "detail": "what came, what is allowed"})
    with pytest.raises(Exception, match="what came, what is allowed") as caught:
        client_of(lambda _: answer).health()
    assert type(caught.value) is kind


def test_a_code_that_this_client_does_not_know_is_still_an_error_of_ours() -> None:
    answer = httpx2.Response(409, json={"code": "from_the_future", "detail": "later"})
    with pytest.raises(FewclickError, match="later"):
        client_of(lambda _: answer).health()


def test_a_read_is_tried_again_and_then_succeeds(pauses: list[float]) -> None:
    answers = iter(
        [httpx2.Response(503), httpx2.Response(200, json={"status": "ok", "version": "0.1.0", "schema": "1"})]
    )
    assert client_of(lambda _: next(answers)).health().version == "0.1.0"
    assert pauses == [0.2]


def test_a_read_gives_up_after_four_tries(pauses: list[float]) -> None:
    seen = []

    def refuse(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        raise httpx2.ConnectError("refused")

    with pytest.raises(ServerUnreachable, match="refused"):
        client_of(refuse).health()
    assert len(seen) == 4
    assert pauses == [0.2, 0.8, 2.0]


def test_creating_a_project_is_never_tried_twice(pauses: list[float]) -> None:
    seen = []

    def drop(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        raise httpx2.ReadError("connection reset")

    with pytest.raises(ServerUnreachable):
        client_of(drop).create_project("p", task="segmentation", classes=["a"])
    assert len(seen) == 1
    assert pauses == []


def test_a_web_page_instead_of_an_answer_is_named() -> None:
    with pytest.raises(UnexpectedAnswer, match="without an error code"):
        client_of(lambda _: httpx2.Response(404, text="<html>nginx</html>")).health()
    with pytest.raises(UnexpectedAnswer, match="no Health"):
        client_of(lambda _: httpx2.Response(200, text="<html>hotel wifi</html>")).health()


def test_the_token_travels_as_bearer() -> None:
    def check(request: httpx2.Request) -> httpx2.Response:
        if request.headers.get("Authorization") == "Bearer s3cret":
            return httpx2.Response(200, json={"status": "ok", "version": "1", "schema": "1"})
        return httpx2.Response(401, json={"code": "unauthorized", "detail": "no token"})

    assert client_of(check, token="s3cret").health().status == "ok"
    with pytest.raises(Unauthorized):
        client_of(check).health()


def test_exceptions_of_alcore_and_of_the_service_are_the_same_classes() -> None:
    unknown = httpx2.Response(422, json={"code": "unknown_name", "detail": "unknown strategy 'typiclst'"})
    with pytest.raises(UnknownName):
        client_of(lambda _: unknown).health()
    taken = httpx2.Response(409, json={"code": "already_exists", "detail": "the name is taken"})
    with pytest.raises(AlreadyExists):
        client_of(lambda _: taken).create_project("p", task="segmentation", classes=["a"])


def test_importing_the_client_is_light() -> None:
    code = (
        "import sys, time\n"
        "import app.client\n"
        "heavy = {'torch', 'gradio', 'fastapi', 'starlette', 'sqlalchemy', 'scipy', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert time.process_time() < 1.5, time.process_time()\n"  # 0.5 s on an idle machine
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
