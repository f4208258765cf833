"""Draw the learning curves of `docs/benchmarks.md` from the reports in `docs/curves/*.json` and fill in its tables.

`python -m docs.make_curves` after `fewclick simulate ... --out docs/curves/NAME.json`.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

DOCS = Path(__file__).resolve().parent
CURVES = DOCS / "curves"
COLOURS = ("#3d5a80", "#ee6c4d", "#2a9d8f", "#8d5fd3", "#b08900", "#555555")
START, END = "<!-- results: made by docs/make_curves.py -->", "<!-- end of results -->"


def draw(report: dict[str, Any], out: Path) -> None:
    """One figure: value over annotator seconds, each seed thin, their mean thick, full supervision dashed."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "fewclick"  # equal input, equal file
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5.6, 3.4), layout="constrained")
    for colour, name in zip(COLOURS, report["summary"], strict=False):
        curves = [run["curve"] for run in report["runs"] if run["strategy"] == name]
        for curve in curves:
            axes.plot([p["seconds"] for p in curve], [p["value"] for p in curve], color=colour, alpha=0.3, lw=1)
        n = min(map(len, curves))
        seconds = np.mean([[p["seconds"] for p in curve[:n]] for curve in curves], axis=0)
        values = np.mean([[p["value"] for p in curve[:n]] for curve in curves], axis=0)
        axes.plot(seconds, values, color=colour, lw=2, marker="o", ms=4, label=name)
    full = report["full_supervision"]
    axes.axhline(full["value"], color="#555555", ls="--", lw=1, label="all images, exact labels")
    axes.set(title=report["dataset"], xlabel="annotator seconds", ylabel=full["metric"].replace("_", " "))
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(out, format="svg", metadata={"Date": None})
    pyplot.close(figure)


def table(report: dict[str, Any]) -> str:
    """One row a strategy: where it began and ended, its area and its interval."""
    rows = [
        "| strategy | images | seconds | clicks | first | last | AUBC (95 % interval) | seconds to 95 % of full |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, facts in report["summary"].items():
        curves = [run["curve"] for run in report["runs"] if run["strategy"] == name]
        last = [curve[-1] for curve in curves]
        low, high = facts["aubc_ci95"]
        reached = "not reached" if facts["seconds_to_95pct"] is None else f"{facts['seconds_to_95pct']:.0f}"
        rows.append(
            f"| `{name}` | {_mean(last, 'n_labeled'):.0f} | {_mean(last, 'seconds'):.0f} | {_mean(last, 'clicks'):.0f} "
            f"| {_mean([c[0] for c in curves], 'value'):.3f} | {_mean(last, 'value'):.3f} "
            f"| {facts['aubc_mean']:.3f} ({low:.3f} to {high:.3f}) | {reached} |"
        )
    full = report["full_supervision"]
    rows.append(f"\nAll training images with exact labels: {full['metric'].replace('_', ' ')} {full['value']:.3f}.")
    return "\n".join(rows)


def _mean(points: list[dict[str, Any]], key: str) -> float:
    """Mean of one figure over seeds."""
    return float(np.mean([point[key] for point in points]))


def section(file: Path) -> str:
    """Heading, figure and table of one report."""
    report = json.loads(file.read_text("utf-8"))
    draw(report, file.with_suffix(".svg"))
    first = report["runs"][0]
    asked = [b["n_labeled"] - a["n_labeled"] for a, b in zip(first["curve"], first["curve"][1:], strict=False)]
    seeds = len({run["seed"] for run in report["runs"]})
    how = (
        f"{report['task']}; encoder `{report['encoder']}`, "
        + (f"segmenter `{report['segmenter']}`, " if report["segmenter"] else "")
        + f"head `{report['head']}`, prompts `{report['prompts']}`, cold start `{first['cold_start']}`, "
        f"{len(asked)} rounds of {max(asked, default=0)}, {seeds} seeds."
    )
    figure = f"![Learning curves on {report['dataset']}](curves/{file.stem}.svg)"
    return f"### {report['dataset']}\n\n{how}\n\n{figure}\n\n{table(report)}"


def main() -> int:
    """Draw every report and write the results into the page."""
    page = DOCS / "benchmarks.md"
    text = page.read_text("utf-8")
    sections = "\n\n".join(section(file) for file in sorted(CURVES.glob("*.json")))
    pattern = re.compile(re.escape(START) + ".*?" + re.escape(END), re.DOTALL)
    page.write_text(pattern.sub(lambda _: f"{START}\n\n{sections}\n\n{END}", text), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
