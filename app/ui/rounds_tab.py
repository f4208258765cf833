"""Rounds: start the next one, follow its job, see the learning curve and what it cost."""

from typing import TYPE_CHECKING

import gradio as gr

from app.ui.callbacks import QUIET, tell_errors
from app.ui.components import AdaptationView, JobMonitor, RecordsView, RoundForm, RoundsView

if TYPE_CHECKING:
    from app.service import AnnotationService


RoundsParts = tuple[RoundForm, JobMonitor, RoundsView, AdaptationView, RecordsView]


def rounds_tab(service: "AnnotationService", selector: gr.Dropdown, tab: gr.Tab) -> RoundsParts:
    """Lay out the tab and wire what happens inside it; returns what follows the project."""
    form = RoundForm(elem_id="fc-round")
    monitor = JobMonitor(elem_id="fc-job")
    adaptation = AdaptationView(elem_id="fc-adaptation")
    view = RoundsView(elem_id="fc-rounds")
    records = RecordsView(elem_id="fc-records")

    @tell_errors
    def look(project_id: int | None) -> list[dict[str, int | None]]:
        job_id = None if project_id is None else service.project(project_id).job_id
        return [{"project_id": project_id, "job_id": job_id}] * 5

    def ended(project_id: int | None, event: gr.EventData) -> list[dict[str, int | str | None]]:
        return [{"project_id": project_id, "job_id": event.job_id, "state": event.state}] * 4

    def started(event: gr.EventData) -> dict[str, int | None]:
        return {"job_id": event.job_id}

    tab.select(look, selector, [form, monitor, view, adaptation, records], **QUIET)
    for part in (form, adaptation, view):
        part.job_started(started, None, monitor, **QUIET)
    monitor.job_end(ended, selector, [form, view, adaptation, records], **QUIET)

    return form, monitor, view, adaptation, records
