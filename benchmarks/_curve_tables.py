"""Tables and plots of learning curves that `al_curves.py` has run."""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from alcore.comparison import loss_rates, penalty_matrix
from alcore.curves import aubc_until, runs_of_seed, seconds_until
from alcore.metrics import aubc, bootstrap_ci95

TARGET_SHARE = 0.95
Reports = dict[str, list[dict[str, Any]]]


def read(folder: Path) -> Reports:
    """Read the reports of each data set that has any."""
    found: Reports = {}
    for place in sorted(path for path in folder.iterdir() if path.is_dir() and path.name != "cache"):
        files = sorted((f for f in place.glob("*.json") if f.stem.isdigit()), key=lambda f: int(f.stem))
        if files:
            found[place.name] = [json.loads(file.read_text("utf-8")) for file in files]
    return found


def curves_of(reports: list[dict[str, Any]]) -> list[dict[str, list[dict[str, Any]]]]:
    """Give the curves of each seed by strategy, of the strategies that every seed has."""
    seeds = [{run["strategy"]: run["curve"] for run in report["runs"]} for report in reports]
    common = [name for name in seeds[0] if all(name in curves for curves in seeds)]
    return [{name: curves[name] for name in common} for curves in seeds]


def way(report: dict[str, Any]) -> str:
    """Name how annotators worked: prompts, how good masks were enough, and windows of crowded images, if any."""
    until, k = report.get("target_dice"), report.get("window_objects")
    enough = "" if until is None else ", the first mask" if until == 0 else f" until Dice {until}"
    return f"`{report['prompts']}`" + enough + (f", windows of {k}" if k else "")


def table(name: str, reports: list[dict[str, Any]]) -> tuple[list[str], dict[str, float]]:
    """Make the lines of one data set's table, best first, and the loss rate of each strategy."""
    seeds, full = curves_of(reports), reports[0]["full_supervision"]
    by_seed = [runs_of_seed(curves, cold_start="", seed=i) for i, curves in enumerate(seeds)]
    areas = {s: [run["aubc"] for runs in by_seed for run in runs if run["strategy"] == s] for s in seeds[0]}
    values = {s: np.array([[p["value"] for p in curves[s]] for curves in seeds]) for s in seeds[0]}
    losses = dict.fromkeys(values, float("nan"))
    if len(values) > 1 and len(seeds) > 1:  # one alone has nobody to lose to
        names, wins = penalty_matrix({s: v[:, 1:] for s, v in values.items()})
        losses = dict(zip(names, loss_rates(wins).tolist(), strict=True))
    first = reports[0]["settings"]
    lines = [
        f"\n### {name}\n\n{first['task']}, prompts {way(reports[0])}, cold start `{first['cold_start']}`, "
        f"{first['rounds']} rounds of {first['batch_size']}, {len(seeds)} seeds. All training images with exact "
        f"labels: {full['metric'].replace('_', ' ')} {full['value']:.3f}.\n",
        "| strategy | AUBC over seconds (95 %) | over images | last value | seconds | to 95 % of full | loss rate |",
        "|---|---|---|---|---|---|---|",
    ]
    for s in sorted(losses, key=lambda s: -float(np.mean(areas[s]))):
        low, high = bootstrap_ci95(areas[s], np.random.default_rng(0))
        by_images = np.mean([aubc([p["n_labeled"] for p in c[s]], [p["value"] for p in c[s]]) for c in seeds])
        times = [
            seconds_until([p["seconds"] for p in c[s]], [p["value"] for p in c[s]], TARGET_SHARE * full["value"])
            for c in seeds
        ]
        reached = [t for t in times if t is not None]
        to_target = f"{np.mean(reached):.0f}" if len(reached) == len(times) else f"{len(reached)} of {len(times)} seeds"
        last, spent = values[s][:, -1].mean(), np.mean([c[s][-1]["seconds"] for c in seeds])
        lines.append(
            f"| `{s}` | {np.mean(areas[s]):.3f} ({low:.3f}-{high:.3f}) | {by_images:.3f} | {last:.3f} "
            f"| {spent:.0f} | {to_target} | {percent(losses[s])} |"
        )
    return lines, losses


