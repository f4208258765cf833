"""Read NIfTI-1 and NIfTI-2 volumes (.nii, .nii.gz) with nibabel, and refuse what is no single 3D image of grey values.

The content decides, not the file's extension. Header extensions are passed over. What the header declares is checked
before the voxels are read, and of a packed file no more is unpacked than it declares.
"""

import gzip
import io
import math
import struct
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Shaped

from alcore.errors import UnreadableImage
from alcore.formats.raster import DECODE_ERRORS, damaged, truncated
from alcore.formats.volume import MAX_SLICES, MAX_VOXELS, ROWS_AND_COLUMNS, MedicalVolume, plane_of, unsigned
from alcore.formats.window import default_window

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Header

_SIZES = {348: 1, 540: 2}
"""Bytes of a header by version."""
_GZIP = b"\x1f\x8b"
MAX_OFFSET = 64_000_000
"""Voxels that begin further into the file than so many bytes are not looked for."""
_MM_PER_UNIT = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}


def looks_like_nifti(path: Path) -> bool:
    """True when a file, packed or not, begins as NIfTI and Analyze headers do, whatever comes then."""
    try:
        with closing(_opened(path)) as stream:
            return _version(stream.read(4)) is not None
    except DECODE_ERRORS:
        return False


def read_nifti(path: Path, *, name: str = "") -> MedicalVolume:
    """Read one volume with its default window.

    Args:
        path: the file.
        name: what to call it in messages; the file's own name when left out.

    Raises:
        UnreadableImage: the file is no single NIfTI file, is truncated or damaged, declares more than `MAX_VOXELS`
            voxels or `MAX_SLICES` slices, has more than three dimensions, colours, complex numbers, NaN or infinity, or
            an orientation that is none.
    """
    name = name or path.name
    try:
        return _read(path)
    except UnreadableImage as error:
        raise UnreadableImage(error.reason, problem=error.problem, name=name) from error.__cause__


def _read(path: Path) -> MedicalVolume:
    """Read and lay out a volume."""
    try:
        with closing(_opened(path)) as stream:
            header = _header(stream)
            raw = _voxels(header, stream)
    except EOFError as error:
        raise truncated(str(error)) from error
    except DECODE_ERRORS as error:
        raise damaged(error) from error
    slope, intercept = (1.0, 0.0) if None in header.get_slope_inter() else map(float, header.get_slope_inter())
    shown, axes, sizes = _laid_out(raw, header.get_best_affine())
    voxels, slope, intercept = unsigned(shown, slope, intercept)
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        raise UnreadableImage("has values beyond what numbers can hold; scale them", problem="unsupported_pixels")
    spacing = tuple(size * _MM_PER_UNIT[header.get_xyzt_units()[0]] for size in sizes)
    return MedicalVolume(
        voxels=voxels,
        slope=slope,
        intercept=intercept,
        axes=axes,
        spacing_mm=(spacing[0], spacing[1], spacing[2]),
        window=default_window(voxels.reshape(-1, voxels.shape[2])),
    )


def _opened(path: Path) -> io.BufferedIOBase:
    """Open a file for reading, unpacking it on the way where it is packed."""
    with path.open("rb") as raw:
        is_packed = raw.read(2) == _GZIP
    return gzip.open(path) if is_packed else path.open("rb")


def _version(head: bytes) -> int | None:
    """NIfTI version that the first four bytes speak of, in either byte order."""
    if len(head) < 4:
        return None
    return next((_SIZES[n] for order in "<>" if (n := struct.unpack_from(f"{order}i", head)[0]) in _SIZES), None)


