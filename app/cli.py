"""The command line, `fewclick`. Errors are one line on stderr; exit code 2: bad input, 1: failure, 130: interrupted."""

import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from app.commands import (
    adapt,
    bench,
    demo,
    doctor,
    models,
    project,
    registries,
    report,
    simulate,
    users,
    work,
    workspace,
)
from app.commands.output import is_bad_input, known_errors, one_line
from app.processor import share_processor

cli = typer.Typer(
    name="fewclick",
    help="Label medical images with few clicks: foundation-model-assisted active learning.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for module in (demo, workspace, users, project, work, report, adapt, simulate, bench, registries, models, doctor):
    module.add_to(cli)


def _version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        from app import __version__

        typer.echo(f"fewclick {__version__}")
        raise typer.Exit


@cli.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Label medical images with few clicks: foundation-model-assisted active learning."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code."""
    share_processor()
    command = typer.main.get_command(cli)
    try:
        result = command.main(args=arguments, prog_name="fewclick", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted", file=sys.stderr)
        return 130
    except TyperException as error:  # an option or an argument is wrong
        message = error.format_message()
        is_help = message.startswith("Usage:")  # a group without its command shows its help
        print(message if is_help else f"error: {' '.join(message.split())}", file=sys.stderr)
        return 2
    except known_errors() as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 2 if is_bad_input(error) else 1


if __name__ == "__main__":
    sys.exit(main())