def percent(share: float) -> str:
    """Write a share; a dash for none."""
    return "-" if np.isnan(share) else f"{100 * share:.0f} %"


def paired_differences(reports: list[dict[str, Any]], against: str) -> dict[str, tuple[float, float, float]]:
    """AUBC over seconds less that of `against` on the same seed: mean and 95 % bootstrap interval, by strategy."""
    found: dict[str, list[float]] = {}
    for curves in curves_of(reports):
        horizon = min(curve[-1]["seconds"] for curve in curves.values())
        area = {s: aubc_until([p["seconds"] for p in c], [p["value"] for p in c], horizon) for s, c in curves.items()}
        for s, value in area.items():
            found.setdefault(s, []).append(value - area[against])
    return {s: (float(np.mean(d)), *bootstrap_ci95(d, np.random.default_rng(0))) for s, d in found.items()}


def report(options: argparse.Namespace) -> None:
    """Print the tables, and draw the curves."""
    reports = read(options.folder)
    if not reports:
        raise SystemExit(f"nothing was run in {options.folder} yet")
    losses: dict[str, list[float]] = {}
    gains: dict[str, list[tuple[float, float, float]]] = {}
    for name, of_set in reports.items():
        lines, rates = table(name, of_set)
        print("\n".join(lines))
        for s, rate in rates.items():
            losses.setdefault(s, []).append(rate)
        for s, gain in paired_differences(of_set, options.against).items() if options.against in rates else ():
            gains.setdefault(s, []).append(gain)
    print(f"\n### All sets\n\n| strategy | sets | loss rate | AUBC over `{options.against}` | better | worse |")
    print("|---|---|---|---|---|---|")
    for s in sorted(losses, key=lambda s: float(np.mean(losses[s]))):
        of_s = gains.get(s, [])
        mean = f"{np.mean([g[0] for g in of_s]):+.3f}" if of_s else "-"
        better, worse = sum(g[1] > 0 for g in of_s), sum(g[2] < 0 for g in of_s)
        print(f"| `{s}` | {len(losses[s])} | {percent(float(np.mean(losses[s])))} | {mean} | {better} | {worse} |")
    if options.plot:
        plot(reports, options.shown.split(",") if options.shown else None, options.plot)


def after(curve: list[dict[str, Any]], seconds: float) -> float:
    """Value on the straight line between two points; NaN before the first and after the last."""
    at, values = [p["seconds"] for p in curve], [p["value"] for p in curve]
    return float(np.interp(seconds, at, values, left=np.nan, right=np.nan))


def area_from_zero(curve: list[dict[str, Any]], horizon: float) -> float:
    """AUBC from 0 s to `horizon`, with a value of 0 until the first point; NaN where the curve ends earlier."""
    at, values = [p["seconds"] for p in curve], [p["value"] for p in curve]
    if at[-1] < horizon:
        return float("nan")
    return aubc_until(at, values, horizon) * (horizon - at[0]) / horizon if at[0] < horizon else 0.0


