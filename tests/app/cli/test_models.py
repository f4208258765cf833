"""`fewclick models`: the list, downloads from a server on this machine, and checks of tiny models."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from alcore.encoders.registry import ENCODERS
from app import catalogue
from app.catalogue import SOURCES, Source
from app.check_model import Check, check_apart, check_here
from app.cli import main
from app.settings import Settings
from prompts.registry import SEGMENTERS
from tests.app.cli.model_server import REVISION, Shelf, served
from tests.prompts.tiny_hf import save_tiny

CONTENT = bytes(range(256)) * 400
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with served(Shelf(files={"/weights/tiny.pth": CONTENT})) as shelf:
        yield shelf


@pytest.fixture
def tiny(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Source:
    """A file source and a hub source in the place of the real ones."""
    file = Source(
        name="tiny", kind="segmenter", family="SAM", prefix="sam_vit_b", licence="MIT", side_px=64,
        url=f"{shelf.url}/weights/tiny.pth", n_bytes=len(CONTENT), sha256=DIGEST,
    )  # fmt: skip
    hub = replace(file, name="hubby", kind="encoder", prefix="huggingface", url=None, sha256=None, hub="some/dino")
    put(monkeypatch, file, hub)
    return file


def put(monkeypatch: pytest.MonkeyPatch, *sources: Source) -> None:
    monkeypatch.setattr(catalogue, "SOURCES", {source.name: source for source in sources})


def save_dino(folder: Path) -> Path:
    import transformers

    settings = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28, "patch_size": 7}
    transformers.Dinov2Model(transformers.Dinov2Config(**settings)).save_pretrained(folder)
    return folder


def test_every_known_model_can_be_named_and_says_its_terms() -> None:
    for name, source in SOURCES.items():
        known = SEGMENTERS if source.kind == "segmenter" else ENCODERS
        assert source.name == name
        assert source.prefix.partition(":")[0] in known
        assert source.licence
        assert (source.url is None) != (source.hub is None)
        assert source.url is None or source.url.startswith("https://")
        assert source.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", source.sha256)
    assert SOURCES["biomedclip"].spec_in(Path("/m")) == (
        "timm:vit_base_patch16_224:/m/biomedclip/open_clip_pytorch_model.bin"
    )


def test_the_list_says_what_is_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = SOURCES["mobile_sam"].path_in(tmp_path)
    here.parent.mkdir()
    here.write_bytes(b"x")
    assert main(["models", "list", "--dir", str(tmp_path), "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == set(SOURCES)
    assert {name for name, row in rows.items() if row["here"] == "yes"} == {"mobile_sam"}
    assert rows["mobile_sam"]["spec"] == f"mobile_sam:{here}"
    assert main(["models", "list", "--dir", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert all(re.search(rf"^{re.escape(name)} ", text, re.MULTILINE) for name in SOURCES)


def test_the_folder_is_a_setting_or_in_the_users_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Settings().models_folder == tmp_path / "fewclick" / "models"
    monkeypatch.setenv("FEWCLICK_MODELS_DIR", str(tmp_path / "own"))
    assert Settings().models_folder == tmp_path / "own"


def test_a_file_is_fetched_once_checked_and_named(
    tiny: Source, shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "pull", "tiny", "--dir", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    path = tmp_path / "tiny" / "tiny.pth"
    assert path.read_bytes() == CONTENT
    assert (told["spec"], told["verified"], told["was_here"]) == (f"sam_vit_b:{path}", True, False)
    assert told["files"] == {"tiny.pth": DIGEST}
    assert sorted(file.name for file in path.parent.iterdir()) == ["fewclick.json", "tiny.pth"]
    assert main(["models", "pull", "tiny", "--dir", str(tmp_path)]) == 0
    assert "is here already" in capsys.readouterr().out
    assert shelf.asked == ["GET /weights/tiny.pth"]


def test_a_file_that_changed_since_is_noticed_when_it_is_pulled_again(
    tiny: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "pull", "tiny", "--dir", str(tmp_path)]) == 0
    (tmp_path / "tiny" / "tiny.pth").write_bytes(CONTENT[:-1])
    assert main(["models", "pull", "tiny", "--dir", str(tmp_path)]) == 2
    assert "is not what was pulled" in capsys.readouterr().err


def test_a_file_that_someone_put_there_is_compared_with_the_published_checksum(tiny: Source, tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    path = tmp_path / "tiny" / "tiny.pth"
    path.write_bytes(CONTENT)
    assert main(["models", "pull", "tiny", "--dir", str(tmp_path)]) == 0
    path.write_bytes(CONTENT[::-1])
    assert main(["models", "pull", "tiny", "--dir", str(tmp_path)]) == 2


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_cut_download_goes_on_where_it_stopped(
    tiny: Source, shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str], knows_ranges: bool
) -> None:
    shelf.cut_after, shelf.knows_ranges = 30_000, knows_ranges
    assert main(["models", "pull", "tiny", "--dir", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "error: " in error
    assert len(error.strip().splitlines()) == 1
    assert (tmp_path / "tiny" / "tiny.pth.part").stat().st_size == 30_000
    assert not tiny.is_in(tmp_path)
    assert main(["models", "pull", "tiny", "--dir", str(tmp_path)]) == 0
    assert shelf.asked[1] == "GET /weights/tiny.pth bytes=30000-"
    assert (tmp_path / "tiny" / "tiny.pth").read_bytes() == CONTENT


def test_a_part_that_is_whole_is_only_checked(tiny: Source, shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "tiny.pth.part").write_bytes(CONTENT)
    assert main(["models", "pull", "tiny", "--dir", str(tmp_path)]) == 0
    assert tiny.is_in(tmp_path)
    (tmp_path / "tiny" / "tiny.pth").replace(tmp_path / "tiny" / "tiny.pth.part")
    shelf.files["/weights/tiny.pth"] = CONTENT[:100]
    assert main(["models", "pull", "tiny", "--dir", str(tmp_path)]) == 1  # longer than what is served: not its start
    assert not (tmp_path / "tiny" / "tiny.pth.part").exists()


def test_a_file_of_other_content_is_not_kept(
    tiny: Source, shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.files["/weights/tiny.pth"] = CONTENT[::-1]
    assert main(["models", "pull", "tiny", "--dir", str(tmp_path)]) == 2
    assert f"but {DIGEST} was announced" in capsys.readouterr().err
    assert list((tmp_path / "tiny").iterdir()) == []


def test_without_a_published_checksum_the_one_seen_is_written_down(
    tiny: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(monkeypatch, replace(tiny, sha256=None))
    assert main(["models", "pull", "tiny", "--dir", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "written down as seen; no published checksum is known" in out
    assert DIGEST in out
    record = json.loads((tmp_path / "tiny" / "fewclick.json").read_text())
    assert record["files"] == {"tiny.pth": DIGEST}
    assert record["verified"] is False


def test_what_cannot_be_fetched_is_told_in_one_line(
    tiny: Source, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "pull", "tinny", "--dir", str(tmp_path)]) == 2
    assert "unknown model 'tinny'" in capsys.readouterr().err
    put(monkeypatch, replace(tiny, url=f"{shelf.url}/gone.pth"))
    assert main(["models", "pull", "tiny", "--dir", str(tmp_path)]) == 1
    assert "answers 404" in capsys.readouterr().err
    put(monkeypatch, replace(tiny, url="http://127.0.0.1:9/tiny.pth"))
    assert main(["models", "pull", "tiny", "--dir", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "is this machine offline?" in error
    assert len(error.strip().splitlines()) == 1


def test_a_repository_of_the_hub_is_fetched_without_its_pickles_and_runs(
    tiny: Source, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.repositories["some/dino"] = save_dino(tmp_path / "dino")
    torch.save({}, tmp_path / "dino" / "pytorch_model.bin")
    pull = ["models", "pull", "hubby", "--dir", str(tmp_path / "models"), "--endpoint", shelf.url]
    assert main(pull) == 1
    assert "HF_HUB_OFFLINE is set" in capsys.readouterr().err
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    assert main([*pull, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    folder = tmp_path / "models" / "hubby"
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "fewclick.json", "model.safetensors"]
    assert (told["verified"], told["spec"]) == (True, f"huggingface:{folder}")
    assert list(told["files"]) == ["model.safetensors"]
    assert json.loads((folder / "fewclick.json").read_text())["from"] == f"hub:some/dino@{REVISION}"
    monkeypatch.setattr("app.check_model.check_apart", check_here)
    assert main(["models", "check", "hubby", "--dir", str(tmp_path / "models"), "--json"]) == 0
    (outcome,) = json.loads(capsys.readouterr().out)
    assert outcome["result"] == "vector of 32, map of 16 x 4 x 4"
    assert outcome["load_s"] > 0
    assert outcome["embed_s"] > 0
    assert outcome["peak_mb"] > 50


def test_any_repository_of_the_hub_can_be_pulled_by_its_owner_and_name(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("app.check_model.check_apart", lambda kind, spec: Check(kind=kind, spec=spec, result="seen"))
    save_tiny("sam2", tmp_path / "sam2")
    shelf.repositories = {"some/sam2": tmp_path / "sam2", "some/dino": save_dino(tmp_path / "dino")}
    place = tmp_path / "models"
    for name, kind in (("sam2", "segmenter"), ("dino", "encoder")):
        assert main(["models", "pull", f"some/{name}", "--dir", str(place), "--endpoint", shelf.url]) == 0
        assert f"use it as --{kind} huggingface:{place / f'some--{name}'}" in capsys.readouterr().out
    assert main(["models", "check", "--dir", str(place), "--json"]) == 0
    checked = [(outcome["kind"], outcome["spec"]) for outcome in json.loads(capsys.readouterr().out)]
    assert checked[2:] == [
        ("encoder", f"huggingface:{place / 'some--dino'}"),
        ("segmenter", f"huggingface:{place / 'some--sam2'}"),
    ]


def test_a_repository_with_false_checksums_or_without_safetensors_is_refused(
    tiny: Source, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    pull = ["models", "pull", "hubby", "--dir", str(tmp_path / "models"), "--endpoint", shelf.url]
    assert main(pull) == 1
    assert "cannot fetch some/dino from the hub" in capsys.readouterr().err
    shelf.repositories["some/dino"], shelf.false_checksums = save_dino(tmp_path / "dino"), True
    assert main(pull) == 2
    assert "was announced" in capsys.readouterr().err
    (tmp_path / "dino" / "model.safetensors").unlink()
    torch.save({}, tmp_path / "dino" / "pytorch_model.bin")
    assert main(pull) == 2
    assert "offers no .safetensors" in capsys.readouterr().err
    assert not (tmp_path / "models" / "hubby" / "config.json").exists()


def test_a_check_tells_what_a_segmenter_costs_and_what_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("app.check_model.check_apart", check_here)
    save_tiny("sam2", tmp_path / "good")
    save_tiny("sam", tmp_path / "cut")
    weights = tmp_path / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    specs = [f"huggingface:{tmp_path / name}" for name in ("good", "cut")]
    assert main(["models", "check", *specs]) == 1
    out = capsys.readouterr().out
    assert re.search(r"segmenter +sam2-good@\S+ +[\d.]+ +[\d.]+ +[\d.]+ +\d+ +Dice [\d.]+ on a drawn disc", out)
    assert re.search(r"FAILED  segmenter huggingface:\S+cut: cannot load", out)


def test_a_check_runs_in_a_process_of_its_own_and_outlives_it() -> None:
    good, bad = check_apart("segmenter", "builtin"), check_apart("segmenter", "sam_vit_b")
    assert good.error is None
    assert good.model_id is not None
    assert good.model_id.startswith("builtin-")
    assert float(str(good.result).split()[1]) > 0.8
    assert "needs a weights file" in str(bad.error)


def test_a_check_refuses_what_it_cannot_name(tiny: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "check", "tiny", "--dir", str(tmp_path)]) == 2
    assert "`fewclick models pull tiny` brings it" in capsys.readouterr().err
    assert main(["models", "check", "nothing:/x"]) == 2
    assert "unknown model" in capsys.readouterr().err
