"""One leased image: its pixels, prompts to masks, and the answer of the annotator."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import numpy as np

from alcore.masks import decode_rle, encode_rle
from app.api.schemas import (
    AnnotationIn,
    AnnotationReceipt,
    ObjectIn,
    PointIn,
    PredictAnswer,
    PredictRequest,
    Rle,
    ScribbleIn,
    Suggestion,
    WindowIn,
)
from app.api.schemas import Item as ItemWire
from app.client.lease import Leased
from app.client.notes import Noted
from app.client.reads import ReadTwice
from app.client.transport import UnexpectedAnswer
from app.client.volumes import Sliced
from app.client.windows import Windowed, whole_pixels
from app.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from app.client.project import Project

Box = tuple[float, float, float, float]
"""x0 y0 x1 y1 in continuous image pixels, exclusive at the far side."""


@dataclass(frozen=True, kw_only=True)
class MaskPrediction:
    """A mask that the promptable model proposes; its logits stay on the server under `logits_id`."""

    mask: np.ndarray
    """(H, W) bool, the model's choice."""
    predicted_iou: float
    quality: float
    """How far to trust the mask, 0 to 1, judged without ground truth."""
    candidates: tuple[np.ndarray, ...] = field(repr=False)
    """All masks that the model offers, (H, W) bool each."""
    logits_id: str
    model_id: str
    points: tuple[PointIn, ...] = ()
    box: Box | None = None
    scribbles: tuple[ScribbleIn, ...] = ()
    from_suggestion: bool = False


@dataclass(frozen=True, kw_only=True)
class SuggestedMask:
    """A mask that the trained head proposes to start from."""

    mask: np.ndarray
    """(H, W) bool."""
    class_name: str
    mean_confidence: float
    model_id: str


