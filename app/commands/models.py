"""`fewclick models list | pull | check`: models from outside, brought here on request alone."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.output import AsJson, show, table
from app.commands.progress import progress_bar

if TYPE_CHECKING:
    from app.catalogue import Kind, Source
    from app.check_model import Check

Folder = Annotated[
    Path | None, typer.Option("--dir", help="Folder of models, by default the setting `models_dir`.", metavar="DIR")
]
_PROMPTABLE = ("sam", "edgetam")


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this module."""
    group = typer.Typer(help="Models from outside: list, pull, check.", no_args_is_help=True, rich_markup_mode=None)
    group.command(name="list")(list_models)
    group.command()(pull)
    group.command()(check)
    cli.add_typer(group, name="models")


def list_models(folder: Folder = None, as_json: AsJson = False) -> None:
    """List the models from outside that are known: family, licence, size, where from, and whether they are here."""
    from app.catalogue import SOURCES

    place = _folder(folder)
    rows = [_as_dict(source, place) for source in SOURCES.values()]
    columns = ("name", "kind", "family", "side_px", "size", "here", "licence", "from")
    text = table([[row[column] for column in columns] for row in rows], header=columns)
    notes = "\n".join(f"{source.name}: {source.note}" for source in SOURCES.values() if source.note)
    show(as_json, rows, f"{text}\n\n{notes}\n\nfolder: {place}; bring one here with `fewclick models pull NAME`")


def pull(
    name: Annotated[
        str, typer.Argument(help="A model of `fewclick models list`, or OWNER/NAME on the hub.", metavar="NAME")
    ],
    folder: Folder = None,
    endpoint: Annotated[str | None, typer.Option(help="Mirror of the hub to ask instead.", metavar="URL")] = None,
    as_json: AsJson = False,
) -> None:
    """Download a model once, check it and keep it; asking for it is the consent. A cut download goes on next time."""
    from app.fetch import pull as fetch

    source, place = _known(name), _folder(folder)
    with progress_bar(name, "B") as move:
        pulled = fetch(source, place, progress=move, endpoint=endpoint)
    spec = source.spec_in(place)
    kind = source.kind if name != source.hub else _kind_of(pulled.path)
    sums = "\n".join(f"  {digest}  {file}" for file, digest in pulled.files.items())
    told = "as published" if pulled.verified else "written down as seen; no published checksum is known to compare with"
    state = "is here already" if pulled.was_here else "is here now"
    show(
        as_json,
        asdict(pulled) | {"name": name, "spec": spec, "licence": source.licence},
        f"{name} {state}: {pulled.path}\nSHA-256, {told}:\n{sums}\nlicence: {source.licence}\n"
        f"use it as --{kind} {spec}",
    )


def check(
    specs: Annotated[
        list[str] | None, typer.Argument(help="Names of the list, or specs as --segmenter and --encoder take them.")
    ] = None,
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Load and run models on a drawn image, off the network: seconds and memory; by default all that are here."""
    from app.catalogue import SOURCES, unnamed_in
    from app.check_model import check_apart

    place = _folder(folder)
    if specs:
        wanted = [pair for spec in specs for pair in _kinds(spec, place)]
    else:
        wanted = [("segmenter", "builtin"), ("encoder", "builtin")]
        wanted += [(source.kind, source.spec_in(place)) for source in SOURCES.values() if source.is_in(place)]
        wanted += [(_kind_of(model), f"huggingface:{model}") for model in unnamed_in(place)]
    with progress_bar("models", "model") as move:
        outcomes = []
        for number, (kind, spec) in enumerate(wanted, start=1):
            outcomes.append(check_apart(kind, spec))
            move(number, len(wanted))
    show(as_json, [asdict(outcome) for outcome in outcomes], _text(outcomes))
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(1)


def _folder(folder: Path | None) -> Path:
    """The folder that was named, else the setting."""
    from app.settings import Settings

    return folder if folder is not None else Settings().models_folder  # type: ignore[call-arg]


def _known(name: str) -> "Source":
    """The model of this name, or the repository."""
    from alcore.errors import UnknownName
    from app.catalogue import SOURCES, of_hub

    if re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        return of_hub(name)
    if name not in SOURCES:
        raise UnknownName.of("model", name, SOURCES)
    return SOURCES[name]


def _kinds(spec: str, place: Path) -> list[tuple["Kind", str]]:
    """What a name or spec is to be checked as: a name's own kind; else what its first word, or its folder, says."""
    from alcore.encoders.registry import ENCODERS
    from alcore.errors import UnknownName
    from app.catalogue import SOURCES
    from prompts.registry import SEGMENTERS

    if spec in SOURCES:
        source = SOURCES[spec]
        if not source.is_in(place):
            raise typer.BadParameter(f"{spec} is not in {place}; `fewclick models pull {spec}` brings it")
        return [(source.kind, source.spec_in(place))]
    name, _, rest = spec.partition(":")
    kinds: list[tuple[Kind, str]] = []
    if name in SEGMENTERS:
        kinds.append(("segmenter", spec))
    if name in ENCODERS:
        kinds.append(("encoder", spec))
    if not kinds:
        raise UnknownName.of("model", spec, [*SOURCES, *SEGMENTERS, *ENCODERS])
    if name == "huggingface":
        return [(_kind_of(Path(rest)), spec)]
    return kinds


def _kind_of(folder: Path) -> "Kind":
    """Whether a folder of transformers holds a promptable model or an encoder."""
    config = folder / "config.json"
    model_type = json.loads(config.read_text("utf-8")).get("model_type", "") if config.is_file() else ""
    return "segmenter" if str(model_type).startswith(_PROMPTABLE) else "encoder"


def _as_dict(source: "Source", place: Path) -> dict[str, object]:
    """What the list says of a model."""
    here = source.is_in(place)
    return {
        "name": source.name,
        "kind": source.kind,
        "family": source.family,
        "side_px": source.side_px,
        "size": f"{source.n_bytes / 1e6:.0f} MB" if source.n_bytes else "-",
        "n_bytes": source.n_bytes,
        "sha256": source.sha256,
        "here": "yes" if here else "no",
        "licence": source.licence,
        "from": source.where,
        "note": source.note,
        "spec": source.spec_in(place) if here else None,
    }


def _text(outcomes: list["Check"]) -> str:
    """The outcomes as a table, failures below it."""
    good = [outcome for outcome in outcomes if outcome.error is None]
    rows = [
        [
            outcome.kind,
            outcome.model_id,
            *(f"{value:.2f}" if value is not None else "-" for value in (outcome.load_s, outcome.embed_s)),
            f"{outcome.predict_s:.3f}" if outcome.predict_s is not None else "-",
            f"{outcome.peak_mb:.0f}" if outcome.peak_mb is not None else "-",
            outcome.result,
        ]
        for outcome in good
    ]
    header = ("kind", "model", "load s", "embed s", "predict s", "peak MB", "result")
    failures = [f"FAILED  {outcome.kind} {outcome.spec}: {outcome.error}" for outcome in outcomes if outcome.error]
    return "\n".join([*([table(rows, header=header)] if rows else []), *failures])
