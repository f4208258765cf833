"""Volumes from a program: where a slice lies, what the whole looks like, and masks carried over to neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from app.api.schemas_volumes import CarriedObject, Direction, Propagated, PropagateIn, SliceOf, Volume
from app.errors import InvalidRequest

if TYPE_CHECKING:
    from app.api.schemas import Item
    from app.client.transport import Transport


class Sliced:
    """What an image knows of the volume that it is a slice of; part of `Item`."""

    _transport: Transport
    _state: Item

    @property
    def slice_of(self) -> SliceOf | None:
        """Where it lies in its volume; None for an image on its own."""
        return self._state.volume

    def volume(self) -> Volume:
        """Read the volume, and how far the work on each of its slices is.

        Raises:
            InvalidRequest: the image is no slice.
        """
        return self._transport.ask(Volume, "GET", f"/v1/volumes/{self._volume_id()}")

    def volume_overview(self) -> np.ndarray:
        """Read a small copy (slices, rows, columns) of the volume's raw voxels, uint8 or uint16.

        Raises:
            InvalidRequest: the image is no slice.
        """
        answer = self._transport.send("GET", f"/v1/volumes/{self._volume_id()}/overview")
        kind = np.dtype(answer.headers["X-Dtype"]).newbyteorder("<")
        sides = [int(answer.headers[f"X-{side}"]) for side in ("Depth", "Height", "Width")]
        return np.frombuffer(answer.content, dtype=kind).reshape(sides)

    def propagate(
        self, n: int = 3, *, direction: Direction = "both", objects: Sequence[CarriedObject] | None = None
    ) -> Propagated:
        """Carry masks, by default those accepted last, over to up to `n` neighbouring slices each way.

        The neighbours get them as starting masks and are asked next; what people have done there stays.

        Raises:
            InvalidInput: the image is no slice, or there is no mask to carry.
        """
        body = PropagateIn(n=n, direction=direction, objects=None if objects is None else list(objects))
        return self._transport.ask(Propagated, "POST", f"/v1/items/{self._state.id}/propagate", body=body)

    def _volume_id(self) -> int:
        """Id of the volume."""
        if self._state.volume is None:
            raise InvalidRequest(f"item {self._state.id} is no slice of a volume")
        return self._state.volume.volume_id
