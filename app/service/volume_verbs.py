"""The part of `AnnotationService` that knows of volumes."""

from collections.abc import Sequence

import numpy as np

from app.api.schemas_volumes import CarriedObject, Direction, Propagated, PropagateIn, Volume
from app.service import propagating, volumes
from app.service.context import Context


class VolumeVerbs:
    """Volumes as a whole, of which the other verbs see slices."""

    context: Context

    def volume(self, volume_id: int) -> Volume:
        """A volume, and how far the work on each of its slices is."""
        return volumes.get(self.context, volume_id)

    def volume_overview(self, volume_id: int) -> np.ndarray:
        """A small copy (slices, rows, columns) of the raw voxels, uint8 or uint16."""
        return volumes.overview(self.context, volume_id)

    def volume_hash(self, volume_id: int) -> str:
        """SHA-256 of the bytes of the volume's file."""
        return volumes.content_hash(self.context, volume_id)

    def propagate(
        self, item_id: int, n: int = 3, direction: Direction = "both", objects: Sequence[CarriedObject] | None = None
    ) -> Propagated:
        """Carry masks of a slice, by default those accepted last, over to its neighbours as starting masks."""
        body = PropagateIn(n=n, direction=direction, objects=None if objects is None else list(objects))
        return propagating.propagate(self.context, item_id, body)
