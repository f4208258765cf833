"""Prepare training records once: pixels, label maps and superpixels, kept in one file a set outside the repository."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zlib import crc32

import nibabel
import numpy as np
import torch
from jaxtyping import Bool, Int, UInt8
from PIL import Image
from scipy import ndimage
from skimage.segmentation import felzenszwalb

from prompts.builtin.split import bucket, is_held_out, is_validation
from prompts.builtin.training import worlds
from prompts.builtin.training.worlds.objects import parts

MASKED_SETS = ("nuclei_dsb2018", "us_nerve_usgra", "polyp_endotect", "fundus_chase", "ct_liver_msd")
VOLUME_SET = "mri_hippocampus_3d"
UNMASKED_SETS = {"cls_mednist": 400, "cls_us_breast_busi": 600, "cls_cxr_nih": 500}
"""Sets without masks, and how many of their images give superpixel objects. Never name a non-commercial set here."""
MADE_SETS = {"worlds": 4000, "pasted": 1500, "vessels": 700}
"""Made-up images, shapes pasted into images of the sets without masks, and vessels whose pieces are the objects."""
SPLIT_SHARE = 0.65
PIECE_PX = (28, 180)
"""Sides of the tiles that cut vessel trees into pieces, as annotators' gaps do."""
ALL_SETS = (*MASKED_SETS, VOLUME_SET, *UNMASKED_SETS, *MADE_SETS)
LONGEST_SIDE_PX = 1024
SUPERPIXEL_SIDE_PX = 256


@dataclass(frozen=True, kw_only=True)
class Record:
    """One training image: a pyramid of pixels (each level half the last), its objects, and its superpixels."""

    dataset: str
    stem: str
    validation: bool
    pixels: list[UInt8[np.ndarray, "h w 3"]]
    objects: list[Int[np.ndarray, "h w"]]
    """Label maps; several where objects nest."""
    superpixels: list[Int[np.ndarray, "h w"]]


def label_components(mask: Int[np.ndarray, "h w"]) -> Int[np.ndarray, "h w"]:
    """Number the connected components of each label id from 1."""
    out = np.zeros(mask.shape, np.int16)
    n_before = 0
    for label in np.unique(mask[mask > 0]):
        components, n = ndimage.label(mask == label)
        out[components > 0] = components[components > 0] + n_before
        n_before += n
    return out


def shrink(image: Image.Image, longest: int, resample: Image.Resampling) -> Image.Image:
    """Scale an image down so that its longer side is at most `longest`."""
    scale = longest / max(image.size)
    if scale >= 1:
        return image
    return image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))), resample)


def superpixels(pixels: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator) -> Int[np.ndarray, "h w"]:
    """Cut an image into regions of a random coarseness (felzenszwalb), at times grown by joining alike neighbours."""
    small = np.asarray(shrink(Image.fromarray(pixels), SUPERPIXEL_SIDE_PX, Image.Resampling.BILINEAR))
    scale = float(np.exp(rng.uniform(np.log(40), np.log(2000))))
    regions = felzenszwalb(small, scale=scale, sigma=float(rng.uniform(0.4, 1.2)), min_size=int(rng.integers(24, 300)))
    if rng.random() < 0.5:
        grey = ndimage.mean(small.mean(-1), regions, np.arange(regions.max() + 1))
        grey = np.digitize(grey, np.quantile(grey, np.linspace(0, 1, int(rng.integers(3, 9)))[1:-1])) + 1
        regions = label_components(grey.astype(np.int16)[regions])
        sizes = np.bincount(regions.ravel())
        regions = np.where(sizes[regions] >= 24, regions, 0) - 1
    return (regions + 1).astype(np.int16)


def make_record(
    dataset: str,
    stem: str,
    pixels: UInt8[np.ndarray, "h w 3"],
    objects: list[Int[np.ndarray, "h w"]],
    n_superpixels: int,
) -> Record:
    """Build the pyramid and the superpixels of one image; the random state follows from its name."""
    rng = np.random.default_rng(crc32(f"{dataset}/{stem}".encode()))
    pyramid = [pixels]
    while max(pyramid[-1].shape[:2]) > 512:
        half = Image.fromarray(pyramid[-1]).reduce(2)
        pyramid.append(np.asarray(half))
    return Record(
        dataset=dataset, stem=stem, validation=is_validation(dataset, stem), pixels=pyramid,
        objects=[labels.astype(np.int16) for labels in objects],
        superpixels=[superpixels(pyramid[-1], rng) for _ in range(n_superpixels)],
    )  # fmt: skip


def read_planar(data: str, dataset: str, path: str) -> Record:
    """Read one image file with its instances or masks, if the set has them."""
    source, stem = Path(path), Path(path).stem
    image = shrink(Image.open(source).convert("RGB"), LONGEST_SIDE_PX, Image.Resampling.BOX)
    for folder in ("instances", "masks"):
        labels = Path(data) / dataset / folder / f"{stem}.png"
        if labels.exists():
            raw = Image.fromarray(np.asarray(Image.open(labels)).astype(np.int32))
            mask = np.asarray(raw.resize(image.size, Image.Resampling.NEAREST))
            objects = mask if folder == "instances" else label_components(mask)
            return make_record(dataset, stem, np.asarray(image), [objects], 2)
    return make_record(dataset, stem, np.asarray(image), [], 3)


