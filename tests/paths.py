"""Where tests find the real data sets, which live beside the checkout and never inside it."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared_data(*parts: str) -> Path:
    """Return a folder of the shared data sets, or skip the test with the reason."""
    base = Path(os.environ.get("FEWCLICK_SHARED", ROOT.parent / "shared")) / "data"
    folder = base.joinpath(*parts)
    if not folder.exists():
        pytest.skip(f"needs the real images in {folder} (set FEWCLICK_SHARED to the folder that holds data/)")
    return folder
