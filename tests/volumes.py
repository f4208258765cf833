"""Synthetic NIfTI volumes for tests: a bright ball, off-centre, in a grid whose three sides differ."""

import gzip
from pathlib import Path

import nibabel
import numpy as np

SHAPE = (24, 20, 12)
"""Stored shape: columns, rows, slices of an axial volume in RAS."""
SPACING = (1.5, 2.0, 3.0)
CENTRE = (14.0, 7.0, 5.0)
RADIUS_MM = 10.0


def ball() -> np.ndarray:
    """The ball's voxels, (i, j, k) bool in stored order."""
    grid = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
    inside: np.ndarray = (((grid - CENTRE) * SPACING) ** 2).sum(axis=-1) < RADIUS_MM**2
    return inside


def ball_image(kind: type = np.int16) -> nibabel.Nifti1Image:
    """An axial RAS volume: -50 outside, 150 inside, so that int16 values are needed as they are."""
    voxels = np.where(ball(), 150, -50).astype(kind)
    voxels[0, 0, :] = np.arange(SHAPE[2])  # each slice knows its number
    return nibabel.Nifti1Image(voxels, np.diag([*SPACING, 1.0]))


def ball_bytes(*, packed: bool = True) -> bytes:
    """The same as a .nii.gz file, or as .nii."""
    raw = ball_image().to_bytes()
    return gzip.compress(raw, mtime=0) if packed else raw


def write_ball(path: Path) -> Path:
    """Write it to a file, packed where the name ends in .gz."""
    path.write_bytes(ball_bytes(packed=path.suffix == ".gz"))
    return path
