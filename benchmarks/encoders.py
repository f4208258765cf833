"""Compare the built-in encoder with other features in one run: `python benchmarks/encoders.py --data ../shared/data`.

Prints Markdown. Balanced accuracy of 5 nearest neighbours and of a linear probe on the three classification sets, and
of naming the data set over all sets: queries are images that the encoder was not trained on, references are the
others. Coverage: mean distance to the nearest item of a first batch of 20 chosen by `kmeans_medoid`, as a share of that
of 20 random ones in the same space. Random weights get the same pooling, and a whitening of their own. The lead of the
built-in encoder is the mean difference over sets and readings, with a 95 % interval by drawing each set's queries anew,
the same ones for both. `--folds 5` asks of every image of the classification sets once, the other folds by group being
the references: more queries, most of which self-supervision has seen, without labels.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from _data import add_data_option

from alcore.encoders.base import squash, unit_rows
from alcore.encoders.builtin import BuiltinEncoder
from alcore.encoders.network import EncoderNetwork
from alcore.encoders.training.data import Sample, decode, list_samples, sampling_weights
from alcore.encoders.training.evaluate import classic_features, coverage_radius, linear_probe, nearest_neighbours
from alcore.encoders.training.export import export_weights
from alcore.formats.folder import read_dataset
from alcore.heads.folds import group_folds
from alcore.metrics import balanced_accuracy
from alcore.strategies import select
from alcore.types import PoolView
from prompts.builtin.engine import Engine
from prompts.builtin.predictor import WEIGHTS as PROMPTABLE_WEIGHTS

SETS = ("cls_mednist", "cls_us_breast_busi", "cls_cxr_nih")
FIRST_BATCH = 20
N_FITTED = 500
SIDE = 256
N_DRAWN = 2000

Features = Callable[[Sequence[np.ndarray]], np.ndarray]
Readings = tuple[np.ndarray, np.ndarray]
"""What the queries of one task are taken for: by 5 nearest neighbours, and by a linear probe."""


@dataclass(frozen=True)
class Task:
    """Images with labels, and for each of its turns which of them are asked of which others."""

    samples: list[Sample]
    labels: np.ndarray
    turns: list[tuple[np.ndarray, np.ndarray]]
    """Reference rows and query rows."""

    @property
    def asked(self) -> np.ndarray:
        """Query rows of all turns."""
        return np.concatenate([queries for _, queries in self.turns])

    def read(self, rows: np.ndarray) -> Readings:
        """Take each query, in the order of `asked`, for a label; `rows` are features of all images."""
        near, probed = [], []
        for reference, queries in self.turns:
            near.append(nearest_neighbours(rows[reference], self.labels[reference], rows[queries]))
            probed.append(linear_probe(rows[reference], self.labels[reference], rows[queries]))
        return np.concatenate(near), np.concatenate(probed)


def thinned(samples: list[Sample], limit: int) -> list[Sample]:
    """At most `limit` of them, evenly spread."""
    return samples[:: max(1, -(-len(samples) // limit))]


def random_encoder(data: Path) -> BuiltinEncoder:
    """The same network with the weights that it starts from, pooled and whitened like the trained one."""
    torch.manual_seed(0)
    samples = thinned(list_samples(data), N_FITTED)
    pool = np.concatenate([squash([decode(sample, SIDE)], SIDE) for sample in samples])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.safetensors"
        export_weights(EncoderNetwork().state_dict(), pool, sampling_weights(samples), path)
        return BuiltinEncoder(path)


def promptable_features() -> Features:
    """Mean and deviation of each channel of the promptable model's encoder, the whole image in one window."""
    engine = Engine(PROMPTABLE_WEIGHTS.read_bytes(), source=PROMPTABLE_WEIGHTS)

    def features(images: Sequence[np.ndarray]) -> np.ndarray:
        rows = []
        for image in squash(images, SIDE):
            maps = [level.float() for level in engine.encode(image).levels[0][1:4]]
            rows.append(torch.cat([torch.cat([m.mean((2, 3)), m.std((2, 3))], dim=1) for m in maps], dim=1)[0].numpy())
        return unit_rows(np.stack(rows))

    return features


def held_out_task(parts: list[list[Sample]], label_of: Callable[[Sample], str]) -> Task:
    """Ask of the second part, the first being the references."""
    samples, n = [*parts[0], *parts[1]], len(parts[0])
    turn = np.arange(n), np.arange(n, len(samples))
    return Task(samples, np.array([label_of(s) for s in samples]), [turn])


