"""Annotations are only ever added: the store offers no other way, and the database refuses one."""

import ast
import inspect
import uuid
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from app.errors import InvalidRequest, LeaseLost, VersionConflict, WorkspaceError
from app.service import AnnotationService, open_workspace
from app.store import annotations as rows
from app.store.database import newest_revision, open_database
from app.store.tables import annotations, leases
from app.store.tables_base import metadata
from tests.app.workspaces import accept_next, answer_of, queue_all, seeded


def test_the_database_refuses_to_change_or_delete_an_annotation(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 2)
    queue_all(fake_service, project.id)
    accept_next(fake_service, project.id)
    db = fake_service.context.db
    with pytest.raises(IntegrityError, match="append-only"), db.write() as connection:
        connection.execute(update(annotations).values(annotator="someone else"))
    with pytest.raises(IntegrityError, match="append-only"), db.write() as connection:
        connection.execute(delete(annotations))
    with db.read() as connection:
        assert connection.execute(select(annotations.c.annotator)).scalars().all() == ["ann"]


def test_no_function_of_the_store_updates_or_deletes_annotations() -> None:
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(rows))) if isinstance(node, ast.Call)]
    changed = [
        ast.unparse(node.args[0])
        for node in calls
        if isinstance(node.func, ast.Name) and node.func.id in ("update", "delete")
    ]
    assert "annotations" not in changed


def test_a_correction_is_a_new_version_and_the_old_one_stays(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    first = accept_next(fake_service, project.id)
    assert first is not None
    again = fake_service.lease(first.item_id, "bob")
    second = fake_service.annotate(again.id, answer_of(again, objects=[]))
    assert (first.version, second.version) == (1, 2)
    history = fake_service.history(again.id)
    assert [(a.version, a.annotator, len(a.objects)) for a in history] == [(1, "ann", 1), (2, "bob", 0)]
    newest = fake_service.item(again.id).annotation
    assert newest is not None
    assert newest.version == 2


def test_sending_the_same_submission_again_gives_the_same_answer(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 2)
    queue_all(fake_service, project.id)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    body = answer_of(item)
    assert fake_service.annotate(item.id, body) == fake_service.annotate(item.id, body)
    assert len(fake_service.history(item.id)) == 1
    other = fake_service.next_item(project.id, "ann")
    assert other is not None
    with pytest.raises(InvalidRequest, match="was used for item"):
        fake_service.annotate(other.id, answer_of(other, submission_id=body.submission_id))


def test_an_answer_to_an_old_version_is_a_conflict(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    fake_service.annotate(item.id, answer_of(item))
    with pytest.raises(VersionConflict, match="at version 1"):
        fake_service.annotate(item.id, answer_of(item, submission_id=uuid.uuid4()))


def test_a_lost_lease_refuses_the_answer_and_keeps_the_draft(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    assert item.lease is not None
    fake_service.save_draft(item.id, item.lease.token, {"objects": ["half a mask"]})
    with fake_service.context.db.write() as connection:
        connection.execute(update(leases).values(expires_at=0.0))
    assert fake_service.next_item(project.id, "bob") is not None
    with pytest.raises(LeaseLost, match="kept as a draft"):
        fake_service.annotate(item.id, answer_of(item))
    with pytest.raises(LeaseLost):
        fake_service.save_draft(item.id, item.lease.token, {"objects": []})
    assert fake_service.draft(item.id, "ann") == {"objects": ["half a mask"]}
    assert fake_service.history(item.id) == []


def test_an_expired_lease_that_nobody_took_still_counts(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    with fake_service.context.db.write() as connection:
        connection.execute(update(leases).values(expires_at=0.0))
    assert fake_service.item(item.id).state == "queued"
    assert fake_service.annotate(item.id, answer_of(item)).version == 1


def test_accepting_drops_the_draft(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 1)
    queue_all(fake_service, project.id)
    item = fake_service.next_item(project.id, "ann")
    assert item is not None
    assert item.lease is not None
    fake_service.save_draft(item.id, item.lease.token, {"n": 1})
    assert fake_service.item(item.id).draft == {"n": 1}
    fake_service.annotate(item.id, answer_of(item))
    assert fake_service.item(item.id).draft is None


def test_the_migrated_schema_is_the_one_in_the_code(fake_service: AnnotationService) -> None:
    with fake_service.context.db.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert fake_service.schema_revision() == newest_revision()


def test_the_database_is_durable_and_checks_references(fake_service: AnnotationService) -> None:
    with fake_service.context.db.read() as connection:
        pragmas = {name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in ("journal_mode",)}
        assert pragmas == {"journal_mode": "wal"}
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
    lease = {"item_id": 99, "token": "t", "annotator": "a", "acquired_at": 0.0, "expires_at": 0.0}
    with pytest.raises(IntegrityError), fake_service.context.db.write() as connection:
        connection.execute(insert(leases).values(**lease))


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    db = open_database(tmp_path / "fewclick.db")
    with db.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    db.close()
    with pytest.raises(WorkspaceError, match="update Fewclick"):
        open_workspace(tmp_path)


def test_a_folder_that_is_no_workspace_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="fewclick init"):
        open_workspace(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
