"""Windows of crowded images from a program: the part of an image that alone is labeled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.api.schemas_windows import LabeledWindow, ProposedWindow

if TYPE_CHECKING:
    from app.api.schemas import Item
    from app.client.transport import Transport


class Windowed:
    """What an image knows of labeling it in part; part of `Item`."""

    _transport: Transport
    _state: Item

    def propose_window(self, n_objects: int = 12, *, seed: int = 0) -> LabeledWindow | None:
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
