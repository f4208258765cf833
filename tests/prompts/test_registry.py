"""Names, specs and refusals of the registry; importing it must stay cheap."""

import subprocess
import sys
from pathlib import Path

import pytest

from prompts.errors import CheckpointError, UnknownModel
from prompts.registry import SEGMENTERS, load_predictor, split_spec
from tests.paths import ROOT


def test_importing_prompts_loads_no_model_library() -> None:
    code = (
        "import sys, prompts.registry, prompts.cache, prompts.quality, prompts.cleanup\n"
        "import prompts.simulate, prompts.bench\n"
        "heavy = {'torch', 'segment_anything', 'skimage', 'alcore', 'app'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_every_model_says_what_it_is() -> None:
    assert list(SEGMENTERS) == ["builtin", "sam_vit_b", "sam_vit_l", "sam_vit_h", "mobile_sam", "huggingface"]
    for name, info in SEGMENTERS.items():
        assert info.name == name
        assert info.summary
        assert info.paper
        assert info.licence


def test_a_spec_is_a_name_and_perhaps_a_file() -> None:
    assert split_spec("builtin") == ("builtin", None)
    assert split_spec("sam_vit_b:/models/a:b.pth") == ("sam_vit_b", Path("/models/a:b.pth"))
    assert split_spec("sam_vit_b:") == ("sam_vit_b", None)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(
        UnknownModel, match="unknown segmenter 'sam_vit_x'; known: builtin, huggingface, mobile_sam, sam_vit_b"
    ):
        load_predictor("sam_vit_x:/file.pth")


def test_sam_without_a_file_says_how_to_name_one() -> None:
    with pytest.raises(CheckpointError, match=r"write 'sam_vit_b:/path/to/file\.pth'"):
        load_predictor("sam_vit_b")


def test_the_builtin_model_takes_no_file() -> None:
    with pytest.raises(CheckpointError, match=r"takes no file; got 'a\.pth'"):
        load_predictor("builtin:/x/a.pth")
