"""Use cases: bring a volume into a project as its slices, and see it as a whole."""

import io
from typing import NamedTuple

import numpy as np

from alcore.formats.nifti import read_nifti
from alcore.formats.volume import MedicalVolume, plane_of, shrunk, slice_png
from app.api.schemas_volumes import SliceState, Volume
from app.service.context import Context
from app.service.items import state_of
from app.store import volumes as rows
from app.store.files import Stored

OVERVIEW_SIDE = 128
"""Longest side of the small copy that the three planes are cut from: at most 4 MB."""


class Taken(NamedTuple):
    """What became of a file: items that came of it, or the name under which the project has it already."""

    n_added: int
    same_as: str | None = None
    is_volume: bool = False


def take(ctx: Context, project_id: int, name: str, stored: Stored, group: str | None) -> Taken:
    """Keep a NIfTI file, each of its slices as an image of its own, and a small copy of the whole.

    The slices go in together or not at all. Their group is the patient that `group` names, else the volume itself.

    Raises:
        UnreadableImage: it is no volume that we can read.
    """
    with ctx.db.read() as connection:
        same_as = rows.name_of(connection, project_id, stored.content_hash)
    if same_as is not None:
        return Taken(0, same_as, is_volume=True)
    volume = read_nifti(stored.file, name=name.rpartition("/")[2])
    suffix = ".nii.gz" if name.lower().endswith(".gz") else ".nii"
    spacing = volume.spacing_mm
    values = {
        "project_id": project_id,
        "name": name,
        "content_hash": stored.content_hash,
        "suffix": suffix,
        "n_slices": len(volume.voxels),
        "axes": volume.axes,
        "spacing_slice_mm": None if spacing is None else spacing[0],
        "slope": volume.slope,
        "intercept": volume.intercept,
        "created_at": ctx.clock(),
    }
    slices = _slices(ctx, volume, project_id, name, stored.content_hash, group or name)
    _keep_overview(ctx, volume, stored.content_hash)
    ctx.blobs.keep(stored, suffix)
    with ctx.db.write() as connection:
        if rows.add(connection, values, slices) is None:  # someone else imported the same bytes meanwhile
            return Taken(0, rows.name_of(connection, project_id, stored.content_hash), is_volume=True)
    return Taken(len(slices), is_volume=True)


def _slices(
    ctx: Context, volume: MedicalVolume, project_id: int, name: str, content_hash: str, group: str
) -> list[dict[str, object]]:
    """Keep each slice as a file; returns the rows of their items."""
    voxels, spacing = volume.voxels, volume.spacing_mm or (None, None, None)
    low, high = float(np.min(voxels)), float(np.max(voxels))
    n_digits = len(str(len(voxels)))
    made: list[dict[str, object]] = []
    for index in range(len(voxels)):
        content = io.BytesIO(slice_png(volume, index, f"{content_hash} slice {index}"))
        stored = ctx.blobs.receive(content, max_bytes=len(content.getbuffer()))
        ctx.blobs.keep(stored, ".png")
        made.append(
            {
                "project_id": project_id,
                "name": f"{name}/{index + 1:0{n_digits}d}",
                "content_hash": stored.content_hash,
                "suffix": ".png",
                "group_name": group,
                "width": voxels.shape[2],
                "height": voxels.shape[1],
                "dtype": str(voxels.dtype),
                "channels": 1,
                "level": volume.window.level,
                "window_width": volume.window.width,
                "min": low,
                "max": high,
                "spacing_row_mm": spacing[1],
                "spacing_col_mm": spacing[2],
                "slice_index": index,
                "created_at": ctx.clock(),
            }
        )
    return made


def _keep_overview(ctx: Context, volume: MedicalVolume, content_hash: str) -> None:
    """Keep the small copy under the volume's own hash."""
    out = io.BytesIO()
    np.save(out, shrunk(volume.voxels, OVERVIEW_SIDE))
    out.seek(0)
    small = ctx.blobs.receive(out, max_bytes=len(out.getbuffer()))
    ctx.blobs.keep(Stored(file=small.file, content_hash=content_hash, n_bytes=small.n_bytes), ".overview.npy")


def get(ctx: Context, volume_id: int) -> Volume:
    """A volume, and how far the work on each of its slices is."""
    with ctx.db.read() as connection:
        row = rows.get(connection, volume_id)
        slices = rows.slices(connection, volume_id, now=ctx.clock())
    first = slices[0]
    spacing = (row["spacing_slice_mm"], first["spacing_row_mm"], first["spacing_col_mm"])
    return Volume(
        **{name: row[name] for name in ("id", "project_id", "name", "n_slices", "axes", "slope", "intercept")},
        plane=plane_of(row["axes"][0]),
        width=first["width"],
        height=first["height"],
        spacing_mm=None if None in spacing else spacing,
        slices=[
            SliceState(
                item_id=each["id"],
                state=state_of(each),
                version=each["version"],
                has_suggestion=bool(each["has_suggestion"]) and each["version"] == 0,
                has_draft=each["n_drafts"] > 0,
            )
            for each in slices
        ],
    )


def overview(ctx: Context, volume_id: int) -> np.ndarray:
    """A small copy (slices, rows, columns) of the raw voxels, no side longer than `OVERVIEW_SIDE`."""
    with ctx.db.read() as connection:
        row = rows.get(connection, volume_id)
    file = ctx.blobs.path(row["content_hash"], ".overview.npy")
    return np.asarray(np.load(file, allow_pickle=False))


def content_hash(ctx: Context, volume_id: int) -> str:
    """SHA-256 of the file that the volume came in."""
    with ctx.db.read() as connection:
        return str(rows.get(connection, volume_id)["content_hash"])