def seconds(options: argparse.Namespace) -> None:
    """Print what each way to annotate reaches after equal times, set by set."""
    moments = [float(moment) for moment in options.at.split(",")]
    horizon = moments[-1]
    heads = " | ".join(f"{moment:.0f} s" for moment in moments)
    print(f"| set | prompts | seeds | {heads} | AUBC to {horizon:.0f} s (95 %) |\n{'|---' * (len(moments) + 4)}|")
    found = [(name, reports) for folder in options.folders for name, reports in read(folder).items()]
    for name, reports in sorted(found, key=lambda entry: entry[0]):
        curves = [seed[options.strategy] for seed in curves_of(reports)]
        means = [float(np.mean([after(curve, moment) for curve in curves])) for moment in moments]
        cells = ["-" if np.isnan(mean) else f"{mean:.3f}" for mean in means]
        areas = [area_from_zero(curve, horizon) for curve in curves]
        area = "-"
        if not np.isnan(areas).any():
            low, high = bootstrap_ci95(areas, np.random.default_rng(0))
            area = f"{np.mean(areas):.3f} ({low:.3f}-{high:.3f})"
        print(f"| {name} | {way(reports[0])} | {len(curves)} | {' | '.join(cells)} | {area} |")


def versus(options: argparse.Namespace) -> None:
    """Print how far strategies of one folder are ahead of those of another, set by set."""
    ours, theirs = read(options.folder), read(options.other)
    pairs = [pair_of(pair) for pair in options.pairs.split(",")]
    print("| set | seeds | ours | theirs | AUBC, ours | theirs | difference (95 %) |\n|---|---|---|---|---|---|---|")
    for name in (name for name in ours if name in theirs):
        for one, other in pairs:
            both = list(zip(curves_of(ours[name]), curves_of(theirs[name]), strict=False))
            areas = np.array([ahead(mine[one], yours[other]) for mine, yours in both])
            low, high = bootstrap_ci95(areas[:, 0] - areas[:, 1], np.random.default_rng(0))
            mine, yours = areas.mean(axis=0)
            sides = [(reports[name][0], strategy) for reports, strategy in ((ours, one), (theirs, other))]
            names = " | ".join(f"{way(of)}, `{of['settings']['cold_start']}`, `{s}`" for of, s in sides)
            gain = f"{mine - yours:+.3f} ({low:+.3f} to {high:+.3f})"
            print(f"| {name} | {len(both)} | {names} | {mine:.3f} | {yours:.3f} | {gain} |")


def pair_of(text: str) -> tuple[str, str]:
    """Split `OURS:THEIRS`; the settings of a strategy, `:setting=value`, stay with its name."""
    names: list[str] = []
    for part in text.split(":"):
        if "=" in part and names:
            names[-1] += f":{part}"
        else:
            names.append(part)
    if len(names) != 2 or not all(names):
        raise SystemExit(f"--pairs takes OURS:THEIRS, each a name[:setting=value...]; got {text!r}")
    return names[0], names[1]


def ahead(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> tuple[float, float]:
    """AUBC of two curves from 0 s to the end of the one that ends first."""
    horizon = min(ours[-1]["seconds"], theirs[-1]["seconds"])
    return area_from_zero(ours, horizon), area_from_zero(theirs, horizon)


def plot(reports: Reports, shown: list[str] | None, file: Path) -> None:
    """Draw the mean curves of each data set side by side, over images."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "fewclick"  # equal input, equal file
    from matplotlib import pyplot

    figure, all_axes = pyplot.subplots(
        1, len(reports), figsize=(4.2 * len(reports), 3.6), layout="constrained", squeeze=False
    )
    for axes, (name, of_set) in zip(all_axes[0], reports.items(), strict=True):
        seeds = curves_of(of_set)
        for s in shown or list(seeds[0]):
            if s in seeds[0]:
                values = np.array([[p["value"] for p in curves[s]] for curves in seeds])
                images = [p["n_labeled"] for p in seeds[0][s]]
                axes.plot(images, values.mean(axis=0), marker="o", ms=3, lw=1.5, label=s)
        full = of_set[0]["full_supervision"]
        axes.axhline(full["value"], color="#555555", ls="--", lw=1)
        axes.set(title=name, xlabel="images", ylabel=full["metric"].replace("_", " "))
        axes.grid(alpha=0.25)
    all_axes[0][0].legend(frameon=False, fontsize=7)
    figure.savefig(file, format="svg", metadata={"Date": None})
