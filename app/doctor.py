"""Checks of an installation, each with what was found and what to do about it."""

import hashlib
import os
import platform
import shutil
import socket
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

State = Literal["PASS", "WARN", "FAIL"]
REPORTED = ("torch", "torchvision", "monai", "transformers", "timm", "gradio", "fastapi", "numpy", "faiss-cpu")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
MIN_FREE_GB = 2.0


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the report."""

    check: str
    state: State
    found: str
    fix: str = ""

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


def examine(workspace: Path | None, port: int) -> list[Finding]:
    """Run all checks; the workspace's only where one is given."""
    checks: list[Callable[[], list[Finding]]] = [
        python_version,
        packages,
        device,
        weights,
        schema,
        chromium,
        lambda: free_port(port),
    ]
    if workspace is not None:
        checks.append(lambda: workspace_state(workspace))
    return [finding for check in checks for finding in check()]


def python_version() -> list[Finding]:
    """Python 3.11 or newer."""
    return [Finding(check="python", state="PASS", found=f"{platform.python_version()} on {platform.platform()}")]


def packages() -> list[Finding]:
    """Every package that pyproject.toml names is installed."""
    from packaging.requirements import Requirement

    found: dict[str, str] = {}
    faults = []
    for line in metadata.requires("fewclick") or []:
        need = Requirement(line)
        if need.marker is not None and not need.marker.evaluate({"extra": ""}):
            continue
        try:
            found[need.name] = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            faults.append(f"{need.name} is missing")
            continue
        if found[need.name] not in need.specifier:
            faults.append(f"{need.name} {found[need.name]}, needs {need.specifier}")
    if faults:
        return [Finding(check="packages", state="FAIL", found="; ".join(faults), fix="run `make setup`")]
    shown = ", ".join(f"{name} {found[name]}" for name in REPORTED if name in found)
    return [Finding(check="packages", state="PASS", found=f"fewclick {metadata.version('fewclick')}; {shown}")]


def device() -> list[Finding]:
    """Where models run."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if torch.cuda.is_available():
        return [Finding(check="device", state="PASS", found=f"{torch.cuda.get_device_name()}, {cores} CPU cores")]
    found = f"CPU, {cores} cores, torch uses {torch.get_num_threads()} threads"
    if cores < 2:
        return [Finding(check="device", state="WARN", found=found, fix="use two cores or more, clicks wait for them")]
    return [Finding(check="device", state="PASS", found=f"{found}; the built-in models need no GPU")]


def weights() -> list[Finding]:
    """The built-in models' files are there and whole."""
    import alcore
    import prompts

    files = {
        "built-in encoder": Path(alcore.__file__).parent / "encoders" / "weights" / "builtin.safetensors",
        "built-in segmenter": Path(prompts.__file__).parent / "builtin" / "weights.safetensors",
    }
    return [_weights_file(name, file) for name, file in files.items()]


def _weights_file(name: str, file: Path) -> Finding:
    """Check one safetensors file by its own header, and name its SHA-256."""
    fix = "get the file again (it is part of the repository), or run `make train-builtin DATA=folder`"
    if not file.is_file():
        return Finding(check=name, state="FAIL", found=f"{file} is missing", fix=fix)
    content = file.read_bytes()
    fault = safetensors_fault(content)
    if fault:
        return Finding(check=name, state="FAIL", found=f"{file}: {fault}", fix=fix)
    digest = hashlib.sha256(content).hexdigest()
    return Finding(check=name, state="PASS", found=f"{len(content) / 1e6:.1f} MB, sha256 {digest}")


def safetensors_fault(content: bytes) -> str | None:
    """Say what is wrong with the bytes of a safetensors file; None where length and header agree."""
    import json

    if len(content) < 8:
        return f"only {len(content)} bytes"
    (length,) = struct.unpack("<Q", content[:8])
    try:
        header = json.loads(content[8 : 8 + length])
        ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"]
        expected = 8 + length + max(ends)
    except (ValueError, KeyError, TypeError, AttributeError):
        return "its header cannot be read"
    return None if expected == len(content) else f"{len(content)} bytes where its header says {expected}"


def schema() -> list[Finding]:
    """The revision of the store's schema."""
    from app.store.database import newest_revision

    return [Finding(check="store schema", state="PASS", found=f"this version writes revision {newest_revision()}")]


def workspace_state(workspace: Path) -> list[Finding]:
    """The workspace's own database and disk, without changing them."""
    from app.store.database import newest_revision

    file = workspace / "fewclick.db"
    if not file.is_file():
        fix = f"run `fewclick init {workspace}`, or give the folder of a workspace"
        return [Finding(check="workspace", state="FAIL", found=f"{workspace} has no fewclick.db", fix=fix)]
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as database:
            revision = database.execute("SELECT version_num FROM alembic_version").fetchone()[0]
            verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    except (sqlite3.Error, TypeError) as error:
        fix = "restore the folder from a backup"
        return [Finding(check="workspace", state="FAIL", found=f"{file}: {error}", fix=fix)]
    if verdict != "ok":
        fix = "restore the folder from a backup"
        return [Finding(check="workspace", state="FAIL", found=f"{file}: {verdict}", fix=fix)]
    if revision != newest_revision():
        found, fix = (
            f"schema {revision}, this version has {newest_revision()}",
            "back it up, then start `fewclick serve`",
        )
        return [Finding(check="workspace", state="WARN", found=found, fix=fix), _free_disk(workspace)]
    return [Finding(check="workspace", state="PASS", found=f"{workspace}, schema {revision}"), _free_disk(workspace)]


def _free_disk(folder: Path) -> Finding:
    """Room for images and embeddings."""
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb < MIN_FREE_GB:
        fix = f"free some space: embeddings and models need {MIN_FREE_GB:.0f} GB or more"
        return Finding(check="disk", state="WARN", found=f"{free_gb:.1f} GB free", fix=fix)
    return Finding(check="disk", state="PASS", found=f"{free_gb:.1f} GB free")


def chromium() -> list[Finding]:
    """A browser for the browser tests; people bring their own."""
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        fix = "only for the browser tests: install the package `chromium`"
        return [Finding(check="chromium", state="WARN", found="not found", fix=fix)]
    return [Finding(check="chromium", state="PASS", found=path)]


def free_port(port: int) -> list[Finding]:
    """Whether `fewclick serve` can listen."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            fix = f"if that is not your server, choose another: `fewclick serve WORKSPACE --port {port + 1}`"
            return [Finding(check="port", state="WARN", found=f"127.0.0.1:{port} is in use", fix=fix)]
    return [Finding(check="port", state="PASS", found=f"127.0.0.1:{port} is free")]
