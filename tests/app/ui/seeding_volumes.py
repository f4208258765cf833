"""Projects for the tests of volumes: a body of ellipsoids in a NIfTI file that knows its values and sizes."""

import gzip
import io

import nibabel
import numpy as np

from app.service import AnnotationService

N_SLICES = 13
SIDES = (120, 90)
"""Columns and rows."""
CENTRE, RADII = (70.0, 40.0, 6.0), (26.0, 20.0, 5.0)
"""Of the bright organ: columns, rows, slices of what is shown; it spans slices 2 to 12 counted from 1."""
VOLUMES = ("volume", "volume keys", "volume carry", "volume planes")


def body() -> bytes:
    """A packed NIfTI file: a body of 0 in air of -500, an organ of 300, each slice with noise of its own."""
    columns, rows, slices = np.meshgrid(*(np.arange(n) + 0.5 for n in (*SIDES, N_SLICES)), indexing="ij")
    values = np.where(np.hypot((columns - 60) / 55, (rows - 45) / 42) < 1, 0.0, -500.0)
    inside = sum(((axis - c) / r) ** 2 for axis, c, r in zip((columns, rows, slices - 0.5), CENTRE, RADII, strict=True))
    values[inside < 1] = 300
    values += np.random.default_rng(5).normal(0, 12, values.shape)
    image = nibabel.Nifti1Image(values.astype(np.int16), np.diag([-0.8, -0.8, 2.5, 1.0]))  # stored in LPS, as shown
    return gzip.compress(image.to_bytes(), mtime=0)


def seed_volumes(service: AnnotationService) -> None:
    """Each project has one volume, whose middle slice is asked."""
    for name in VOLUMES:
        project = service.create_project(name, task="segmentation", classes=["organ", "other"])
        service.import_files(project.id, [("p1/body.nii.gz", io.BytesIO(body()))])
        middle = service.items(project.id).items[N_SLICES // 2]
        service.pick(project.id, [middle.id])
