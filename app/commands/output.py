"""What all commands share: printing for people or machines, and errors in one line."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def show(as_json: bool, document: object, text: str) -> None:
    """Print a result on stdout: the document as JSON, or the text for people."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=1, default=str) if as_json else text)


def table(rows: Sequence[Sequence[object]], header: Sequence[str] = ()) -> str:
    """Lay out rows in columns; the last column is not padded."""
    lines = [[str(cell) for cell in row] for row in ([header, *rows] if header else rows)]
    if not lines:
        return ""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def write_json(path: Path, document: object) -> None:
    """Write a report whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
    part.replace(path)


def checked_out(path: Path) -> Path:
    """Refuse an output file whose folder is missing, before hours of work."""
    if not path.parent.is_dir() or path.is_dir():
        raise typer.BadParameter(f"cannot write {path}: its folder must exist and it must not be a folder itself")
    return path


def one_line(error: BaseException) -> str:
    """The error's message on one line."""
    if (faults := getattr(error, "errors", None)) and callable(faults):  # pydantic lists each field on its own line
        return "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in faults())
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def is_bad_input(error: Exception) -> bool:
    """Whether the caller can mend it by asking differently (exit code 2) or not (1)."""
    from alcore.errors import ModelFileError, UnreadableImage
    from app.errors import Conflict, JobFailed, NotFound, WorkspaceError
    from prompts.errors import CheckpointError

    if isinstance(error, JobFailed):
        return False
    asked = (NotFound, Conflict, WorkspaceError, ModelFileError, UnreadableImage, CheckpointError)
    paths = (FileNotFoundError, NotADirectoryError, IsADirectoryError, FileExistsError, PermissionError)
    return isinstance(error, (ValueError, *asked, *paths))


def known_errors() -> tuple[type[Exception], ...]:
    """Errors that are told in one line; anything else is a fault of ours and keeps its trace."""
    from alcore.errors import AlcoreError
    from app.errors import FewclickError
    from prompts.errors import PromptError

    return (AlcoreError, PromptError, FewclickError, ValueError, OSError)
