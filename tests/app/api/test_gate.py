"""Who may come in: nobody without a log-in where others can reach the server, and no other site's page anywhere."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from alcore.errors import InvalidInput
from app.errors import TooManyAttempts, Unauthorized
from app.passwords import hash_password, read_users
from app.security import COOKIE, MAX_FAILURES, Auth, check_exposure
from app.server import create_app
from app.service import AnnotationService
from app.settings import Settings, load_settings
from tests.app.workspaces import queue_all, seeded

TOKEN = "a-long-enough-token"
GUARDED = [
    "/",
    "/ui/",
    "/ui/config",
    "/ui/gradio_api/info",
    "/v1/projects",
    "/v1/openapi.json",
    "/assets/x.js",
    "/nope",
]
Open = Callable[..., TestClient]


@pytest.fixture
def opened(fake_service: AnnotationService, tmp_path: Path) -> Iterator[Open]:
    def open_with(base_url: str = "http://10.0.0.5:7860", **settings: object) -> TestClient:
        known = Settings(**{"host": "0.0.0.0", **settings})  # type: ignore[arg-type]
        app = create_app(tmp_path / "workspace", known, service=fake_service, with_ui=False)
        return TestClient(app, base_url=base_url, follow_redirects=False)

    return open_with


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    file = tmp_path / "users"
    file.write_text(f"# people\n\nann:{hash_password('correct horse')}\n")
    return file


@pytest.mark.parametrize("path", GUARDED)
def test_a_stranger_gets_nothing_but_the_log_in(opened: Open, path: str) -> None:
    http = opened(token=SecretStr(TOKEN))
    answer = http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
    page = http.get(path, headers={"accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/login")
    assert http.post(path, json={}).status_code == 401
    assert http.get(path, headers={"authorization": "Bearer wrong"}).status_code == 401
    http.cookies.set(COOKIE, "forged.value.here")
    assert http.get(path).status_code == 401


def test_health_and_the_log_in_page_are_open(opened: Open) -> None:
    http = opened(token=SecretStr(TOKEN))
    assert http.get("/v1/health").json()["status"] == "ok"
    page = http.get("/login")
    assert page.status_code == 200
    assert "Access token" in page.text


def test_a_program_comes_in_with_the_token(opened: Open) -> None:
    http = opened(token=SecretStr(TOKEN))
    assert http.get("/v1/projects", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_a_websocket_of_a_stranger_is_closed(opened: Open) -> None:
    http = opened(token=SecretStr(TOKEN))
    with pytest.raises(WebSocketDisconnect), http.websocket_connect("/ui/queue"):
        pass


def test_a_person_logs_in_and_out(opened: Open) -> None:
    http = opened(token=SecretStr(TOKEN))
    wrong = http.post("/login", data={"name": "ann", "password": "wrong"})
    assert (wrong.status_code, "right token" in wrong.text) == (401, True)
    right = http.post("/login", data={"name": "ann", "password": TOKEN})
    assert (right.status_code, right.headers["location"]) == (303, "/ui/")
    cookie = right.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert TOKEN not in cookie
    assert http.get("/v1/projects").status_code == 200
    http.post("/logout", headers={"sec-fetch-site": "same-origin"})
    assert http.get("/v1/projects").status_code == 401


def test_a_person_annotates_under_the_name_of_the_log_in(opened: Open, fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    http = opened(token=SecretStr(TOKEN))
    http.post("/login", data={"name": "ann", "password": TOKEN})
    item = http.post(f"/v1/projects/{project.id}/next", json={"annotator": "someone else"}).json()
    assert item["lease"]["annotator"] == "ann"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("mode", ["open", "cookie"])
def test_another_sites_page_cannot_write(opened: Open, headers: dict[str, str], mode: str) -> None:
    if mode == "open":
        http = opened("http://127.0.0.1:7860", host="127.0.0.1")
    else:
        http = opened(token=SecretStr(TOKEN))
        http.post("/login", data={"name": "ann", "password": TOKEN})
    body = {"name": "x", "task": "segmentation", "classes": ["a"]}
    refused = http.post("/v1/projects", json=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    own = {"origin": str(http.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
    assert http.post("/v1/projects", json=body, headers=own).status_code == 201


def test_an_open_server_answers_to_names_of_this_machine_only(opened: Open) -> None:
    http = opened("http://127.0.0.1:7860", host="127.0.0.1")
    for host in ("localhost:7860", "127.0.0.1:7860", "[::1]:7860", "LOCALHOST"):
        assert http.get("/v1/projects", headers={"host": host}).status_code == 200
    for host in ("evil.example", "10.0.0.5", "127.0.0.1.evil.example"):
        assert http.get("/v1/projects", headers={"host": host}).status_code == 403


def test_no_origin_is_ever_allowed_by_cors(opened: Open) -> None:
    http = opened("http://127.0.0.1:7860", host="127.0.0.1")
    answer = http.get("/v1/projects", headers={"origin": "http://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control-allow")]


def test_every_answer_carries_the_security_headers(opened: Open) -> None:
    http = opened("http://127.0.0.1:7860", host="127.0.0.1")
    for path in ("/v1/projects", "/login", "/nope"):
        headers = http.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'self'" in headers["content-security-policy"]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.9", "::", "example.org"])
def test_other_hosts_need_a_token_or_users(host: str, users_file: Path) -> None:
    with pytest.raises(InvalidInput, match="FEWCLICK_TOKEN"):
        check_exposure(Settings(host=host))
    check_exposure(Settings(host=host, token=SecretStr(TOKEN)))
    check_exposure(Settings(host=host, users_file=users_file))
    for own in ("127.0.0.1", "localhost", "::1", "127.0.0.2"):
        check_exposure(Settings(host=own))
    with pytest.raises(InvalidInput, match="8 characters"):
        check_exposure(Settings(token=SecretStr("short")))


def test_users_have_passwords_of_their_own(users_file: Path) -> None:
    auth = Auth(Settings(host="0.0.0.0", users_file=users_file), "secret")
    cookie = auth.log_in("ann", "correct horse", caller="c")
    assert auth.person_of(cookie) == "ann"
    assert auth.person_of(cookie[:-2] + "xx") is None
    for name, password in (("ann", "wrong"), ("bob", "correct horse"), ("", "correct horse")):
        with pytest.raises(Unauthorized):
            auth.log_in(name, password, caller="c")
    users_file.write_text(f"ann:{hash_password('changed')}\n")
    changed = Auth(Settings(host="0.0.0.0", users_file=users_file), "secret")
    assert changed.person_of(cookie) is None


def test_a_cookie_of_another_token_or_secret_is_worthless() -> None:
    cookie = Auth(Settings(token=SecretStr(TOKEN)), "secret").log_in("ann", TOKEN, caller="c")
    assert Auth(Settings(token=SecretStr("another-token")), "secret").person_of(cookie) is None
    assert Auth(Settings(token=SecretStr(TOKEN)), "other secret").person_of(cookie) is None


def test_guessing_is_slowed_down() -> None:
    now = [100.0]
    auth = Auth(Settings(token=SecretStr(TOKEN)), "secret", clock=lambda: now[0])
    for _ in range(MAX_FAILURES):
        with pytest.raises(Unauthorized):
            auth.log_in("ann", "guess", caller="10.0.0.9")
    with pytest.raises(TooManyAttempts, match="try again in"):
        auth.log_in("ann", TOKEN, caller="10.0.0.9")
    assert auth.log_in("ann", TOKEN, caller="10.0.0.8")
    now[0] += 61
    assert auth.log_in("ann", TOKEN, caller="10.0.0.9")


def test_a_bad_line_of_the_users_file_is_named_by_its_number(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("ann:plain-password\n")
    with pytest.raises(InvalidInput, match="line 1") as caught:
        read_users(tmp_path / "users")
    assert "plain-password" not in str(caught.value)


def test_bodies_over_the_limit_are_refused(opened: Open) -> None:
    http = opened("http://127.0.0.1:7860", host="127.0.0.1", max_body_mb=0.001, max_upload_mb=0.002)
    big = {"name": "x" * 5000, "task": "segmentation", "classes": ["a"]}
    assert http.post("/v1/projects", json=big).json()["code"] == "too_large"

    def chunks() -> Iterator[bytes]:
        for _ in range(5):
            yield b'"' + b"x" * 500

    streamed = http.post("/v1/projects", content=chunks(), headers={"content-type": "application/json"})
    assert (streamed.status_code, streamed.json()["code"]) == (413, "too_large")
    upload = http.post("/v1/projects/1/images", files=[("files", ("a.png", b"x" * 5000, "image/png"))])
    assert upload.status_code == 413


def test_paths_of_the_servers_disk_are_for_this_machine_or_allowed_folders(
    opened: Open, fake_service: AnnotationService, tmp_path: Path
) -> None:
    project = seeded(fake_service, 1)
    (tmp_path / "allowed" / "in").mkdir(parents=True)
    http = opened(token=SecretStr(TOKEN), import_roots=(tmp_path / "allowed",))
    http.headers["authorization"] = f"Bearer {TOKEN}"
    url = f"/v1/projects/{project.id}/import"
    assert http.post(url, json={"paths": [str(tmp_path / "allowed" / "in")]}).status_code == 200
    for path in (str(tmp_path), str(tmp_path / "allowed" / ".." / "secret"), "/etc"):
        assert http.post(url, json={"paths": [path]}).status_code == 403
    model = {"segmenter": "sam_vit_b:/etc/passwd"}
    assert http.patch(f"/v1/projects/{project.id}", json=model).status_code == 403
    local = opened("http://127.0.0.1:7860", host="127.0.0.1")
    assert local.post(url, json={"paths": [str(tmp_path / "allowed")]}).status_code == 200


def test_settings_come_from_arguments_then_environment_then_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings.toml").write_text('lease_s = 60\nport = 1\nhost = "localhost"\n')
    monkeypatch.setenv("FEWCLICK_PORT", "2")
    settings = load_settings(tmp_path, host="127.0.0.1", token=None)
    assert (settings.lease_s, settings.port, settings.host, settings.token) == (60, 2, "127.0.0.1", None)
