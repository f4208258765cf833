"""Prepare training records once: pixels, label maps and superpixels, kept in one file outside the repository."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import nibabel
import numpy as np
import torch
from jaxtyping import Int, UInt8
from PIL import Image
from scipy import ndimage
from skimage.segmentation import felzenszwalb

from prompts.builtin.split import bucket, is_held_out, is_validation
from prompts.builtin.training.synthetic import synthetic_image

MASKED_SETS = ("nuclei_dsb2018", "us_nerve_usgra", "polyp_endotect", "fundus_chase", "ct_liver_msd")
UNMASKED_SETS = {"cls_mednist": 300, "cls_us_breast_busi": 300, "cls_cxr_nih": 250}
"""Sets without masks, and how many of their images give superpixel objects. Never name a non-commercial set here."""
VOLUME_SET = "mri_hippocampus_3d"
N_SYNTHETIC = 500
LONGEST_SIDE_PX = 1024
SUPERPIXEL_SIDE_PX = 256


@dataclass(frozen=True, kw_only=True)
class Record:
    """One training image: a pyramid of pixels (each level half the last), its objects, and its superpixels."""

    dataset: str
    stem: str
    validation: bool
    pixels: list[UInt8[np.ndarray, "h w 3"]]
    objects: Int[np.ndarray, "h w"] | None
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
    """Cut an image into regions of a random coarseness (felzenszwalb)."""
    small = np.asarray(shrink(Image.fromarray(pixels), SUPERPIXEL_SIDE_PX, Image.Resampling.BILINEAR))
    scale = float(np.exp(rng.uniform(np.log(40), np.log(1200))))
    regions = felzenszwalb(small, scale=scale, sigma=float(rng.uniform(0.4, 1.2)), min_size=int(rng.integers(24, 200)))
    return (regions + 1).astype(np.int16)


def make_record(
    dataset: str,
    stem: str,
    pixels: UInt8[np.ndarray, "h w 3"],
    objects: Int[np.ndarray, "h w"] | None,
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
        objects=None if objects is None else objects.astype(np.int16),
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
            return make_record(dataset, stem, np.asarray(image), objects, 2)
    return make_record(dataset, stem, np.asarray(image), None, 1)


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
        records.append(make_record(VOLUME_SET, stem, plane, label_components(np.asarray(mask.take(index, axis))), 1))
    return records


def make_synthetic(index: int) -> Record:
    """Make synthetic image number `index`."""
    pixels, objects = synthetic_image(np.random.default_rng(index))
    return make_record("synthetic", f"{index:04d}", pixels, objects, 0)


def training_files(data: Path, dataset: str) -> list[str]:
    """List the images of a set that may be trained on."""
    files = sorted((data / dataset / "images").iterdir())
    files = [f for f in files if not is_held_out(dataset, f.name.removesuffix(".nii.gz").removesuffix(f.suffix))]
    if dataset == "cls_cxr_nih":
        files = [f for f in files if f.name.startswith("nih_")]  # the covid_ part is non-commercial
    limit = UNMASKED_SETS.get(dataset)
    return [str(f) for f in sorted(files, key=lambda f: bucket("order", f.stem, 1 << 30))[:limit]]


def build(data: Path, n_processes: int) -> Iterator[Record]:
    """Prepare all records; a minute or two of work."""
    with ProcessPoolExecutor(n_processes) as pool:
        jobs = []
        for dataset in (*MASKED_SETS, *UNMASKED_SETS):
            jobs += [pool.submit(read_planar, str(data), dataset, f) for f in training_files(data, dataset)]
        volumes = [
            pool.submit(read_volume, f, str(data / VOLUME_SET / "masks" / Path(f).name))
            for f in training_files(data, VOLUME_SET)
        ]
        made = [pool.submit(make_synthetic, i) for i in range(N_SYNTHETIC)]
        for job in jobs + made:
            yield job.result()
        for volume in volumes:
            yield from volume.result()


def load_or_build(data: Path, cache: Path, n_processes: int = 2) -> list[Record]:
    """Read the records from `cache/records.pt`, which this module wrote, or prepare and write them."""
    path = cache / "records.pt"
    if path.exists():
        records: list[Record] = torch.load(path, weights_only=False)  # our own file, made in the run before
        return records
    cache.mkdir(parents=True, exist_ok=True)
    records = list(build(data, n_processes))
    torch.save(records, path)
    return records
