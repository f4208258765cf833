"""What all callbacks of the page share: domain errors become messages, and Gradio stays out of the way."""

from collections.abc import Callable
from functools import wraps
from html import escape
from typing import Any, ParamSpec, TypeVar

import gradio as gr
from pydantic import ValidationError

from alcore.errors import AlcoreError
from app.errors import FewclickError
from prompts.errors import PromptError

P = ParamSpec("P")
R = TypeVar("R")

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
"""For every listener: no overlay, no public endpoint, no queueing behind other people."""


def tell_errors(callback: Callable[P, R]) -> Callable[P, R]:
    """Show a domain error as a message on the page, in its own words."""

    @wraps(callback)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return callback(*args, **kwargs)
        except (FewclickError, AlcoreError, PromptError) as error:
            raise gr.Error(escape(str(error)), print_exception=False) from error  # Gradio shows it as markup
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise gr.Error(escape(f"{place}: {first['msg']}"), print_exception=False) from error

    return told
