"""Measure the built-in encoder: `python -m alcore.encoders.training.evaluate --data ../shared/data --out FILE.json`.

Balanced accuracy of 5 nearest neighbours on the classification sets: queries are the images kept out of training, the
reference images are the others. Compared in the same run with the same network at random and with classic features.
"""

import argparse
import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Shaped

from alcore.encoders.base import squash, unit_rows
from alcore.encoders.builtin import WEIGHTS, BuiltinEncoder
from alcore.encoders.training.data import Sample, decode, list_samples
from alcore.encoders.training.train import export_weights
from alcore.metrics import balanced_accuracy

SETS = ("cls_mednist", "cls_us_breast_busi", "cls_cxr_nih")
K = 5

Features = Callable[[Sequence[np.ndarray]], Float[np.ndarray, "n d"]]


def classic_features(images: Sequence[np.ndarray]) -> Float[np.ndarray, "n d"]:
    """Histogram of oriented gradients at 64 pixels, beside a colour histogram of 8 bins a channel."""
    from skimage.feature import hog

    rows = []
    for image in squash(images, 64):
        gradients = hog(image.mean(2), orientations=8, pixels_per_cell=(16, 16), cells_per_block=(2, 2))
        colours = [np.histogram(image[..., c], bins=8, range=(0, 256))[0] / 64**2 for c in range(3)]
        colour_row = np.concatenate(colours)
        rows.append(np.concatenate([gradients / np.linalg.norm(gradients).clip(1e-6), colour_row]))
    return unit_rows(np.array(rows))


def nearest_neighbours(
    reference: Float[np.ndarray, "n d"],
    labels: Shaped[np.ndarray, " n"],
    queries: Float[np.ndarray, "q d"],
    *,
    k: int = K,
) -> Shaped[np.ndarray, " q"]:
    """Give each query the label that has most similarity among its k nearest rows."""
    similarity = queries @ reference.T
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    names = np.unique(labels)
    weights = np.take_along_axis(similarity, nearest, axis=1)
    votes = np.stack([((labels[nearest] == name) * weights).sum(1) for name in names], axis=1)
    return names[votes.argmax(1)]


def _labelled(data: Path, dataset: str, *, held_out: bool, limit: int) -> tuple[list[Sample], np.ndarray]:
    """Samples of a set with their labels, evenly thinned out to at most `limit`."""
    with (data / dataset / "labels.csv").open(newline="") as file:
        label_of = {row["stem"]: row["label"] for row in csv.DictReader(file)}
    samples = [s for s in list_samples(data, held_out=held_out) if s.dataset == dataset]
    samples = samples[:: -(-len(samples) // limit)]
    return samples, np.array([label_of[sample.stem] for sample in samples])


def _random_encoder(folder: Path) -> BuiltinEncoder:
    """The same network with the weights that it starts from."""
    from alcore.encoders.network import EncoderNetwork

    torch.manual_seed(0)
    path = folder / "random.safetensors"
    export_weights(EncoderNetwork().state_dict(), path)
    encoder = BuiltinEncoder(path)
    path.unlink()
    return encoder


def evaluate(data: Path, weights: Path, folder: Path, *, limit: int) -> dict[str, dict[str, float]]:
    """Return the balanced accuracy by set and by kind of features."""
    trained, untrained = BuiltinEncoder(weights), _random_encoder(folder)
    kinds: dict[str, Features] = {
        "builtin": lambda images: trained.encode(images).vectors,
        "random_init": lambda images: untrained.encode(images).vectors,
        "hog_and_colour": classic_features,
    }
    results: dict[str, dict[str, float]] = {}
    for dataset in SETS:
        parts = [_labelled(data, dataset, held_out=held_out, limit=limit) for held_out in (False, True)]
        pixels = [[decode(sample, 256) for sample in samples] for samples, _ in parts]
        (_, labels), (_, truth) = parts
        codes = np.unique(labels)
        results[dataset] = {"n_reference": len(labels), "n_queries": len(truth)}
        for kind, features in kinds.items():
            predicted = nearest_neighbours(features(pixels[0]), labels, features(pixels[1]))
            score = balanced_accuracy(np.searchsorted(codes, predicted), np.searchsorted(codes, truth))
            results[dataset][kind] = round(score, 4)
    return results


def main() -> None:
    """Parse the arguments, measure, write."""
    parser = argparse.ArgumentParser(description="Measure the built-in encoder by nearest neighbours.")
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--limit", type=int, default=700, help="most reference images and queries of a set")
    args = parser.parse_args()
    results = evaluate(args.data, args.weights, args.out.resolve().parent, limit=args.limit)
    args.out.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
