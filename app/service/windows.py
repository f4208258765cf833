"""The windows of answers: read from a row, checked against the item, compared between two answers."""

from collections.abc import Mapping
from typing import Any

from alcore.errors import InvalidInput
from alcore.masks import decode_rle
from alcore.windows import Box, check_window, common_window
from app.api.schemas import AnnotationIn
from app.store.database import Row


def window_of_answer(answer: Mapping[str, Any]) -> Box | None:
    """The rectangle that alone is labeled; None where the whole image is."""
    found = answer.get("labeled_window")
    if found is None:
        return None
    x0, y0, x1, y1 = map(int, found)
    return x0, y0, x1, y1


def shared_window(first: Mapping[str, Any], second: Mapping[str, Any]) -> Box | None:
    """What two answers to an image both label; None for the whole image.

    Raises:
        InvalidInput: they label windows that have nothing in common.
    """
    return common_window(window_of_answer(first), window_of_answer(second))


def check_answer(body: AnnotationIn, item: Row, task: str) -> None:
    """Refuse a window that does not fit the item, and objects that lie outside it.

    Raises:
        InvalidInput: the project labels whole images, the item is one to measure on, the window is empty or not inside
            the image, or an object lies outside it.
    """
    if body.labeled_window is None:
        return
    if task == "classification":
        raise InvalidInput("a classification project labels whole images; leave `labeled_window` null")
    refuse_audit(item)
    x0, y0, x1, y1 = check_window(body.labeled_window, (item["height"], item["width"]))
    for number, entry in enumerate(body.objects):
        mask = decode_rle(entry.mask.model_dump())
        if mask.any() and not mask[y0:y1, x0:x1].any():
            raise InvalidInput(
                f"objects[{number}] lies outside the window {[x0, y0, x1, y1]}, which alone is labeled: leave the "
                "object out, or label a larger window"
            )


def refuse_audit(item: Row) -> None:
    """Refuse windows of items that models are measured on.

    Raises:
        InvalidInput: the item is one.
    """
    if item["is_audit"]:
        raise InvalidInput(
            f"item {item['id']} belongs to the audit set, on which models are measured, and is labeled whole: "
            "leave the window out"
        )
