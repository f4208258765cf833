"""Read a DATASET folder: images with label masks, with class labels, or with both.

images/*             PNG, JPEG or TIFF; sub-folders are allowed and then part of the stem ("site_a/001")
masks/*.png          uint8 label ids (0 = background, 255 = not counted) of the image's stem and size; palette files
                     give their indices
labels.csv           columns stem, label and, where known, group or patient; more columns are passed over
classes.json         optional: {"classes": {"1": "nerve", ...}}
"""

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import PngImagePlugin

from alcore.errors import InvalidInput, UnreadableImage
from alcore.formats.raster import DECODE_ERRORS, check_png_chunks, damaged
from alcore.metrics import IGNORE_LABEL

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One image of a data set and what is known of it."""

    stem: str
    image_path: Path
    mask_path: Path | None = None
    label: str | None = None
    group: str | None = None


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The samples of a folder, sorted by stem, and the names of classes."""

    folder: Path
    samples: tuple[Sample, ...]
    label_names: tuple[str, ...]
    """Class names of labels.csv in alphabetical order; empty without that file."""
    mask_names: Mapping[int, str]
    """Names of mask ids where classes.json gives them, background left out."""

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.resolve().name


def read_dataset(folder: Path, *, group_regex: str | None = None) -> Dataset:
    """List a DATASET folder; images and masks are not opened.

    Args:
        folder: as described above.
        group_regex: searched in each stem; its first bracket, or all that it matches, is the group. It wins over
            labels.csv.

    Raises:
        InvalidInput: a folder or column is missing, a stem occurs twice or has no image, the regular expression is
            wrong or matches nothing in a stem. The message names the first culprit.
    """
    image_paths = _files_by_stem(folder, "images", IMAGE_SUFFIXES)
    has_masks, has_labels = (folder / "masks").is_dir(), (folder / "labels.csv").is_file()
    if not (has_masks or has_labels):
        raise InvalidInput(f"{folder.name} has neither masks/ nor labels.csv; one of them must say what is in images/")
    mask_paths = _files_by_stem(folder, "masks", (".png",)) if has_masks else {}
    rows = _read_labels(folder / "labels.csv") if has_labels else {}
    for what, stems in (("masks/", mask_paths), ("labels.csv", rows)):
        unknown = sorted(set(stems) - set(image_paths))
        if unknown:
            raise InvalidInput(f"{what} names {len(unknown)} stem(s) that images/ lacks, first {unknown[0]!r}")
    groups: Mapping[str, str | None] = {stem: group for stem, (_, group) in rows.items()}
    if group_regex is not None:
        groups = groups_by_regex(list(image_paths), group_regex)
    samples = tuple(
        Sample(
            stem=stem,
            image_path=image_paths[stem],
            mask_path=mask_paths.get(stem),
            label=rows[stem][0] if stem in rows else None,
            group=groups.get(stem),
        )
        for stem in sorted(image_paths)
    )
    label_names = tuple(sorted({label for label, _ in rows.values()}))
    return Dataset(folder=folder, samples=samples, label_names=label_names, mask_names=_read_mask_names(folder))