def classification_task(data: Path, dataset: str, *, limit: int, n_folds: int) -> Task:
    """Ask of images kept out of training, or, with folds by patient or near-twins, of every image once."""
    known = {s.stem: s for s in read_dataset(data / dataset).samples}
    parts = [[s for s in list_samples(data, held_out=h) if s.dataset == dataset] for h in (False, True)]
    task = held_out_task([thinned(part, limit) for part in parts], lambda s: str(known[s.stem].label))
    if not n_folds:
        return task
    groups = np.array([known[s.stem].group or s.stem for s in task.samples])
    folds = group_folds(groups, strata=task.labels, n_folds=n_folds, seed=0)
    return replace(task, turns=[(np.setdiff1d(np.arange(len(groups)), fold), fold) for fold in folds])


def which_set_task(data: Path, *, limit: int) -> Task:
    """Name the data set of images kept out of training: at most `limit` queries and references of each."""
    parts = []
    for held_out in (False, True):
        samples = list_samples(data, held_out=held_out)
        names = sorted({s.dataset for s in samples})
        parts.append([s for name in names for s in thinned([s for s in samples if s.dataset == name], limit)])
    return held_out_task(parts, lambda s: s.dataset)


def accuracy(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Balanced accuracy of names."""
    names = np.unique(np.concatenate([predicted, truth]))
    return balanced_accuracy(np.searchsorted(names, predicted), np.searchsorted(names, truth))


def lead(ours: list[Readings], others: list[Readings], truths: list[np.ndarray]) -> tuple[float, float, float]:
    """Mean difference of balanced accuracy over sets and readings, with its 95 % interval: queries drawn anew."""
    rng = np.random.default_rng(0)

    def mean_difference(drawn: list[np.ndarray]) -> float:
        differences = [
            accuracy(a[rows], truth[rows]) - accuracy(b[rows], truth[rows])
            for mine, theirs, truth, rows in zip(ours, others, truths, drawn, strict=True)
            for a, b in zip(mine, theirs, strict=True)
        ]
        return float(np.mean(differences))

    sizes = [len(truth) for truth in truths]
    leads = [mean_difference([rng.integers(0, n, n) for n in sizes]) for _ in range(N_DRAWN)]
    low, high = np.percentile(leads, [2.5, 97.5])
    return mean_difference([np.arange(n) for n in sizes]), float(low), float(high)


def relative_coverage(embeddings: np.ndarray) -> float:
    """How much nearer the pool is to a chosen first batch than to a random one."""
    pool = PoolView(embeddings=embeddings, labeled=np.zeros(len(embeddings), dtype=bool))
    rng = np.random.default_rng(0)
    chosen = coverage_radius(embeddings, select("kmeans_medoid", pool, FIRST_BATCH, rng=rng).rows)
    drawn = [coverage_radius(embeddings, rng.choice(len(embeddings), FIRST_BATCH, replace=False)) for _ in range(20)]
    return chosen / float(np.mean(drawn))


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description="Compare the built-in encoder with other features.")
    add_data_option(parser)
    parser.add_argument("--limit", type=int, default=700, help="most reference images and queries of a set")
    parser.add_argument("--folds", type=int, default=0, help="folds in which every image of a set is asked for, once")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    builtin, untrained = BuiltinEncoder(), random_encoder(args.data)
    kinds: dict[str, Features] = {
        "builtin": lambda images: builtin.encode(images).vectors,
        "same network, random weights": lambda images: untrained.encode(images).vectors,
        "HOG and colour histogram": classic_features,
        "promptable model's encoder": promptable_features(),
    }
    tasks = {name: classification_task(args.data, name, limit=args.limit, n_folds=args.folds) for name in SETS}
    tasks["which set"] = which_set_task(args.data, limit=100)
    answers: dict[str, list[Readings]] = {kind: [] for kind in kinds}
    coverage: dict[str, list[float]] = {kind: [] for kind in kinds}
    for task in tasks.values():
        pixels = [decode(sample, SIDE) for sample in task.samples]
        for kind, features in kinds.items():
            rows = features(pixels)
            answers[kind].append(task.read(rows))
            coverage[kind].append(relative_coverage(rows))
    sizes = ", ".join(f"{name} {len(task.turns[0][0])}/{len(task.asked)}" for name, task in tasks.items())
    print(f"{builtin.encoder_id}; reference/query images: {sizes}\n")
    heads = ["features", *(f"{name}: 5-NN, probe" for name in tasks), "mean", "coverage", "builtin leads by"]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    truths = [task.labels[task.asked] for task in tasks.values()]
    for kind, readings in answers.items():
        scores = np.array([[accuracy(r, truth) for r in both] for both, truth in zip(readings, truths, strict=True)])
        cells = [f"{a:.3f}, {b:.3f}" for a, b in [*scores, scores.mean(axis=0)]]
        mean, low, high = lead(answers["builtin"], readings, truths)
        told = "" if kind == "builtin" else f"{mean:.3f} ({low:.3f} to {high:.3f})"
        print(f"| {' | '.join([kind, *cells, f'{np.mean(coverage[kind]):.3f}', told])} |", flush=True)


if __name__ == "__main__":
    main()