class Item(Leased, Noted, ReadTwice, Sliced, Windowed):
    """One image of a project, normally under a lease. Not shared between threads."""

    def __init__(self, project: Project, state: ItemWire) -> None:
        self._project = project
        self._transport = project._transport
        self._state = state
        self._objects: list[ObjectIn] = []
        self._since = time.monotonic()
        self._pending: tuple[str, UUID] | None = None

    def __repr__(self) -> str:
        return f"Item(id={self.id}, name={self.name!r}, width={self.width}, height={self.height})"

    @property
    def id(self) -> int:
        """Its id on the server."""
        return self._state.id

    @property
    def name(self) -> str:
        """Its path as imported."""
        return self._state.name

    @property
    def width(self) -> int:
        """Columns."""
        return self._state.width

    @property
    def height(self) -> int:
        """Rows."""
        return self._state.height

    @property
    def state(self) -> ItemWire:
        """All that the server said of it."""
        return self._state

    def pixels(self) -> np.ndarray:
        """Fetch the raw intensities: (H, W) or (H, W, 3), uint8 or uint16 as imported."""
        response = self._transport.send("GET", self._path("pixels"))
        dtype = np.dtype(self._state.dtype).newbyteorder("<")
        shape = (self.height, self.width) if self._state.channels == 1 else (self.height, self.width, 3)
        n_bytes = len(response.content)
        if n_bytes != int(np.prod(shape)) * dtype.itemsize:
            raise UnexpectedAnswer(f"item {self.id}: {n_bytes} bytes of pixels do not fill {shape} of {dtype}")
        return np.frombuffer(response.content, dtype).reshape(shape).astype(self._state.dtype)

    def predict(
        self,
        points: Sequence[tuple[float, float, int]] = (),
        box: Box | None = None,
        *,
        scribbles: Sequence[tuple[Sequence[tuple[float, float]], int]] = (),
        previous: MaskPrediction | None = None,
        window: tuple[float, float] | None = None,
    ) -> MaskPrediction:
        """Turn clicks, a box and scribbles into a mask.

        Args:
            points: (x, y, label) each, label 1 = foreground and 0 = background; all clicks on this object, not only the
                newest. Continuous image pixels: pixel i spans [i, i + 1).
            box: x0 y0 x1 y1 around the object.
            scribbles: ([(x, y), ...], label) each: a stroke's line, label as for points; all strokes on this object.
            previous: the last prediction for the same object; its logits are fed back to the model.
            window: (level, width) to look at the image through; None is the image's own.

        Raises:
            InvalidPrompt: no prompt at all, or one outside the image.
        """
        clicks = [PointIn(x=x, y=y, label=1 if label else 0) for x, y, label in points]
        strokes = [ScribbleIn(points=list(line), label=1 if label else 0) for line, label in scribbles]
        request = PredictRequest(
            object_id="",  # the logits are named by `previous`
            points=clicks,
            box=box,
            scribbles=strokes,
            window=None if window is None else WindowIn(level=window[0], width=window[1]),
            logits_id=previous.logits_id if previous else None,
        )
        answer = self._transport.ask(PredictAnswer, "POST", self._path("predict"), body=request, repeatable=True)
        size = list(answer.size)
        return MaskPrediction(
            mask=decode_rle({"size": size, "counts": answer.counts}),
            predicted_iou=answer.predicted_iou,
            quality=answer.quality,
            candidates=tuple(decode_rle({"size": size, "counts": c.counts}) for c in answer.candidates),
            logits_id=answer.logits_id,
            model_id=answer.model_id,
            points=tuple(clicks),
            box=box,
            scribbles=tuple(strokes),
        )

    def suggestion(self) -> Suggestion | None:
        """Fetch what the trained head thinks of this image; None where there is nothing yet."""
        try:
            return self._transport.ask(Suggestion, "GET", self._path("suggestion"))
        except NotFound:
            return None

    def suggested_masks(self) -> list[SuggestedMask]:
        """Fetch the head's masks, decoded; empty where there are none."""
        found = self.suggestion()
        if found is None:
            return []
        names = {c.id: c.name for c in self._project.classes}
        return [
            SuggestedMask(
                mask=decode_rle({"size": list(o.mask.size), "counts": o.mask.counts}),
                class_name=names[o.class_id],
                mean_confidence=o.mean_confidence,
                model_id=found.model_id,
            )
            for o in found.objects
        ]

    def add(self, mask: MaskPrediction | SuggestedMask | np.ndarray, class_name: str) -> None:
        """Put one object aside for `accept`; call it once for each object of the image.

        Args:
            mask: a prediction, or a (H, W) bool array drawn elsewhere.
            class_name: one of the project's classes.
        """
        array = mask if isinstance(mask, np.ndarray) else mask.mask
        if array.shape != (self.height, self.width) or array.dtype != np.bool_:
            raise InvalidRequest(
                f"a mask of item {self.id} must be a ({self.height}, {self.width}) bool array; "
                f"got {array.shape} {array.dtype}"
            )
        rle = encode_rle(array)
        wire = Rle(size=(self.height, self.width), counts=rle["counts"])
        class_id = self._class_id(class_name)
        if isinstance(mask, MaskPrediction):
            made = ObjectIn(
                class_id=class_id, mask=wire, points=list(mask.points), box=mask.box,
                scribbles=list(mask.scribbles), model_id=mask.model_id, predicted_iou=mask.predicted_iou,
                quality=mask.quality,
            )  # fmt: skip
        elif isinstance(mask, SuggestedMask):
            made = ObjectIn(class_id=class_id, mask=wire, model_id=mask.model_id, from_suggestion=True)
        else:
            made = ObjectIn(class_id=class_id, mask=wire, model_id=None, edited=True)
        self._objects.append(made)

    def accept(
        self,
        mask: MaskPrediction | SuggestedMask | np.ndarray | None = None,
        *,
        class_name: str | None = None,
        label: str | None = None,
        window: Sequence[float] | None = None,
        seconds: float | None = None,
    ) -> AnnotationReceipt:
        """Accept the objects added so far (and `mask`), or the image's label; nothing at all says: only background.

        Sending is safe to repeat: if this call fails on the way, calling it again never accepts twice.

        Args:
            mask: one more object, as for `add`.
            class_name: its class.
            label: the class of the whole image, in classification projects.
            window: x0 y0 x1 y1 on whole pixels, where only a part of the image is labeled, and that completely: all
                outside it teaches nothing. Objects may reach out of it, and none may lie outside.
            seconds: working time to record; by default the time since the lease.

        Raises:
            InvalidRequest: the window is not four whole numbers, or a class is missing or unknown.
            InvalidInput: the window is empty or not inside the image, leaves out an object, or the image belongs to the
                audit set, which is labeled whole.
            LeaseLost: the lease ran out and another annotator holds the image.
            VersionConflict: the image was annotated by someone else since.
        """
        if mask is not None:
            if class_name is None:
                raise InvalidRequest(f"say class_name=; known: {', '.join(c.name for c in self._project.classes)}")
            self.add(mask, class_name)
        elif class_name is not None:
            raise InvalidRequest("class_name needs a mask; an image's own class is label=")
        body = AnnotationIn(
            submission_id=uuid4(),
            lease_token=self._token(),
            base_version=self._state.version,
            label=label,
            objects=self._objects,
            labeled_window=whole_pixels(window),
            seconds=round(time.monotonic() - self._since, 3) if seconds is None else seconds,
            clicks=sum(len(o.points) + (o.box is not None) + len(o.scribbles) for o in self._objects),
        )
        content = body.model_dump_json(exclude={"submission_id", "seconds"})
        if self._pending is not None and self._pending[0] == content:
            body.submission_id = self._pending[1]
        self._pending = (content, body.submission_id)
        try:
            receipt = self._transport.ask(
                AnnotationReceipt, "PUT", self._path("annotation"), body=body, repeatable=True
            )
        except BaseException:
            if mask is not None:
                self._objects.pop()
            raise
        self._state.version, self._objects, self._pending = receipt.version, [], None
        return receipt

    def _path(self, what: str) -> str:
        """Path of something below the item."""
        return f"/v1/items/{self.id}/{what}"

    def _class_id(self, name: str) -> int:
        """Id of a class by its name."""
        ids = {c.name: c.id for c in self._project.classes}
        if name not in ids:
            raise InvalidRequest(f"unknown class {name!r}; known: {', '.join(ids)}")
        return ids[name]
