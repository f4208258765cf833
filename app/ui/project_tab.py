"""Project: make one, bring its images in, take its annotations out."""

from html import escape
from typing import TYPE_CHECKING, Any

import gradio as gr

from app.errors import Forbidden
from app.ui.callbacks import QUIET, tell_errors
from app.ui.components import Exporter, Guidelines, Importer, ReadsView
from app.ui.texts import text
from app.ui.users_tab import role_of

if TYPE_CHECKING:
    from app.service import AnnotationService


def project_tab(
    page: gr.Blocks, service: "AnnotationService", selector: gr.Dropdown
) -> tuple[Importer, Guidelines, ReadsView, Exporter]:
    """Lay out the tab and wire what happens inside it; returns what follows the project."""
    with gr.Row():
        with gr.Column(scale=3):
            importer = Importer(elem_id="fc-import")
            guidelines = Guidelines(elem_id="fc-guidelines")
            with gr.Column(visible=False) as judged:
                reads = ReadsView(elem_id="fc-reads")
            exporter = Exporter(elem_id="fc-export")
        with gr.Column(scale=2, elem_classes="fc-box"):
            gr.Markdown(f"## {text('project.new')}")
            name = gr.Textbox(label=text("project.name"), elem_id="fc-new-name", max_lines=1)
            task = gr.Radio(
                [(text(f"project.{kind}"), kind) for kind in ("segmentation", "classification")],
                value="segmentation",
                label=text("project.task"),
                elem_id="fc-new-task",
            )
            hint = text("project.classesHint")
            classes = gr.Textbox(label=text("project.classes"), placeholder=hint, elem_id="fc-new-classes", max_lines=1)
            create = gr.Button(text("project.create"), variant="primary", elem_id="fc-create")

    @tell_errors
    def make(new_name: str, kind: str, listed: str, request: gr.Request) -> tuple[dict[str, Any], str, str]:
        if role_of(request) == "annotator":
            raise Forbidden(text("project.forbidden"))
        wanted = [part.strip() for part in listed.split(",") if part.strip()]
        made = service.create_project(name=new_name.strip(), task=kind, classes=wanted)
        gr.Info(text("project.created", name=escape(made.name)))  # Gradio shows messages as markup
        choices = [(project.name, project.id) for project in service.list_projects()]
        return gr.update(choices=choices, value=made.id), "", ""

    create.click(make, [name, task, classes], [selector, name, classes], **QUIET)

    def judges(request: gr.Request) -> dict[str, Any]:
        return gr.update(visible=role_of(request) != "annotator")

    page.load(judges, None, judged, **QUIET)
    return importer, guidelines, reads, exporter
