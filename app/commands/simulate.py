"""`fewclick simulate`: the whole loop on a data set with ground truth, against a simulated annotator."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.output import AsJson, checked_out, show, table, write_json
from app.commands.progress import progress_bar


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this module."""
    cli.command()(simulate)


def simulate(
    dataset: Annotated[Path, typer.Argument(help="DATASET folder: images/ with masks/ or labels.csv.")],
    task: Annotated[str, typer.Option(help="segmentation or classification.")],
    out: Annotated[Path, typer.Option(help="Write the curves to this JSON file.")],
    strategies: Annotated[
        str, typer.Option(help="Strategies of the rounds, separated by commas; settings follow: `power:beta=2`.")
    ] = "random,default",
    cold_start: Annotated[str, typer.Option(help="Strategy of the first batch.")] = "default",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds after the cold start.")] = 4,
    batch_size: Annotated[int, typer.Option(min=1, help="Images asked per round.")] = 10,
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions, with seeds 0, 1, ...")] = 2,
    prompts: Annotated[
        str,
        typer.Option(help="How the annotator works: box, click, box+click, exact, verify."),
    ] = "box",
    encoder: Annotated[str, typer.Option(help="See `fewclick encoders`.")] = "builtin",
    segmenter: Annotated[str, typer.Option(help="See `fewclick segmenters`.")] = "builtin",
    head: Annotated[str, typer.Option(help="See `fewclick heads`.")] = "default",
    group_by: Annotated[
        str | None, typer.Option(help="Regular expression over stems whose first group is the patient.")
    ] = None,
    window_objects: Annotated[
        int,
        typer.Option(min=0, help="Label images of more objects in a window that shows about so many; 0: all whole."),
    ] = 0,
    target_dice: Annotated[
        float,
        typer.Option(min=0, max=1, help="Masks are corrected by clicks until they are this good; 0: one click."),
    ] = 0.9,
    cache: Annotated[Path | None, typer.Option(help="Keep embeddings and pseudo-masks here for the next run.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the whole loop with a simulated annotator; budgets are in annotator seconds."""
    checked_out(out)
    if not dataset.is_dir():
        raise typer.BadParameter(f"no folder {dataset}")
    from app.simulate import SimulationSettings, run_simulation

    settings = SimulationSettings(
        task=task, strategies=tuple(s.strip() for s in strategies.split(",") if s.strip()), cold_start=cold_start,
        rounds=rounds, batch_size=batch_size, seeds=seeds, prompts=prompts, encoder=encoder, segmenter=segmenter,
        head=head, group_by=group_by, window_objects=window_objects, target_dice=target_dice,
    )  # fmt: skip
    report = run_simulation(dataset, settings, cache=cache, bar=lambda what: progress_bar(what, "step"))
    write_json(out, report)
    show(as_json, report, _text(report))


def _text(report: dict[str, object]) -> str:
    """The curves as a table: one line a strategy and round, averaged over seeds."""
    runs = report["runs"]
    assert isinstance(runs, list)
    rows: list[list[str]] = []
    for name in dict.fromkeys(run["strategy"] for run in runs):
        curves = [run["curve"] for run in runs if run["strategy"] == name]
        for points in zip(*curves, strict=False):
            mean = {k: sum(p[k] for p in points) / len(points) for k in ("n_labeled", "seconds", "value")}
            values = (f"{mean['n_labeled']:.0f}", f"{mean['seconds']:.0f}", f"{mean['value']:.3f}")
            rows.append([name, str(points[0]["round"]), *values])
    full = report["full_supervision"]
    assert isinstance(full, dict)
    header = ("strategy", "round", "images", "seconds", str(full["metric"]))
    return f"{table(rows, header=header)}\nall images, exact labels: {full['value']:.3f}"
