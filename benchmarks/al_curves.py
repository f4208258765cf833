"""Learning curves of many strategies, data sets and seeds, and which strategies beat which.

`python benchmarks/al_curves.py run DATASET... --strategies a,b --seeds 20 --rounds 7 --batch-size 10 --out FOLDER`
`python benchmarks/al_curves.py report FOLDER [--plot FILE.svg]`
`python benchmarks/al_curves.py seconds FOLDER... [--at 60,120,300,600]`
`python benchmarks/al_curves.py versus FOLDER OTHER --pairs uherding:random,uherding:foreground_random:share=0.66`

One file a data set and seed, written whole; what stands in it is not run again, so a run that was stopped goes on
where it was, and strategies can be added later. Seeds are dealt out over `--jobs` processes of one thread each. All
strategies of a seed start from the same first batch. The report gives AUBC over annotator seconds (up to the smallest
final budget of a seed) and over images, with 95 % bootstrap intervals over seeds; the time to 95 % of full supervision;
and loss rates: how often a strategy is beaten by another in paired tests over seeds at each round, Holm-corrected.
`seconds` puts runs of several folders, one for each way to annotate, beside each other after equal times; their AUBC
begins at 0 s, and counts nothing until the first batch is labeled. `versus` takes that AUBC, seed by seed, of
strategies in one folder less that of strategies in another, such as one whose first batch was chosen otherwise.
Settings follow a strategy's name wherever it stands: `foreground_random:share=0.66`.
"""

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # read when NumPy and FAISS are imported
    os.environ[_variable] = "1"

from _curve_tables import report, seconds, versus  # noqa: E402
from _data import add_data_option, write_json  # noqa: E402

from app.simulate import SimulationSettings, run_simulation  # noqa: E402


def run_seed(dataset: Path, seed: int, settings: dict[str, Any], strategies: tuple[str, ...], out: Path) -> str:
    """Run what one seed's file lacks, and write the file anew."""
    import torch

    torch.set_num_threads(1)
    file = out / dataset.name / f"{seed}.json"
    kept = json.loads(file.read_text("utf-8")) if file.exists() else None
    if kept is not None and kept["settings"] != settings:
        raise SystemExit(f"{file} was made with {kept['settings']}; name another folder for {settings}")
    done = [] if kept is None else [run["strategy"] for run in kept["runs"]]
    missing = tuple(name for name in strategies if name not in done)
    if not missing:
        return f"{dataset.name} {seed}: was done"
    full_file = out / dataset.name / "full.json"
    full = json.loads(full_file.read_text("utf-8")) if full_file.exists() else None
    found = run_simulation(
        dataset,
        SimulationSettings(strategies=missing, seeds=(seed,), full_value=full, **settings),
        cache=out / "cache",
    )
    write_json(full_file, found["full_supervision"]["value"])
    found["settings"] = settings
    if kept is not None:
        found["runs"] = [*kept["runs"], *found["runs"]]
    write_json(file, found)
    return f"{dataset.name} {seed}: {', '.join(missing)}"


def run(options: argparse.Namespace) -> None:
    """Run all seeds of all data sets."""
    strategies = tuple(options.strategies.split(","))
    for name in options.datasets:
        dataset = options.data / name
        settings = {
            "task": "classification" if (dataset / "labels.csv").exists() else "segmentation",
            "cold_start": options.cold_start,
            "rounds": options.rounds,
            "batch_size": options.batch_size,
            "prompts": options.prompts,
            "head": options.head,
        }
        if options.group_by:  # files of runs without do not name them
            settings["group_by"] = options.group_by
        if options.window_objects:
            settings["window_objects"] = options.window_objects
        if options.target_dice is not None:
            settings["target_dice"] = options.target_dice
        jobs = [(dataset, seed, settings, strategies, options.out) for seed in range(options.seeds)]
        # The first seed embeds the images and measures full supervision; the others find both.
        print(run_seed(*jobs[0]), flush=True)
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
            for line in pool.map(run_seed, *zip(*jobs[1:], strict=True)) if jobs[1:] else ():
                print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    runner = commands.add_parser("run")
    runner.set_defaults(call=run)
    runner.add_argument("datasets", nargs="+")
    runner.add_argument("--strategies", required=True, help="names with their settings, separated by commas")
    runner.add_argument("--seeds", type=int, default=5)
    runner.add_argument("--rounds", type=int, default=5)
    runner.add_argument("--batch-size", type=int, default=10)
    runner.add_argument("--cold-start", default="default")
    runner.add_argument("--prompts", default="box")
    runner.add_argument("--head", default="default")
    runner.add_argument("--group-by", help="regular expression over stems whose first group is the patient or volume")
    runner.add_argument("--window-objects", type=int, default=0, help="label crowded images in windows")
    runner.add_argument("--target-dice", type=float, help="clicks correct a mask until it is this good; 0.9 by default")
    runner.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    runner.add_argument("--out", type=Path, required=True)
    if not {"report", "seconds", "versus"} & set(sys.argv[1:2]):
        add_data_option(runner)
    reporter = commands.add_parser("report")
    reporter.set_defaults(call=report)
    reporter.add_argument("folder", type=Path)
    reporter.add_argument("--against", default="random", help="strategy that gains are measured against")
    reporter.add_argument("--plot", type=Path)
    reporter.add_argument("--shown", help="strategies in the plot; all by default")
    beside = commands.add_parser("seconds")
    beside.set_defaults(call=seconds)
    beside.add_argument("folders", nargs="+", type=Path)
    beside.add_argument("--strategy", default="random", help="of the runs that are compared; every folder has it")
    beside.add_argument("--at", default="60,120,300,600", help="seconds, rising; AUBC is taken to the last")
    rivals = commands.add_parser("versus")
    rivals.set_defaults(call=versus)
    rivals.add_argument("folder", type=Path)
    rivals.add_argument("other", type=Path)
    rivals.add_argument("--pairs", required=True, help="OURS:THEIRS with their settings, separated by commas")
    options = parser.parse_args()
    options.call(options)


if __name__ == "__main__":
    main()
