"""Comments and flags: who said what and when, and which images want another look."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from alcore.errors import InvalidInput
from app.api.schemas_work import NoteIn
from app.client import Client
from app.errors import NotFound
from app.server import create_app
from app.service import AnnotationService
from tests.app.workspaces import seeded


def test_notes_are_listed_with_who_and_when_in_the_order_written(fake_service: AnnotationService) -> None:
    seeded(fake_service, 2)
    before = fake_service.context.clock()
    fake_service.add_note(1, NoteIn(annotator="ann", text=" is this a cyst? "))
    fake_service.add_note(2, NoteIn(annotator="ann", text="elsewhere"))
    fake_service.add_note(1, NoteIn(annotator="bob", text="yes"))
    listed = fake_service.notes(1)
    assert [(n.annotator, n.kind, n.text) for n in listed.notes] == [
        ("ann", "comment", "is this a cyst?"),
        ("bob", "comment", "yes"),
    ]
    assert not listed.flagged
    assert before <= listed.notes[0].created_at.timestamp() <= listed.notes[1].created_at.timestamp()


def test_a_flag_stands_until_it_is_settled_and_can_be_raised_again(fake_service: AnnotationService) -> None:
    project = seeded(fake_service, 3)

    def flagged() -> list[int]:
        return [item.id for item in fake_service.items(project.id, flagged=True).items]

    fake_service.add_note(2, NoteIn(annotator="ann", kind="flag", text="which side?"))
    assert flagged() == [2]
    assert fake_service.item(2).flagged
    fake_service.add_note(2, NoteIn(annotator="bob", text="left"))
    assert flagged() == [2]
    fake_service.add_note(2, NoteIn(annotator="bob", kind="resolve"))
    assert flagged() == []
    assert [item.id for item in fake_service.items(project.id, flagged=False).items] == [1, 2, 3]
    fake_service.add_note(2, NoteIn(annotator="ann", kind="flag", text="still unsure"))
    assert flagged() == [2]
    assert fake_service.items(project.id, state="labeled", flagged=True).total == 0


@pytest.mark.parametrize("kind", ["comment", "flag"])
def test_words_are_asked_for(fake_service: AnnotationService, kind: str) -> None:
    seeded(fake_service, 1)
    with pytest.raises(InvalidInput, match=f"a {kind} needs words"):
        fake_service.add_note(1, NoteIn.model_validate({"kind": kind, "text": "  "}))
    assert fake_service.notes(1).notes == []
    assert not fake_service.item(1).flagged


def test_an_unknown_image_takes_no_note(fake_service: AnnotationService) -> None:
    with pytest.raises(NotFound):
        fake_service.add_note(7, NoteIn(text="hello"))
    with pytest.raises(NotFound):
        fake_service.notes(7)


def test_the_client_flags_comments_and_lists_what_is_flagged(fake_service: AnnotationService, tmp_path: object) -> None:
    made = seeded(fake_service, 3)
    api: FastAPI = create_app(fake_service.context.folder, service=fake_service, with_ui=False)
    with Client(http=TestClient(api, base_url="http://127.0.0.1:7860")) as client:
        project = client.project(made.name)
        item = project.item(3)
        assert item.flag("edge is unclear", annotator="ann").kind == "flag"
        item.comment("see the next slice", annotator="bob")
        assert [summary.id for summary in project.items(flagged=True)] == [3]
        item.resolve_flag(annotator="bob")
        listed = item.notes()
        assert [(n.annotator, n.kind, n.text) for n in listed.notes] == [
            ("ann", "flag", "edge is unclear"),
            ("bob", "comment", "see the next slice"),
            ("bob", "resolve", ""),
        ]
        assert not listed.flagged
        assert project.items(flagged=True) == []
        assert len(project.items()) == 3