def read_volume(path: str, mask_path: str) -> list[Record]:
    """Read six slices of one MRI volume, along each axis in turn, where its mask is not empty."""
    volume = np.asarray(nibabel.Nifti1Image.from_filename(path).dataobj, dtype=np.float32)
    mask = np.asarray(nibabel.Nifti1Image.from_filename(mask_path).dataobj).astype(np.int16)
    low, high = np.percentile(volume, [1, 99.5])
    grey = (np.clip((volume - low) / (high - low + 1e-6), 0, 1) * 255).astype(np.uint8)
    stem = Path(path).name.removesuffix(".nii.gz")
    records = []
    for i in range(6):
        axis = i % 3
        filled = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        index = int(filled[len(filled) * (1 + i // 3) // 3])
        plane = np.repeat(grey.take(index, axis)[..., None], 3, axis=-1)
        records.append(make_record(VOLUME_SET, stem, plane, [label_components(np.asarray(mask.take(index, axis)))], 1))
    return records


def make_world(index: int) -> Record:
    """Make synthetic image number `index`; in most maps, pieces that do not touch are objects of their own."""
    name, pixels, maps = worlds.draw(index)
    rng = np.random.default_rng([index, 1])
    objects = [parts(labels) if rng.random() < SPLIT_SHARE else labels for labels in maps]
    return make_record("worlds", f"{index:05d}_{name}", pixels, objects, 0)


def make_pasted(path: str, index: int) -> Record:
    """Paste shapes into an image that has no masks of its own."""
    image = shrink(Image.open(path).convert("RGB"), 512, Image.Resampling.BOX)
    pixels, objects = worlds.pasted(np.asarray(image), index)
    return make_record("pasted", f"{index:05d}_{Path(path).stem}", pixels, objects, 0)


def make_vessels(index: int) -> Record:
    """Make a picture of vessels; its objects are the trees in one map and pieces of them in others."""
    rng = np.random.default_rng([index, 2])
    pixels, maps = worlds.draw_world("vessels", rng)
    pieces = [worlds.tidy(pixels, cut_to_pieces(maps[0] > 0, rng)) for _ in range(2)]
    objects = [parts(maps[0]), *(labels for labels in pieces if labels is not None)]
    return make_record("vessels", f"{index:05d}", pixels, objects, 0)


def cut_to_pieces(tree: Bool[np.ndarray, "h w"], rng: np.random.Generator) -> Int[np.ndarray, "h w"]:
    """Number the connected pieces of a tree in each tile of a grid of random pitch."""
    tiles = []
    for axis, side in enumerate(tree.shape):
        pitch = float(np.exp(rng.uniform(*np.log(PIECE_PX))))
        tile = ((np.arange(side) + rng.uniform(0, pitch)) // pitch).astype(np.int16)
        tiles.append(np.expand_dims(tile, 1 - axis))
    rows, columns = tiles
    return label_components((rows * (columns.max() + 1) + columns + 1) * tree)


def training_files(data: Path, dataset: str) -> list[str]:
    """List the images of a set that may be trained on."""
    files = sorted((data / dataset / "images").iterdir())
    files = [f for f in files if not is_held_out(dataset, f.name.removesuffix(".nii.gz").removesuffix(f.suffix))]
    if dataset == "cls_cxr_nih":
        files = [f for f in files if f.name.startswith("nih_")]  # the covid_ part is non-commercial
    limit = UNMASKED_SETS.get(dataset)
    return [str(f) for f in sorted(files, key=lambda f: bucket("order", f.stem, 1 << 30))[:limit]]


def jobs_of(data: Path, dataset: str) -> Sequence[Callable[[], Record | list[Record]]]:
    """List the calls that prepare a set."""
    if dataset == "worlds":
        return [partial(make_world, i) for i in range(MADE_SETS["worlds"])]
    if dataset == "vessels":
        return [partial(make_vessels, i) for i in range(MADE_SETS["vessels"])]
    if dataset == "pasted":
        sources = [f for name in UNMASKED_SETS for f in training_files(data, name)]
        return [partial(make_pasted, sources[i % len(sources)], i) for i in range(MADE_SETS["pasted"])]
    files = training_files(data, dataset)
    if dataset == VOLUME_SET:
        return [partial(read_volume, f, str(data / VOLUME_SET / "masks" / Path(f).name)) for f in files]
    return [partial(read_planar, str(data), dataset, f) for f in files]


def load_or_build(data: Path, cache: Path, names: Iterable[str], n_processes: int = 2) -> list[Record]:
    """Read the records of some sets from `cache`, where this module wrote them, or prepare and write them."""
    cache.mkdir(parents=True, exist_ok=True)
    records: list[Record] = []
    with ProcessPoolExecutor(n_processes) as pool:
        for name in names:
            path = cache / f"{name}.pt"
            if path.exists():
                found: list[Record] = torch.load(path, weights_only=False)  # our own file, made in the run before
            else:
                made = [job.result() for job in [pool.submit(call) for call in jobs_of(data, name)]]
                found = []
                for one in made:
                    found += one if isinstance(one, list) else [one]
                torch.save(found, path.with_suffix(".partial"))
                path.with_suffix(".partial").replace(path)
            records += found
    return records
