"""The people who log in: who may keep them, what each role may do, and that passwords go no further than one answer."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from alcore.errors import InvalidInput
from app.api.schemas_users import UserIn, UserPatch
from app.errors import AlreadyExists, Conflict, InvalidRequest, NotFound
from app.passwords import hash_password
from app.roles import may
from app.security import check_exposure
from app.server import create_app
from app.service import AnnotationService
from app.settings import Settings
from tests.app.service.test_adjudication import apart
from tests.app.workspaces import accept_all, queue_all, seeded

Enter = Callable[..., TestClient]


@pytest.fixture
def enter(fake_service: AnnotationService, tmp_path: Path) -> Enter:
    """enter(name, password) gives a browser that has logged in, enter() one that has not."""
    settings = Settings(host="0.0.0.0", port=0, token=SecretStr("a-long-enough-token"))
    app = create_app(tmp_path / "workspace", settings, service=fake_service, with_ui=False)

    def log_in(name: str = "", password: str = "") -> TestClient:
        http = TestClient(app, base_url="http://10.0.0.5:7860", follow_redirects=False)
        if name:
            app.state.auth.forget()
            answer = http.post("/login", data={"name": name, "password": password})
            assert (answer.status_code == 303) or answer.status_code == 401, answer.text
        return http

    return log_in


def added(service: AnnotationService, name: str, role: str) -> str:
    return service.add_user(UserIn.model_validate({"name": name, "role": role})).password


def test_an_operator_adds_somebody_who_logs_in_and_annotates(enter: Enter, fake_service: AnnotationService) -> None:
    chief = enter("chief", added(fake_service, "chief", "operator"))
    answer = chief.post("/v1/users", json={"name": "ann", "role": "annotator"})
    assert answer.status_code == 201
    ann = enter("ann", answer.json()["password"])
    project = seeded(fake_service, 3)
    queue_all(fake_service, project.id)
    item = ann.post(f"/v1/projects/{project.id}/next", json={"annotator": "somebody else"}).json()
    assert item["lease"]["annotator"] == "ann"
    assert ann.post(f"/v1/items/{item['id']}/notes", json={"kind": "comment", "text": "blurred"}).status_code == 201
    listed = {user["name"]: user for user in chief.get("/v1/users").json()["users"]}
    assert listed["ann"]["role"] == "annotator"
    assert (listed["ann"]["is_active"], listed["ann"]["n_images"], listed["ann"]["last_at"]) == (True, 0, None)


@pytest.mark.parametrize("role", ["annotator", "scientist"])
def test_nobody_but_an_operator_keeps_users(enter: Enter, fake_service: AnnotationService, role: str) -> None:
    added(fake_service, "chief", "operator")
    http = enter("ann", added(fake_service, "ann", role))
    for method, path, body in (
        ("GET", "/v1/users", None),
        ("POST", "/v1/users", {"name": "eve", "role": "operator"}),
        ("POST", "/v1/users/chief/password", None),
        ("PATCH", "/v1/users/ann", {"role": "operator"}),
    ):
        answer = http.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
        assert role in answer.json()["detail"]
        assert enter().request(method, path, json=body).status_code == 401
    assert [user.name for user in fake_service.users().users] == ["chief", "ann"]


def test_an_annotator_reads_projects_but_does_not_run_them(enter: Enter, fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 3)
    added(fake_service, "chief", "operator")
    ann = enter("ann", added(fake_service, "ann", "annotator"))
    sam = enter("sam", added(fake_service, "sam", "scientist"))
    assert ann.get(f"/v1/projects/{project.id}").status_code == 200
    for method, path, body in (
        ("POST", "projects", {"name": "mine", "task": "segmentation", "classes": ["a"]}),
        ("PATCH", f"projects/{project.id}", {"batch_size": 3}),
        ("POST", f"projects/{project.id}/rounds", {"n": 0}),
        ("POST", f"projects/{project.id}/exports", {"format": "none"}),
        ("POST", f"projects/{project.id}/picks", {}),
    ):
        assert ann.request(method, f"/v1/{path}", json=body).status_code == 403, path
        assert sam.request(method, f"/v1/{path}", json=body).status_code != 403, path


@pytest.mark.parametrize(
    ("role", "method", "path", "allowed"),
    [
        ("annotator", "PUT", "/v1/items/3/annotation", True),
        ("annotator", "POST", "/v1/projects/3/next", True),
        ("annotator", "POST", "/v1/projects/3/nextish", False),
        ("annotator", "POST", "/v1/jobs/3/cancel", False),
        ("annotator", "POST", "/ui/gradio_api/queue/join", True),
        ("annotator", "POST", "/logout", True),
        ("scientist", "POST", "/v1/jobs/3/cancel", True),
        ("scientist", "GET", "/v1/users", False),
        ("operator", "GET", "/v1/users", True),
    ],
)
def test_what_each_role_may_do(role: Any, method: str, path: str, allowed: bool) -> None:
    assert may(role, method, path) is allowed


def test_a_new_password_ends_what_the_old_one_began(enter: Enter, fake_service: AnnotationService) -> None:
    chief = enter("chief", added(fake_service, "chief", "operator"))
    old = added(fake_service, "ann", "annotator")
    ann = enter("ann", old)
    assert ann.get("/v1/projects").status_code == 200
    answer = chief.post("/v1/users/ann/password")
    assert answer.status_code == 200
    assert ann.get("/v1/projects").status_code == 401
    assert enter("ann", old).get("/v1/projects").status_code == 401
    assert enter("ann", answer.json()["password"]).get("/v1/projects").status_code == 200


def test_a_switched_off_account_cannot_come_in_and_its_annotations_stay(
    enter: Enter, fake_service: AnnotationService
) -> None:
    chief = enter("chief", added(fake_service, "chief", "operator"))
    password = added(fake_service, "ann", "annotator")
    ann = enter("ann", password)
    project = seeded(fake_service, 4)
    queue_all(fake_service, project.id)
    n_done = accept_all(fake_service, project.id)  # as ann
    off = chief.patch("/v1/users/ann", json={"is_active": False})
    assert (off.status_code, off.json()["is_active"]) == (200, False)
    assert ann.get("/v1/projects").status_code == 401
    assert enter("ann", password).get("/v1/projects").status_code == 401
    (listed,) = [user for user in fake_service.users().users if user.name == "ann"]
    assert listed.n_annotations == listed.n_images == n_done > 0
    assert listed.last_at is not None
    chief.patch("/v1/users/ann", json={"is_active": True, "role": "scientist"})
    again = enter("ann", password)
    assert again.post("/v1/projects", json={}).status_code == 422  # may, but sent nothing


def test_a_password_is_kept_as_a_hash_and_never_logged(
    enter: Enter, fake_service: AnnotationService, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    chief_password = added(fake_service, "chief", "operator")
    chief = enter("chief", chief_password)
    passwords = [chief_password, chief.post("/v1/users", json={"name": "ann"}).json()["password"]]
    passwords.append(chief.post("/v1/users/ann/password").json()["password"])
    assert len(set(passwords)) == 3
    assert all(len(password) == 16 for password in passwords)
    stored = [account.password_hash for account in fake_service.accounts().values()]
    assert all(kept.startswith("$argon2") for kept in stored)
    assert not any(password in caplog.text for password in passwords)
    database = b"".join(file.read_bytes() for file in fake_service.context.folder.glob("fewclick.db*"))
    assert not any(password.encode() in database for password in passwords)


def test_the_first_user_is_an_operator_and_the_last_one_stays(fake_service: AnnotationService) -> None:
    assert fake_service.users().login == "open"
    with pytest.raises(InvalidRequest, match=r"first user must be an operator.*; got annotator"):
        added(fake_service, "ann", "annotator")
    added(fake_service, "chief", "operator")
    assert fake_service.users().login == "users"
    for changes in ({"role": "scientist"}, {"is_active": False}):
        with pytest.raises(Conflict, match="'chief' is the last operator"):
            fake_service.change_user("chief", UserPatch.model_validate(changes))
    added(fake_service, "deputy", "operator")
    assert fake_service.change_user("chief", UserPatch(role="scientist")).role == "scientist"
    with pytest.raises(AlreadyExists, match="'chief' already"):
        added(fake_service, "chief", "annotator")
    for ask in (lambda: fake_service.reset_password("eve"), lambda: fake_service.change_user("eve", UserPatch())):
        with pytest.raises(NotFound, match="no user 'eve'"):
            ask()


def test_from_the_first_user_on_everybody_logs_in(fake_service: AnnotationService, tmp_path: Path) -> None:
    app = create_app(tmp_path / "workspace", Settings(), service=fake_service, with_ui=False)
    http = TestClient(app, base_url="http://127.0.0.1:7860")
    assert http.get("/v1/users").json() == {"login": "open", "users": []}
    made = http.post("/v1/users", json={"name": "chief", "role": "operator"}).json()
    assert http.get("/v1/users").status_code == 401
    http.post("/login", data={"name": "chief", "password": made["password"]}, follow_redirects=False)
    assert http.get("/v1/users").json()["users"][0]["name"] == "chief"


def test_users_of_the_file_are_listed_but_kept_there(fake_service: AnnotationService, tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text(f"fay:{hash_password('correct horse')}\n")
    fake_service.context.settings = Settings(users_file=file)
    (fay,) = fake_service.users().users
    assert (fay.name, fay.role, fay.kept_in) == ("fay", "operator", "file")
    for ask in (lambda: fake_service.reset_password("fay"), lambda: fake_service.change_user("fay", UserPatch())):
        with pytest.raises(Conflict, match="'fay' stands in the users file; change it there"):
            ask()
    with pytest.raises(AlreadyExists, match="in the users file"):
        added(fake_service, "fay", "annotator")
    added(fake_service, "ann", "annotator")  # there is an operator already


@pytest.mark.parametrize("name", ["", " ", "a/b", "a:b", "a\nb", "a?b", "x" * 101, " ann", "ann "])
def test_a_name_that_would_not_fit_an_address_is_refused(fake_service: AnnotationService, name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        UserIn.model_validate({"name": name, "role": "operator"})


def test_other_hosts_may_rely_on_users_of_the_workspace(fake_service: AnnotationService, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="fewclick user add"):
        create_app(tmp_path / "workspace", Settings(host="0.0.0.0"), service=fake_service, with_ui=False)
    added(fake_service, "chief", "operator")
    create_app(tmp_path / "workspace", Settings(host="0.0.0.0"), service=fake_service, with_ui=False)
    check_exposure(Settings(host="0.0.0.0"), has_users=True)


def test_readers_stay_blind_and_nobody_waits_for_an_annotators_decision(
    enter: Enter, fake_service: AnnotationService
) -> None:
    project_id = apart(fake_service)
    paths = [f"/v1/projects/{project_id}/agreement", f"/v1/projects/{project_id}/gold", "/v1/items/1/adjudication"]
    chief = enter("chief", added(fake_service, "chief", "operator"))
    ann, sam = (enter(role, added(fake_service, role, role)) for role in ("annotator", "scientist"))
    assert [ann.get(path).status_code for path in paths] == [403, 403, 403]
    for http in (sam, chief):
        assert [http.get(path).status_code for path in paths] == [200, 200, 200]
    waiting = [http.get(f"/v1/projects/{project_id}/adjudications").json()["waiting"] for http in (ann, sam, chief)]
    assert [len(listed) for listed in waiting] == [0, 1, 1]
    assert ann.post("/v1/items/1/adjudication/lease", json={}).status_code == 403
