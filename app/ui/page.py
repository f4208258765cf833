"""The shell: project selector and tabs. Callbacks take ids, call one service method and return updates."""

from typing import TYPE_CHECKING, Any

import gradio as gr

from app.ui.callbacks import QUIET, tell_errors
from app.ui.components import Canvas, ImagesView
from app.ui.project_tab import project_tab
from app.ui.rounds_tab import rounds_tab
from app.ui.texts import text
from app.ui.users_tab import users_tab

if TYPE_CHECKING:
    from app.service import AnnotationService
    from app.settings import Settings


def build_page(service: "AnnotationService", settings: "Settings") -> gr.Blocks:
    """Lay out the page and wire it to the service."""

    def choices() -> list[tuple[str, int]]:
        return [(project.name, project.id) for project in service.list_projects()]

    with gr.Blocks(
        title=text("app.title"), fill_width=True, analytics_enabled=False, delete_cache=(3600, 3600)
    ) as page:
        remembered = gr.BrowserState(None, storage_key="fewclick:project", secret="fewclick")
        with gr.Row(elem_id="fc-header"):
            gr.Markdown(f"# {text('app.title')}", elem_id="fc-title")
            selector = gr.Dropdown(
                choices(),
                label=text("app.project"),
                show_label=False,
                container=False,
                elem_id="fc-project",
                value=None,
            )
            gr.Markdown(text("app.tagline"))
        with gr.Tabs(elem_id="fc-tabs"):
            with gr.Tab(text("app.tabs.annotate"), id="annotate"):
                canvas = Canvas(elem_id="fc-canvas")
            with gr.Tab(text("app.tabs.images"), id="images"), gr.Column(elem_classes="fc-page"):
                images = ImagesView(elem_id="fc-images")
            with gr.Tab(text("app.tabs.rounds"), id="rounds") as rounds, gr.Column(elem_classes="fc-page"):
                rounds_parts = rounds_tab(service, selector, rounds)
            with gr.Tab(text("app.tabs.project"), id="project"), gr.Column(elem_classes="fc-page"):
                project_parts = project_tab(page, service, selector)
            users_tab(page)
        parts = [canvas, images, *rounds_parts, *project_parts]

        @tell_errors
        def start(last: int | None) -> dict[str, Any]:
            known = choices()
            ids = [project_id for _, project_id in known]
            return gr.update(choices=known, value=last if last in ids else ids[-1] if ids else None)

        @tell_errors
        def opened(project_id: int | None) -> list[Any]:
            project = None if project_id is None else service.project(project_id)
            value = {"project_id": project_id, "job_id": project.job_id if project else None}
            return [value] * len(parts) + [project_id]

        shown = [*parts, remembered]
        page.load(start, remembered, selector, **QUIET).then(opened, selector, shown, **QUIET)
        selector.change(opened, selector, shown, **QUIET)
    return page
