"""Which images the shipped weights have never seen: one rule, so that a benchmark can name the same ones."""

import hashlib


def group_of(dataset: str, stem: str) -> str:
    """Name what must stay together: the child of a fundus pair, the volume of a CT slice, otherwise the image."""
    if dataset == "fundus_chase":
        return "".join(c for c in stem if c.isdigit())
    if dataset == "ct_liver_msd":
        return stem.split("_")[1] if stem.count("_") >= 2 else stem
    return stem


def bucket(dataset: str, stem: str, n_buckets: int) -> int:
    """Put an image's group into one of `n_buckets`, the same on every machine."""
    digest = hashlib.sha256(group_of(dataset, stem).encode()).hexdigest()
    return int(digest, 16) % n_buckets


def is_held_out(dataset: str, stem: str) -> bool:
    """Tell whether an image was left out of training.

    Args:
        dataset: folder name of the set, such as `us_nerve_usgra`.
        stem: file name of the image without its suffix.

    Returns:
        True for images that the shipped weights have not been trained on and that decided nothing about them.
    """
    if dataset == "us_nerve_usgra":
        return stem.startswith("test_")
    return bucket(dataset, stem, 5) == 0


def is_validation(dataset: str, stem: str) -> bool:
    """Tell whether a training image is set aside for watching and choosing; disjoint from the held-out ones."""
    return not is_held_out(dataset, stem) and bucket(dataset, stem, 20) == 1
