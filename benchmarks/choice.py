"""How much it matters which images are labeled next, and what tells the better batches from the worse.

`python benchmarks/choice.py [DATASET...] --out FOLDER`

Random batches follow the same random start; after each a head is trained from scratch on both and measured on the test
images. The spread of these values is what one round of choosing has to work with, and a strategy gains as much of it as
its criterion ranks batches well: about the rank correlation times the spread for batches one deviation above the mean.
A criterion is a number of a batch that is known before it is labeled, mostly a mean over its images; the last two need
the truth, and say what a strategy might know at best. Resumable: what lies in FOLDER is not run again.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # read when NumPy and FAISS are imported
    os.environ[_variable] = "1"

import numpy as np  # noqa: E402
from _data import add_data_option, write_json  # noqa: E402
from scipy.stats import spearmanr  # noqa: E402

from alcore.loop import Answer  # noqa: E402
from app.simulate import embedded, split  # noqa: E402
from app.simulate_data import load_images  # noqa: E402
from app.simulate_oracles import SegmentationOracle  # noqa: E402
from app.simulate_segmentation import SegmentationLearner  # noqa: E402

NO_ROWS = np.empty(0, np.int64)
HEAD = "dense_linear"
SETS = ["us_nerve_usgra", "nuclei_dsb2018", "polyp_endotect", "ct_liver_msd", "skin_isic2018"]


class Rounds:
    """One data set with its annotator and its head."""

    def __init__(self, dataset: Path, folder: Path) -> None:
        images = load_images(dataset, "segmentation")
        pool, test = split(images.stems, images.groups)
        store = embedded(images, "builtin", folder)
        vectors = store.vectors([images.keys[row] for row in pool]).astype(np.float32)
        self.likeness = vectors @ vectors.T
        self.n = len(pool)
        self.oracle = SegmentationOracle(images, pool, prompts="box", segmenter="builtin", folder=folder)
        self.learner = SegmentationLearner(images, store, pool, test, head=HEAD, needs_committee=True)
        self.areas = np.array([(self.oracle.truth(row) > 0).mean() for row in range(self.n)])

    def answers(self, rows: np.ndarray) -> list[Answer]:
        """Ask for some rows; each is labeled once, whoever asks."""
        return [self.oracle.answer(int(row), np.random.default_rng(0)) for row in rows]

    def trained(self, rows: np.ndarray, scored: np.ndarray, seed: int) -> tuple[float, Any]:
        """The value of a head that is trained on these rows, and what it thinks of others."""
        opinion = self.learner.fit_score(rows, [answer.target for answer in self.answers(rows)], scored, seed=seed)
        return self.learner.evaluate(), opinion


def one_start(rounds: Rounds, start: int, n_batches: int, batch_size: int) -> dict[str, Any]:
    """Label at random, then try random batches: their values, and how each criterion ranks them."""
    labeled = np.random.default_rng([start, 5]).permutation(rounds.n)[:batch_size]
    rest = np.setdiff1d(np.arange(rounds.n), labeled)
    before, opinion = rounds.trained(labeled, rest, start)
    entropy, bald, shown = np.zeros(rounds.n), np.zeros(rounds.n), np.zeros(rounds.n)
    entropy[rest], bald[rest] = opinion.uncertainty["entropy"], opinion.uncertainty["bald"]
    shown[rest] = opinion.foreground
    values: list[float] = []
    criteria: dict[str, list[float]] = {}
    for k in range(n_batches):
        batch = np.random.default_rng([start, 6, k]).permutation(rest)[:batch_size]
        both = np.concatenate([labeled, batch])
        values.append(rounds.trained(both, NO_ROWS, start)[0])
        nearest = rounds.likeness[:, both].max(axis=1)
        found = {
            "entropy": entropy[batch].mean(),
            "bald": bald[batch].mean(),
            "object in sight": shown[batch].mean(),
            "coverage": nearest.mean(),
            "coverage of the uncertain": (nearest * entropy).sum() / entropy.sum(),
            "spread": -rounds.likeness[np.ix_(batch, batch)].mean(),
            "typicality": rounds.likeness[batch].mean(),
            "seconds": sum(answer.seconds for answer in rounds.answers(batch)),
            "true area": rounds.areas[batch].mean(),
            "true spread of areas": rounds.areas[batch].std(),
        }
        for name, value in found.items():
            criteria.setdefault(name, []).append(float(value))
    ranks = {name: float(spearmanr(scores, values).statistic) for name, scores in criteria.items()}
    return {"before": before, "values": values, "ranks": ranks}


def write_tables(found: dict[str, list[dict[str, Any]]]) -> None:
    """Print the spread of each set, and the mean rank correlation of each criterion with its standard error."""
    print("| set | before | after, mean | standard deviation | best batch |\n|---|---|---|---|---|")
    for name, starts in found.items():
        values = np.array([start["values"] for start in starts])
        before = np.mean([start["before"] for start in starts])
        best = values.max(axis=1).mean()
        print(f"| {name} | {before:.3f} | {values.mean():.3f} | {values.std(axis=1).mean():.3f} | {best:.3f} |")
    print(f"\n| criterion | {' | '.join(found)} |\n|---{'|---' * len(found)}|")
    for criterion in next(iter(found.values()))[0]["ranks"]:
        cells = []
        for starts in found.values():
            ranks = np.array([start["ranks"][criterion] for start in starts])
            cells.append(f"{ranks.mean():+.2f} ({ranks.std(ddof=1) / np.sqrt(len(ranks)):.2f})")
        print(f"| {criterion} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", default=SETS)
    parser.add_argument("--starts", type=int, default=6)
    parser.add_argument("--batches", type=int, default=25)
    parser.add_argument("--batch-size", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("runs/choice"), help="where what was run is kept")
    add_data_option(parser)
    options = parser.parse_args()
    if options.starts < 2 or options.batches < 3:
        parser.error(f"needs 2 starts and 3 batches at least; got {options.starts} and {options.batches}")
    import torch

    torch.set_num_threads(1)
    found = {}
    for name in options.datasets:
        folder = options.out / name
        folder.mkdir(parents=True, exist_ok=True)
        rounds, starts = None, []
        for start in range(options.starts):
            file = folder / f"{options.batch_size}x{options.batches}-{start}.json"
            if not file.exists():
                rounds = rounds or Rounds(options.data / name, folder)
                write_json(file, one_start(rounds, start, options.batches, options.batch_size))
            starts.append(json.loads(file.read_text("utf-8")))
        found[name] = starts
    write_tables(found)


if __name__ == "__main__":
    main()
