"""A drawn body as a packed NIfTI volume, for the picture of volumes."""

import gzip

import nibabel
import numpy as np

SHAPE = (192, 144, 28)
"""Columns, rows, slices."""
ORGAN_SLICE = 14
_ORGAN = ((70.0, 66.0, 14.0), (34.0, 26.0, 9.0))


def phantom() -> bytes:
    """Air, a body of 40, a darker pair of cavities, a spine of 600 and an organ of 130, in Hounsfield-like units."""
    rng = np.random.default_rng(3)
    columns, rows, slices = np.meshgrid(*(np.arange(n) + 0.5 for n in SHAPE), indexing="ij")

    def inside(centre: tuple[float, ...], radii: tuple[float, ...]) -> np.ndarray:
        axes = zip((columns, rows, slices), centre, radii, strict=True)
        return sum(((axis - c) / r) ** 2 for axis, c, r in axes) < 1

    wobble = 1.5 * np.sin(rows / 9) + 1.5 * np.sin(columns / 11)
    values = np.where(((columns - 96) / 84) ** 2 + ((rows - 72) / 62) ** 2 < 1, 40.0, -900.0)
    values[inside((132.0, 58.0, 9.0), (24.0, 20.0, 12.0))] = -250
    values[inside((128.0, 92.0, 20.0), (17.0, 12.0, 9.0))] = 90
    values[np.hypot(columns - 96, (rows - 118) * 1.2) < 11] = 600
    columns, rows = columns + wobble, rows + wobble
    values[inside(*_ORGAN)] = 130
    values += rng.normal(0, 16, SHAPE)
    image = nibabel.Nifti1Image(values.astype(np.int16), np.diag([-1.8, -1.8, 4.0, 1.0]))  # stored as it is shown
    return gzip.compress(image.to_bytes(), mtime=0)


def organ() -> np.ndarray:
    """(rows, columns) bool: the organ on its middle slice."""
    (x, y, _), (rx, ry, _) = _ORGAN
    columns, rows = np.meshgrid(np.arange(SHAPE[0]) + 0.5, np.arange(SHAPE[1]) + 0.5)
    wobble = 1.5 * np.sin(rows / 9) + 1.5 * np.sin(columns / 11)
    return ((columns + wobble - x) / rx) ** 2 + ((rows + wobble - y) / ry) ** 2 < 1
