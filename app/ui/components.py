"""Gradio components of our own: `gr.HTML` subclasses whose markup, style and code are real files.

Their templates interpolate nothing, so Gradio never renders them again and cannot be made to run what a name holds.
Pixels, masks and prompts never pass through Gradio: values are ids, events are small.
"""

from pathlib import Path
from typing import Any, ClassVar

import gradio as gr

TEMPLATES = Path(__file__).parent / "templates"

# Where the page lies tells where the files are, so a proxy's path prefix needs no setting.
_LOADER = """/* events: {events} */
const page = location.origin + location.pathname.replace(/[/]?$/, '/');
import(new URL('../assets/js/{module}', page))
  .then((code) => code.mount(element, {{ props, trigger, watch }}))
  .catch((error) => {{ element.textContent = String(error); console.error(error); }});"""


class StaticComponent(gr.HTML):
    """Base: a fixed template, an ES module that exports `mount(element, context)`, and the events that it may send."""

    template: ClassVar[str]
    module: ClassVar[str]
    styles: ClassVar[tuple[str, ...]] = ("base.css", "controls.css", "cards.css")
    sends: ClassVar[tuple[str, ...]] = ()

    def __init__(self, value: dict[str, int | None] | None = None, *, elem_id: str | None = None, **props: Any) -> None:
        template = (TEMPLATES / self.template).read_text("utf-8")
        if any(mark in template for mark in ("${", "{{", "`")):
            raise ValueError(f"{self.template} must not interpolate anything: Gradio would run it as code")
        # gr.HTML finds the names of its events by looking for them, quoted, in this string.
        loader = _LOADER.format(events=" ".join(map(repr, self.sends)), module=self.module)
        head = "".join(f'<link rel="stylesheet" href="../assets/css/{name}">' for name in self.styles)
        super().__init__(
            value,
            html_template=template,
            js_on_load=loader,
            head=head,
            apply_default_css=False,
            elem_id=elem_id,
            **props,
        )

    def api_info(self) -> dict[str, Any]:
        """Values are JSON objects."""
        return {"type": "object"}


class Canvas(StaticComponent):
    """The annotation page. value = {"project_id": id}; Python hears of images, not of clicks."""

    template = "annotate.html"
    module = "annotate.js"
    styles = (
        "base.css",
        "controls.css",
        "annotate.css",
        "panel.css",
        "tools.css",
        "look.css",
        "day.css",
        "grid.css",
        "guide.css",
        "judge.css",
        "volume.css",
    )
    sends = ("task_changed", "saved", "skipped", "queue_empty")


class JobMonitor(StaticComponent):
    """Progress of a job with a cancel button. value = {"job_id": id}."""

    template = "job_monitor.html"
    module = "shell/job_monitor.js"
    sends = ("job_end",)


class RoundForm(StaticComponent):
    """Starts the next round, by a strategy with settings. value = {"project_id": id, "job_id": the last job}."""

    template = "round_form.html"
    module = "shell/round_form.js"
    styles = (*StaticComponent.styles, "round_form.css")
    sends = ("job_started",)


class RoundsView(StaticComponent):
    """Whether to go on, learning curve and table of rounds. value = {"project_id": id, "job_id": the last job}."""

    template = "rounds_view.html"
    module = "shell/rounds_view.js"
    sends = ("job_started",)


class RecordsView(StaticComponent):
    """Heads with a way back, scores by class, jobs with their logs. value = {"project_id": id, "job_id": the last}."""

    template = "records.html"
    module = "shell/records.js"
    styles = ("base.css", "controls.css", "cards.css", "records.css")


class AdaptationView(StaticComponent):
    """The click model in use; adapts it and goes back. value = {"project_id": id, "job_id": the last job}."""

    template = "adaptation.html"
    module = "shell/adaptation.js"
    sends = ("job_started",)


class ImagesView(StaticComponent):
    """Map and gallery of all images. value = {"project_id": id}; opens images in the annotation page itself."""

    template = "images.html"
    module = "images/view.js"
    styles = ("base.css", "controls.css", "cards.css", "images.css", "reads.css")


class Importer(StaticComponent):
    """Images from a folder on the server or from the annotator's computer. value = {"project_id": id}."""

    template = "importer.html"
    module = "shell/importer.js"
    sends = ("imported",)


class Exporter(StaticComponent):
    """Download of the annotations. value = {"project_id": id}."""

    template = "exporter.html"
    module = "shell/exporter.js"


class ReadsView(StaticComponent):
    """Shares of second reads and gold, agreement, scores on gold. value = {"project_id": id}."""

    template = "reads.html"
    module = "shell/reads.js"
    styles = (*StaticComponent.styles, "reads.css")


class UsersView(StaticComponent):
    """The people who log in; reads nothing but the API."""

    template = "users.html"
    module = "shell/users.js"
    styles = (*StaticComponent.styles, "users.css")


class Guidelines(StaticComponent):
    """How to annotate, to be written for the annotators. value = {"project_id": id}."""

    template = "guidelines.html"
    module = "shell/guidelines.js"
    styles = (*StaticComponent.styles, "guide.css")
