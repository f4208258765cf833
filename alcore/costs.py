"""What labels cost: seconds of an annotator's time for each kind of action."""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float, Float64, Int64

from alcore.errors import InvalidInput

N_NEIGHBOURS = 5
MIN_SECONDS = 0.1
_BLOCK_ROWS = 8192


@dataclass(frozen=True, kw_only=True)
class CostTable:
    """Seconds per action; the defaults are published means or our proposals where no study is named.

    Box: Papadopoulos et al. 2017, extreme clicking. Outline: Bearman et al. 2016, the low end of 54-79 s. Class tag:
    the VOC convention. Clicks, scribbles, corrections and the look before accepting are proposals (1.5-2.5, 6-11,
    3 and 2-3 s). Fit them to your annotators: the store keeps real times.
    """

    class_tag_s: float = 1.0
    click_s: float = 2.0
    box_s: float = 7.0
    correction_click_s: float = 3.0
    scribble_s: float = 8.5
    verify_s: float = 2.5
    outline_s: float = 54.0

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 0 <= getattr(self, field.name) < float("inf"):
                raise InvalidInput(f"{field.name} must be finite and >= 0; got {getattr(self, field.name)}")

    def class_label(self) -> float:
        """Return the seconds to tag one image with its class."""
        return self.class_tag_s

    def prompted_object(self, *, n_clicks: int, n_boxes: int, n_scribbles: int = 0) -> float:
        """Return the seconds to get one object's mask by prompts and accept it.

        The first click of an object without a box or scribble costs `click_s`; every other click corrects a mask that
        is on the screen and costs `correction_click_s`. Looking at the result before accepting it costs `verify_s`.
        """
        _check_counts(n_clicks=n_clicks, n_boxes=n_boxes, n_scribbles=n_scribbles)
        n_first = min(n_clicks, 1) if n_boxes + n_scribbles == 0 else 0
        drawn = n_boxes * self.box_s + n_scribbles * self.scribble_s
        prompts = drawn + n_first * self.click_s + (n_clicks - n_first) * self.correction_click_s
        return prompts + self.verify_s

    def outlined_objects(self, n_objects: int) -> float:
        """Return the seconds to outline objects by hand."""
        _check_counts(n_objects=n_objects)
        return n_objects * self.outline_s

    def empty_image(self) -> float:
        """Return the seconds to see that an image shows nothing to mark."""
        return self.verify_s


def _check_counts(**counts: int) -> None:
    """Refuse negative counts."""
    for name, count in counts.items():
        if count < 0:
            raise InvalidInput(f"{name} must be >= 0; got {count}")


def expected_seconds(
    embeddings: Float[np.ndarray, "n d"], rows: Int64[np.ndarray, " l"], seconds: Float[np.ndarray, " l"]
) -> Float64[np.ndarray, " n"]:
    """Predict what each item of a pool will take: the mean of the 5 most alike items that are done.

    Args:
        embeddings: one row per item, L2-normalised.
        rows: the items that are done; at least one.
        seconds: what each took; times below 0.1 s count as 0.1 s, so that predictions stay above 0.

    Cost O(n·l·d) time, O(l) memory a block. Nearest-neighbour regression, as the plainest thing that knows crowded
    images from empty ones.
    """
    taken = np.maximum(np.asarray(seconds, dtype=np.float64), MIN_SECONDS)
    centres = np.asarray(embeddings[rows], dtype=np.float32)
    n_neighbours = min(N_NEIGHBOURS, len(rows))
    out = np.empty(len(embeddings))
    for start in range(0, len(embeddings), _BLOCK_ROWS):
        block = np.asarray(embeddings[start : start + _BLOCK_ROWS], dtype=np.float32)
        nearest = np.argpartition(-(block @ centres.T), n_neighbours - 1, axis=1)[:, :n_neighbours]
        out[start : start + len(block)] = taken[nearest].mean(axis=1)
    return out