def read_label_mask(path: Path, *, shape: tuple[int, int] | None = None) -> UInt8[np.ndarray, "h w"]:
    """Read one mask of label ids.

    Args:
        path: an 8-bit grey or palette PNG.
        shape: (H, W) that it must have.

    Raises:
        UnreadableImage: no such PNG, or a damaged one.
        InvalidInput: it has colours or 16 bits, or another shape.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableImage(f"cannot be opened: {error.strerror or error}", name=path.name) from error
    try:
        if not data.startswith(b"\x89PNG\r\n\x1a\n"):
            raise UnreadableImage("masks must be PNG files", problem="wrong_type")
        check_png_chunks(data)
        image = PngImagePlugin.PngImageFile(io.BytesIO(data))
        image.load()
    except UnreadableImage as error:
        raise UnreadableImage(error.reason, problem=error.problem, name=path.name) from error
    except DECODE_ERRORS as error:
        raise UnreadableImage(damaged(error).reason, problem="corrupt", name=path.name) from error
    if image.mode not in ("L", "P", "1"):
        raise InvalidInput(
            f"mask {path.name} has mode {image.mode}; save label ids 0..255 as 8-bit grey or palette PNG"
        )
    labels = np.asarray(image).astype(np.uint8)
    if shape is not None and labels.shape != shape:
        raise InvalidInput(
            f"mask {path.name} is {labels.shape[1]} x {labels.shape[0]}, its image {shape[1]} x {shape[0]}"
        )
    return labels


def mask_class_ids(dataset: Dataset) -> tuple[int, ...]:
    """Return the foreground ids that occur in the masks; opens every mask."""
    found: set[int] = set()
    for sample in dataset.samples:
        if sample.mask_path is not None:
            found.update(np.flatnonzero(np.bincount(read_label_mask(sample.mask_path).ravel(), minlength=256)).tolist())
    return tuple(sorted(found - {0, IGNORE_LABEL}))


def groups_by_regex(stems: list[str], pattern: str) -> dict[str, str]:
    """Return the group of each stem: the first bracket of `pattern`, or all that it matches."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise InvalidInput(f"{pattern!r} is no regular expression: {error}") from error
    groups = {}
    for stem in stems:
        match = compiled.search(stem)
        group = None if match is None else match.group(min(1, compiled.groups))
        if not group:
            raise InvalidInput(f"the group pattern {pattern!r} finds nothing in {stem!r}")
        groups[stem] = group
    return groups


def _files_by_stem(folder: Path, part: str, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Map the stem (path below `part` without extension) to each file, hidden ones left out."""
    base = folder / part
    if not base.is_dir():
        raise InvalidInput(f"{folder.name} has no folder {part}/; a data set is a folder with images/ in it")
    found: dict[str, Path] = {}
    for path in sorted(base.rglob("*")):
        if path.name.startswith(".") or not path.is_file():
            continue
        if path.name.endswith((".nii", ".nii.gz")):
            raise InvalidInput(f"{part}/ holds the volume {path.name}; save its slices as PNG or TIFF")
        if path.suffix.lower() not in suffixes:
            continue
        stem = path.relative_to(base).with_suffix("").as_posix()
        if stem in found:
            raise InvalidInput(f"{part}/ has two files of stem {stem!r}: {found[stem].name} and {path.name}")
        found[stem] = path
    if not found:
        raise InvalidInput(f"{folder.name}/{part}/ holds no {' '.join(suffixes)} file")
    return found


def _read_labels(path: Path) -> dict[str, tuple[str, str | None]]:
    """Return (label, group) by stem."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            columns, rows = list(reader.fieldnames or []), list(reader)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path.name} is not UTF-8 text: {error}") from error
    for needed in ("stem", "label"):
        if needed not in columns:
            raise InvalidInput(f"{path.name} has no column {needed!r}; it has: {', '.join(columns) or 'nothing'}")
    group_column = next((column for column in ("group", "patient") if column in columns), None)
    result: dict[str, tuple[str, str | None]] = {}
    for line, row in enumerate(rows, start=2):
        stem, label = (row["stem"] or "").strip(), (row["label"] or "").strip()
        if not stem or not label:
            raise InvalidInput(f"{path.name} line {line}: stem and label must not be empty")
        if stem in result:
            raise InvalidInput(f"{path.name} line {line}: stem {stem!r} occurs twice")
        result[stem] = (label, (row[group_column] or "").strip() or None if group_column else None)
    return result


def _read_mask_names(folder: Path) -> dict[int, str]:
    """Return class names by mask id from classes.json, or nothing."""
    path = folder / "classes.json"
    if not path.is_file():
        return {}
    try:
        classes = json.loads(path.read_text(encoding="utf-8"))["classes"]
        return {int(key): str(name) for key, name in classes.items() if int(key) != 0}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f'{path.name} must be {{"classes": {{"1": "name", ...}}}}: {error}') from error
