"""Windows of crowded images from a program: the part of an image that alone is labeled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.api.schemas_windows import WINDOW_OBJECTS, LabeledWindow, ProposedWindow
from app.errors import InvalidRequest

if TYPE_CHECKING:
    from app.api.schemas import Item
    from app.client.transport import Transport


class Windowed:
    """What an image knows of labeling it in part; part of `Item`."""

    _transport: Transport
    _state: Item

    def propose_window(self, n_objects: int = WINDOW_OBJECTS, *, seed: int = 0) -> LabeledWindow | None:
        """Ask which window to label: `item.accept(..., window=item.propose_window())`.

        Args:
            n_objects: that the window is to show, by the starting mask; without one it takes half of each side.
            seed: another one draws another place, where no head says where it is least sure.

        Returns:
            x0 y0 x1 y1 on whole pixels, exclusive at the far side; None where the image is not crowded.

        Raises:
            InvalidInput: the image belongs to the audit set, or the project labels whole images.
        """
        path = f"/v1/items/{self._state.id}/window"
        asked = {"n_objects": n_objects, "seed": seed}
        return self._transport.ask(ProposedWindow, "GET", path, params=asked).window


def whole_pixels(window: Sequence[float] | None) -> LabeledWindow | None:
    """Check that a window is four whole numbers; whether it fits the image, the server says.

    Raises:
        InvalidRequest: it is something else.
    """
    if window is None:
        return None
    if len(window) != 4 or any(end != int(end) for end in window):
        raise InvalidRequest(f"a window is x0, y0, x1, y1 on whole image pixels; got {list(window)}")
    x0, y0, x1, y1 = (int(end) for end in window)
    return x0, y0, x1, y1
