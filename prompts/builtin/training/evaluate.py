"""Measure weights of the built-in model: `python -m prompts.builtin.training.evaluate --data DATA SET ...`.

Prints a Markdown table by the protocol of `fewclick bench clicks`. For sets with a held-out part (`split.py`) only that
part is clicked; `--whole` clicks all images, for sets that the weights were never trained on.
"""

import argparse
from pathlib import Path

import torch

from prompts.bench import CLICKS, bench_clicks
from prompts.builtin.predictor import WEIGHTS, BuiltinPredictor


def main() -> None:
    """Print one row a set, and their mean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--whole", action="store_true", help="all images, not only the held-out ones")
    parser.add_argument("--limit", type=int, help="at most so many objects a set")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    predictor = BuiltinPredictor(args.weights)
    steps = ("box", *map(str, CLICKS))
    print(f"{predictor.model_id}\n\n| set | objects | {' | '.join(steps)} | NoC85 | NoC90 |")
    print("|---|---|" + "---|" * (len(steps) + 2), flush=True)
    rows: list[list[float]] = []
    for name in args.datasets:
        found = bench_clicks(
            args.data / name, predictor, segmenter_name="builtin", limit=args.limit, held_out_only=not args.whole
        )
        dice = found["dice"]
        assert isinstance(dice, dict)
        rows.append([*(dice[step] for step in steps), float(str(found["noc85"])), float(str(found["noc90"]))])
        print(_row(name, str(found["n_objects"]), rows[-1]), flush=True)
    print(_row("mean", "", [sum(column) / len(rows) for column in zip(*rows, strict=True)]))


def _row(name: str, n_objects: str, values: list[float]) -> str:
    """One line of the table."""
    *dice, noc85, noc90 = values
    cells = [name, n_objects, *(f"{value:.3f}" for value in dice), f"{noc85:.1f}", f"{noc90:.1f}"]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
