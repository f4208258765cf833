"""The annotator's page: a Gradio shell around components of our own, whose code and style are files in `static`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import gradio as gr

    from app.service import AnnotationService
    from app.settings import Settings

STATIC = Path(__file__).parent / "static"
"""Served at /assets."""


def build_ui(service: "AnnotationService", settings: "Settings") -> "gr.Blocks":
    """Build the page, to be mounted at /ui. It calls the service directly; its canvas talks to /v1."""
    from app.ui.page import build_page  # gradio takes seconds to import

    return build_page(service, settings)


def ui_kwargs(settings: "Settings") -> dict[str, Any]:
    """Arguments of `gr.mount_gradio_app` that go with the page: nothing fetched from elsewhere, nothing remembered."""
    from app.ui.theme import page_theme

    return {
        "theme": page_theme(),
        "css_paths": [STATIC / "css" / "page.css"],
        "footer_links": [],
        "run_history": False,
        "show_error": False,
        "ssr_mode": False,
        "pwa": False,
        "enable_monitoring": False,
        "mcp_server": False,
    }