def _header(stream: io.BufferedIOBase) -> "Nifti1Header":
    """Read the header, and refuse what it declares where we cannot show it."""
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header
    from nibabel.spatialimages import HeaderDataError

    block = stream.read(348)
    version = _version(block)
    if version is None:
        raise UnreadableImage("has no NIfTI header", problem="wrong_type")
    block += stream.read(540 - 348) if version == 2 else b""
    if len(block) < (540 if version == 2 else 348):
        raise truncated("its header ends early")
    magic = block[344:348] if version == 1 else block[4:8]
    if magic[:3] not in (b"n+1", b"n+2"):
        raise UnreadableImage(
            "has its voxels in a second file, or is Analyze 7.5; save it as one .nii file",
            problem="wrong_type",
        )
    header = (Nifti1Header if version == 1 else Nifti2Header).from_fileobj(io.BytesIO(block), check=False)
    try:
        header.get_slope_inter(), header.get_best_affine(), header.get_xyzt_units()
        kind = header.get_data_dtype()
    except (HeaderDataError, KeyError) as error:
        raise UnreadableImage(f"its header is damaged: {error}; export it again", problem="corrupt") from error
    _check_shape(_shape(header))
    if kind.kind not in "iuf" or kind.itemsize > 8:
        what = "colours" if kind.names else f"{kind} voxels"
        raise UnreadableImage(f"has {what}; save one grey value a voxel", problem="unsupported_pixels")
    if not 0 <= header.get_data_offset() <= MAX_OFFSET:
        raise UnreadableImage(f"says that its voxels begin at byte {header.get_data_offset():,}", problem="corrupt")
    return header


def _shape(header: "Nifti1Header") -> tuple[int, ...]:
    """The declared shape with at least three sides; further ones of length one are left out."""
    shape = [int(side) for side in header.get_data_shape()]
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    return (*shape, *[1] * (3 - len(shape)))


def _check_shape(shape: tuple[int, ...]) -> None:
    """Refuse time series and absurd sizes."""
    if len(shape) > 3:
        raise UnreadableImage(
            f"has {len(shape)} dimensions {shape}, as time series have; save one 3D volume of it", problem="multi_page"
        )
    if min(shape) < 1:
        raise UnreadableImage(f"declares a shape of {shape}", problem="corrupt")
    if math.prod(shape) > MAX_VOXELS or shape[2] > MAX_SLICES:
        raise UnreadableImage(
            f"declares {' x '.join(map(str, shape))} voxels; at most {MAX_VOXELS:,} in {MAX_SLICES:,} slices are "
            "allowed: crop or resample it",
            problem="too_large",
        )


def _voxels(header: "Nifti1Header", stream: io.BufferedIOBase) -> Shaped[np.ndarray, "i j k"]:
    """Read the voxels as stored, indexed as stored; all are finite."""
    kind, shape = header.get_data_dtype(), _shape(header)
    stream.seek(int(header.get_data_offset()))
    wanted = math.prod(shape) * kind.itemsize
    data = stream.read(wanted)
    if len(data) < wanted:
        raise truncated(f"{wanted:,} bytes of voxels are declared, {len(data):,} are there")
    raw: Shaped[np.ndarray, "i j k"] = np.frombuffer(data, dtype=kind).reshape(shape, order="F")
    if kind.kind == "f" and (n_bad := int(raw.size - np.isfinite(raw).sum())):
        raise UnreadableImage(
            f"has {n_bad:,} voxels that are NaN or infinite; give them a value, such as that of air",
            problem="unsupported_pixels",
        )
    return raw


def _laid_out(
    raw: Shaped[np.ndarray, "i j k"], affine: Float[np.ndarray, "4 4"]
) -> tuple[Shaped[np.ndarray, "s h w"], str, tuple[float, float, float]]:
    """Turn stored axes into slices, rows and columns: the last stored axis stays the slices' in its order.

    Returns:
        Voxels (slices, rows, columns), the directions in which they grow, and the sides of a voxel in the file's unit.
    """
    from nibabel.affines import voxel_sizes
    from nibabel.orientations import apply_orientation, axcodes2ornt, io_orientation, ornt2axcodes, ornt_transform

    sizes = voxel_sizes(affine)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12 * sizes.prod() or not sizes.all():
        raise UnreadableImage("its orientation matrix is none; set its sform or qform", problem="corrupt")
    stored = io_orientation(affine)
    along = str(ornt2axcodes(stored)[2])
    axes = along + ROWS_AND_COLUMNS[plane_of(along)]
    turn = ornt_transform(stored, axcodes2ornt(tuple(reversed(axes))))
    shown = apply_orientation(raw, turn).transpose(2, 1, 0)
    by_shown = {int(new): float(sizes[old]) for old, (new, _) in enumerate(turn)}
    return shown, axes, (by_shown[2], by_shown[1], by_shown[0])
