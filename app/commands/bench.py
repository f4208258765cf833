"""`fewclick bench`: how good a promptable model is after some clicks, how fast query strategies are."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.output import AsJson, checked_out, show, table, write_json
from app.commands.progress import progress_bar


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this module."""
    group = typer.Typer(
        help="Measure models on a data set, and strategies on a drawn pool.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command()(clicks)
    group.command("select")(selection)
    cli.add_typer(group, name="bench")


def clicks(
    dataset: Annotated[Path, typer.Argument(help="DATASET folder: images/, masks/ and perhaps instances/.")],
    segmenter: Annotated[str, typer.Option(help="Promptable model; see `fewclick segmenters`.")] = "builtin",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many objects.")] = None,
    jitter: Annotated[float, typer.Option(min=0.0, max=0.49, help="Move each side of the box by up to this.")] = 0.0,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Only images that the built-in weights were not trained on.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write the report to this JSON file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Simulate an annotator's box and clicks: Dice and IoU, clicks needed, milliseconds."""
    if out is not None:
        checked_out(out)
    if not dataset.is_dir():
        raise typer.BadParameter(f"no folder {dataset}")
    from prompts.bench import bench_clicks
    from prompts.registry import load_predictor

    predictor = load_predictor(segmenter)
    with progress_bar("objects", "object") as move:
        report = bench_clicks(
            dataset, predictor, segmenter_name=segmenter, limit=limit, jitter=jitter, held_out_only=held_out,
            progress=move,
        )  # fmt: skip
    if out is not None:
        write_json(out, report)
    show(as_json, report, _text(report))


def selection(
    strategies: Annotated[str, typer.Option(help="Names with commas between; see `fewclick strategies`.")],
    n: Annotated[int, typer.Option(min=100, help="Items in the pool.")] = 100_000,
    dim: Annotated[int, typer.Option(min=2, help="Length of an embedding.")] = 384,
    batch_size: Annotated[int, typer.Option(min=1, help="Items to choose.")] = 100,
    out: Annotated[Path | None, typer.Option(help="Write the report to this JSON file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Time query strategies on a drawn pool: seconds and peak memory, each in a process of its own."""
    if out is not None:
        checked_out(out)
    from app.selection_bench import bench_selection

    names = [name.strip() for name in strategies.split(",") if name.strip()]
    with progress_bar("strategies", "strategy") as move:
        report = bench_selection(names, n=n, dim=dim, batch_size=batch_size, progress=move)
    if out is not None:
        write_json(out, report)
    lines = [
        [r["strategy"], f"{r['seconds']:.2f}", f"{r['peak_rss_mb']:.0f}", r["indices_sha256"][:12]]
        for r in report["results"]
    ]
    show(as_json, report, table(lines, header=("strategy", "seconds", "peak RSS, MB", "sha256 of rows")))


def _text(report: dict[str, object]) -> str:
    """The report as a small table."""
    dice, iou = report["dice"], report["iou"]
    assert isinstance(dice, dict)
    assert isinstance(iou, dict)
    steps = table([[step, f"{dice[step]:.3f}", f"{iou[step]:.3f}"] for step in dice], header=("prompt", "dice", "iou"))
    rest = "  ".join(f"{k} {v}" for k, v in report.items() if k not in ("dice", "iou"))
    return f"{steps}\n{rest}"
