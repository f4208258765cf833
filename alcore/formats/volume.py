"""Volumes: voxels as they are shown, slice by slice, and how their values, directions and sizes relate to the body.

Whatever a volume comes from, its slices keep their stored order, and each is laid out as radiologists look at it: axial
ones from anterior down and from the patient's right, coronal ones from superior down and from the right, sagittal ones
from superior down and from anterior. Letters name where an index grows to: L left, R right, A anterior, P posterior,
S superior, I inferior.
"""

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Shaped
from PIL import Image, PngImagePlugin

from alcore.types import Window

MAX_VOXELS = 200_000_000
"""Volumes that declare more are refused before their voxels are read: 762 slices of 512 x 512 fit."""
MAX_SLICES = 2000
ROWS_AND_COLUMNS = {"axial": "PL", "coronal": "IL", "sagittal": "IP"}
"""Where rows and columns of a slice grow to."""
Plane = Literal["axial", "coronal", "sagittal"]
_PLANES: dict[str, Plane] = {
    "S": "axial", "I": "axial", "A": "coronal", "P": "coronal", "L": "sagittal", "R": "sagittal",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MedicalVolume:
    """Voxels (slices, rows, columns) as they are shown, uint8 or uint16, and what they stand for."""

    voxels: Shaped[np.ndarray, "s h w"]
    slope: float
    """Above 0; value in the file's own unit = slope · voxel + intercept."""
    intercept: float
    axes: str
    """Three letters: where slices, rows and columns grow to, e.g. SPL."""
    spacing_mm: tuple[float, float, float] | None
    """Distance of neighbouring slices, rows and columns, where the file knows it."""
    window: Window
    """To begin with, the same for all slices; in voxels, not in the file's unit."""

    @property
    def plane(self) -> Plane:
        """The plane that the slices lie in, or the nearest one where they are oblique."""
        return plane_of(self.axes[0])


def plane_of(direction: str) -> Plane:
    """The plane of slices that follow each other in this direction."""
    return _PLANES[direction]


def unsigned(
    raw: Shaped[np.ndarray, "..."], slope: float, intercept: float
) -> tuple[Shaped[np.ndarray, "..."], float, float]:
    """Bring finite numbers to uint8 or uint16 that grow with the value.

    Args:
        raw: integers or floats as stored.
        slope: not 0; value = slope · raw + intercept.
        intercept: see there.

    Returns:
        Voxels with their own slope, above 0, and intercept. 8-bit integers become uint8, all others uint16. Whole
        numbers that span at most 65,535 are kept exactly; others are rounded to 65,536 even steps, so that a value is
        off by at most half a step, 1/131,070 of the volume's range.
    """
    low, high = raw.min(), raw.max()
    if slope < 0:
        intercept, slope, raw, low, high = intercept, -slope, -raw.astype(np.float64), -float(high), -float(low)
    is_whole = raw.dtype.kind in "iu" or bool((raw == np.rint(raw)).all())
    if raw.dtype in (np.uint8, np.uint16):
        return raw.astype(raw.dtype.newbyteorder("=")), slope, intercept
    if is_whole and float(high) - float(low) <= 65535:
        if raw.dtype.kind == "f":
            voxels = (raw - low).astype(np.uint16)
        else:  # differences below 2^16 are exact in arithmetic modulo 2^16
            voxels = raw.astype(np.uint16) - np.uint16(int(low) % 65536)
        return voxels.astype(np.uint8 if raw.dtype == np.int8 else np.uint16), slope, intercept + slope * float(low)
    step = (float(high) - float(low)) / 65535
    voxels = np.rint((raw.astype(np.float64) - float(low)) / step).astype(np.uint16)
    return voxels, slope * step, intercept + slope * float(low)


def shrunk(voxels: Shaped[np.ndarray, "s h w"], max_side: int) -> Shaped[np.ndarray, "t v u"]:
    """Average a volume over boxes so that no side is longer than `max_side`; type and range stay."""
    kind = voxels.dtype
    for axis, size in enumerate(voxels.shape):
        if size > max_side:
            edges = np.linspace(0, size, max_side, endpoint=False).astype(np.intp)
            counts = np.diff(np.append(edges, size)).reshape([-1 if a == axis else 1 for a in range(3)])
            voxels = (np.add.reduceat(voxels, edges, axis=axis, dtype=np.float32) / counts).astype(np.float32)
    return np.rint(voxels).astype(kind) if voxels.dtype != kind else voxels


def slice_png(volume: MedicalVolume, index: int, name: str) -> bytes:
    """One slice as a lossless grey PNG of 8 or 16 bits.

    The text chunk `Source` holds `name`: two slices of equal voxels, as those beside a body are, differ in their bytes.
    """
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Source", name)
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(volume.voxels[index])).save(out, "PNG", pnginfo=notes, compress_level=1)
    return out.getvalue()
