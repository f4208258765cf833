"""The part of `AnnotationService` that knows of volumes."""

import numpy as np

from app.api.schemas_volumes import Volume
from app.service import volumes
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
