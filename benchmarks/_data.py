"""Where benchmarks find real images; a benchmark that needs them says so and ends well where they are not."""

import argparse
import json
import os
import sys
from pathlib import Path

BESIDE = Path(__file__).resolve().parents[2] / "shared"


class _Folder(argparse.Action):
    """Refuses a folder that is not there."""

    def __call__(self, parser, namespace, values, option_string=None):
        if not values.is_dir():
            parser.error(f"{values} is no folder with data sets")
        setattr(namespace, self.dest, values)


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """Add `--data`; by default `data` in $FEWCLICK_SHARED, or in `shared` beside the checkout."""
    default = Path(os.environ.get("FEWCLICK_SHARED", BESIDE)) / "data"
    if not default.is_dir() and "--data" not in sys.argv and not {"-h", "--help"} & set(sys.argv):
        print(f"skipped: no data sets in {default}; name a folder with --data")
        raise SystemExit(0)
    parser.add_argument(
        "--data", type=Path, action=_Folder, default=default, help="folder with data sets, DATASET folders in it"
    )


def write_json(file: Path, content: object) -> None:
    """Write JSON, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(content), "utf-8")
    part.replace(file)
