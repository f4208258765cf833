"""Rounds: start the next one, follow its job, see the learning curve and what it cost."""

from typing import TYPE_CHECKING, NamedTuple

import gradio as gr

from app.ui.callbacks import QUIET, tell_errors
from app.ui.components import AdaptationView, JobMonitor, RecordsView, RoundsView
from app.ui.texts import text

if TYPE_CHECKING:
    from app.api.schemas import RegistryEntry
    from app.service import AnnotationService


class RoundsParts(NamedTuple):
    """What follows the project: components with values of ids, and the number of images that a round asks."""

    following: tuple[JobMonitor, RoundsView, AdaptationView, RecordsView]
    batch: gr.Number


def rounds_tab(service: "AnnotationService", selector: gr.Dropdown, tab: gr.Tab) -> RoundsParts:
    """Lay out the tab and wire what happens inside it."""
    with gr.Column(elem_classes="fc-box"):
        gr.Markdown(f"## {text('rounds.next')}\n{text('rounds.nextInfo')}")
        with gr.Row(elem_classes="fc-form"):
            count = gr.Number(
                20, label=text("rounds.count"), precision=0, minimum=1, elem_id="fc-round-n", min_width=110
            )
            strategy = gr.Dropdown(
                _strategies(service), value="", label=text("rounds.strategy"), elem_id="fc-round-strategy", scale=3
            )
            start = gr.Button(text("rounds.start"), variant="primary", elem_id="fc-round-start", min_width=150)
    monitor = JobMonitor(elem_id="fc-job")
    adaptation = AdaptationView(elem_id="fc-adaptation")
    view = RoundsView(elem_id="fc-rounds")
    records = RecordsView(elem_id="fc-records")

    @tell_errors
    def look(project_id: int | None) -> list[dict[str, int | None]]:
        job_id = None if project_id is None else service.project(project_id).job_id
        return [{"project_id": project_id, "job_id": job_id}] * 4

    @tell_errors
    def begin(project_id: int | None, n: int | None, name: str) -> dict[str, int | None]:
        if project_id is None:
            raise gr.Error(text("project.noneYet"), print_exception=False)
        return {"job_id": service.start_round(project_id, n=n, strategy=name or None).id}

    def ended(project_id: int | None, event: gr.EventData) -> list[dict[str, int | str | None]]:
        return [{"project_id": project_id, "job_id": event.job_id, "state": event.state}] * 3

    def started(event: gr.EventData) -> dict[str, int | None]:
        return {"job_id": event.job_id}

    start.click(begin, [selector, count, strategy], monitor, **QUIET)
    tab.select(look, selector, [monitor, view, adaptation, records], **QUIET)
    for part in (adaptation, view):
        part.job_started(started, None, monitor, **QUIET)
    monitor.job_end(ended, selector, [view, adaptation, records], **QUIET)

    return RoundsParts((monitor, view, adaptation, records), count)


def _strategies(service: "AnnotationService") -> list[tuple[str, str]]:
    known = [(_line(entry), entry.name) for entry in service.registry().strategies if entry.tasks]
    return [(text("rounds.strategyDefault"), ""), *known]


def _line(entry: "RegistryEntry") -> str:
    """A strategy in the list; what only one kind of project can feed says so."""
    line = f"{entry.name}: {entry.summary}"
    return line if len(entry.tasks) > 1 else f"{line} ({text(f'rounds.only.{entry.tasks[0]}')})"
