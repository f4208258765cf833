"""Reads a data set folder of images and masks for the click benchmark, one object at a time.

`alcore.formats` reads the same folders for the annotation loop; `prompts` does not know it, and needs much less.
"""

import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int, Shaped, UInt8
from scipy import ndimage

from prompts.errors import DatasetError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff"})
MIN_OBJECT_PX = 64
MAX_OBJECTS_PER_IMAGE = 3
PERCENTILES_16_BIT = (0.5, 99.5)
"""Display window of 16-bit images, as the annotator sees them."""


@dataclass(frozen=True, kw_only=True)
class BenchImage:
    """One image with the objects to click in it, at least one."""

    stem: str
    rgb: UInt8[np.ndarray, "h w 3"]
    objects: tuple[Bool[np.ndarray, "h w"], ...]


def read_bench_images(dataset_dir: Path, *, stems: Collection[str] | None = None) -> Iterator[BenchImage]:
    """Yield the images that have objects, in an order drawn with seed 0.

    Objects are the ids of `instances/` where an image has that file, else the 8-connected components of each label id
    of `masks/`; those of at least 64 pixels, at most 3 an image. Which ones does not depend on the other images.

    Args:
        dataset_dir: holds `images/*` and `masks/*.png` of the same stems and sizes, perhaps `instances/*.png`.
        stems: only these images; None takes all.

    Raises:
        DatasetError: a folder, a mask or a stem is missing, a file cannot be read, or sizes differ.
    """
    paths = image_paths(dataset_dir)
    if stems is not None:
        unknown = sorted(set(stems) - paths.keys())
        if unknown:
            raise DatasetError(
                f"'{dataset_dir.name}' has no image '{unknown[0]}'; {len(unknown)} of {len(set(stems))} are unknown"
            )
        paths = {stem: path for stem, path in paths.items() if stem in set(stems)}
    names = sorted(paths)
    for k in np.random.default_rng(0).permutation(len(names)):
        stem = names[k]
        rgb = read_rgb(paths[stem])
        objects = _objects(dataset_dir, stem)
        if objects and objects[0][0].shape != rgb.shape[:2]:
            raise DatasetError(
                f"mask of '{stem}' is {objects[0][0].shape}, its image {rgb.shape[:2]} (rows, columns); make them equal"
            )
        drawn = np.random.default_rng([0, zlib.crc32(stem.encode())]).permutation(len(objects))[:MAX_OBJECTS_PER_IMAGE]
        if len(drawn):
            yield BenchImage(
                stem=stem, rgb=rgb, objects=tuple(parts == i for parts, i in (objects[d] for d in sorted(drawn)))
            )


def image_paths(dataset_dir: Path) -> dict[str, Path]:
    """Return the image file of each stem.

    Raises:
        DatasetError: there is no `images/` or `masks/` folder, no image, or two images of one stem.
    """
    for name in ("images", "masks"):
        if not (dataset_dir / name).is_dir():
            raise DatasetError(
                f"'{dataset_dir}' has no folder '{name}/'; a data set holds images/* and masks/*.png of the same stems"
            )
    paths: dict[str, Path] = {}
    for path in sorted((dataset_dir / "images").iterdir()):
        if path.suffix.lower() in SUFFIXES:
            if path.stem in paths:
                raise DatasetError(
                    f"'{dataset_dir.name}' has two images called '{path.stem}': {paths[path.stem].name}, {path.name}"
                )
            paths[path.stem] = path
    if not paths:
        raise DatasetError(
            f"'{dataset_dir}/images' holds no PNG, JPEG or TIFF image; volumes (.nii.gz) are not clicked on here"
        )
    return paths


def read_rgb(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """Read an image as 8-bit RGB; 16-bit grey goes through the default window, transparency is dropped.

    Raises:
        DatasetError: the file cannot be read as an image.
    """
    pixels, is_wide = _read(path, as_rgb=True)
    if is_wide:
        low, high = np.percentile(pixels, PERCENTILES_16_BIT)
        scaled = (pixels.astype(np.float64) - low) / max(float(high - low), 1.0)
        pixels = np.repeat(np.rint(np.clip(scaled, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)
    return pixels


def _read(path: Path, *, as_rgb: bool) -> tuple[Shaped[np.ndarray, "..."], bool]:
    """Decode a file; True if it has more than 8 bits."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            is_wide = upright.mode.startswith("I")
            return np.asarray(upright.convert("RGB") if as_rgb and not is_wide else upright), is_wide
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DatasetError(f"'{path.parent.name}/{path.name}' cannot be read as an image: {error}") from error


def _label_ids(path: Path) -> Int[np.ndarray, "h w"]:
    """Read a mask of ids."""
    if not path.is_file():
        raise DatasetError(
            f"there is no '{path.parent.name}/{path.name}'; every image needs a mask of label ids, 0 = background"
        )
    ids, _ = _read(path, as_rgb=False)
    if ids.ndim != 2:
        raise DatasetError(
            f"'{path.parent.name}/{path.name}' has shape {ids.shape}; a mask is one channel of label ids"
        )
    return ids.astype(np.int64)


def _objects(dataset_dir: Path, stem: str) -> list[tuple[Int[np.ndarray, "h w"], int]]:
    """Return all objects of an image that are large enough, each as its map of ids and its id there."""
    instances = dataset_dir / "instances" / f"{stem}.png"
    if instances.is_file():
        maps = [_label_ids(instances)]
    else:
        ids = _label_ids(dataset_dir / "masks" / f"{stem}.png")
        eight = np.ones((3, 3), dtype=int)
        maps = [ndimage.label(ids == label, structure=eight)[0].astype(np.int64) for label in np.unique(ids[ids != 0])]
    return [
        (parts, int(i)) for parts in maps for i in np.flatnonzero(np.bincount(parts.ravel()) >= MIN_OBJECT_PX) if i != 0
    ]
