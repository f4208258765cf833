"""Which images train the built-in encoder, and a cache that decodes each of them once."""

import csv
import hashlib
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

logger = logging.getLogger(__name__)

CACHE_SIDE = 224
SLICES_PER_VOLUME = 6

FOLDERS = (
    "nuclei_dsb2018",
    "us_nerve_usgra",
    "polyp_endotect",
    "fundus_chase",
    "ct_liver_msd",
    "cls_mednist",
    "cls_us_breast_busi",
    "cls_cxr_nih",
)
"""Sets whose licence lets us ship weights trained on them; `mri_hippocampus_3d` joins them slice by slice."""
VOLUMES = "mri_hippocampus_3d"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One training image: where it is, its set, and the slice of a volume."""

    dataset: str
    stem: str
    path: Path
    slice_index: int | None = None


def is_held_out(dataset: str, stem: str, group: str = "") -> bool:
    """Say whether an image is kept out of training, by its patient or group where the set names one."""
    if dataset == "us_nerve_usgra":
        return stem.startswith("test_")
    if dataset == "fundus_chase":
        group = re.sub(r"\D", "", stem)
    if dataset == "ct_liver_msd":
        group = stem.split("_")[1]
    return int(hashlib.sha256((group or stem).encode()).hexdigest(), 16) % 5 == 0


def _table(folder: Path) -> dict[str, dict[str, str]]:
    """Rows of labels.csv by stem, empty where there is none."""
    path = folder / "labels.csv"
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {row["stem"]: row for row in csv.DictReader(file)}


def list_samples(root: Path, *, held_out: bool = False) -> list[Sample]:
    """List the images that may train the shipped weights, or those kept out for measuring."""
    samples: list[Sample] = []
    for dataset in FOLDERS:
        rows = _table(root / dataset)
        for path in sorted((root / dataset / "images").iterdir()):
            row = rows.get(path.stem, {})
            if row.get("label") == "covid19":  # non-commercial
                continue
            group = row.get("patient") or row.get("group") or ""
            if is_held_out(dataset, path.stem, group) == held_out:
                samples.append(Sample(dataset=dataset, stem=path.stem, path=path))
    for path in sorted((root / VOLUMES / "images").glob("*.nii.gz")):
        stem = path.name.removesuffix(".nii.gz")
        if is_held_out(VOLUMES, stem) == held_out:
            samples += [Sample(dataset=VOLUMES, stem=stem, path=path, slice_index=i) for i in range(SLICES_PER_VOLUME)]
    return samples


def _volume_slice(path: Path, index: int) -> UInt8[np.ndarray, "h w"]:
    """One of the evenly spaced inner axial slices, stretched to 8 bits."""
    import nibabel  # only training reads volumes

    volume = np.asarray(nibabel.load(path).dataobj, dtype=np.float32)  # type: ignore[attr-defined]
    row = round((index + 1) * volume.shape[2] / (SLICES_PER_VOLUME + 1))
    low, high = np.percentile(volume, (0.5, 99.5))
    return (np.clip((volume[:, :, row] - low) / max(float(high - low), 1e-6), 0, 1) * 255).astype(np.uint8)


def decode(sample: Sample, side: int = CACHE_SIDE) -> UInt8[np.ndarray, "side side 3"]:
    """Read one sample as RGB, squashed to a square."""
    if sample.slice_index is None:
        with Image.open(sample.path) as file:
            image = file.convert("RGB")
    else:
        image = Image.fromarray(_volume_slice(sample.path, sample.slice_index)).convert("RGB")
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0), dtype=np.uint8).copy()


def _fingerprint(samples: list[Sample]) -> str:
    """Name of the cache: changes with the list of samples."""
    names = [[sample.dataset, sample.stem, sample.slice_index] for sample in samples]
    return hashlib.sha256(json.dumps([CACHE_SIDE, names]).encode()).hexdigest()[:12]


def open_cache(samples: list[Sample], folder: Path) -> UInt8[np.ndarray, "n side side 3"]:
    """Memory-map the decoded images, decoding them all on the first call."""
    path = folder / f"encoder-cache-{_fingerprint(samples)}.npy"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        logger.info("decoding %d images into %s", len(samples), path)
        partial = path.with_suffix(".partial.npy")
        cache = np.lib.format.open_memmap(
            partial, mode="w+", dtype=np.uint8, shape=(len(samples), CACHE_SIDE, CACHE_SIDE, 3)
        )
        for row, sample in enumerate(samples):
            cache[row] = decode(sample)
        cache.flush()
        partial.rename(path)
    images: np.ndarray = np.load(path, mmap_mode="r")
    return images


def sampling_weights(samples: list[Sample]) -> Float[np.ndarray, " n"]:
    """Draw each set in proportion to the square root of its size, so that no set drowns the rest."""
    counts: dict[str, int] = {}
    for sample in samples:
        counts[sample.dataset] = counts.get(sample.dataset, 0) + 1
    weights = np.array([counts[sample.dataset] ** -0.5 for sample in samples])
    return weights / weights.sum()


def draw_rows(weights: Float[np.ndarray, " n"], batch_size: int, *, seed: int, start: int) -> Iterator[np.ndarray]:
    """Endless batches of row indices; batch i depends on (seed, i) alone, so that a run can go on where it stopped."""
    step = start
    while True:
        rng = np.random.default_rng([seed, step])
        yield rng.choice(len(weights), size=batch_size, replace=False, p=weights)
        step += 1
