"""The sample pool on disk, and the workspace that `fewclick demo` opens."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.demo_images import LESION_CLASSES, NUCLEI_CLASSES, DrawnImage, draw_lesions, draw_nuclei

if TYPE_CHECKING:
    from app.service import AnnotationService

POOL_VERSION = 1
"""Raise it when the drawing changes: older pools on disk are then drawn anew."""


@dataclass(frozen=True, kw_only=True)
class DemoPool:
    """One set of the sample pool and the project that is made of it."""

    name: str
    classes: tuple[str, ...]
    n_images: int
    group_by: str
    """Regular expression that takes the patient or the well from a file's name."""
    batch_size: int

    def draw(self) -> list[DrawnImage]:
        """Draw its images."""
        return draw_lesions(self.n_images, seed=0) if self.name == "lesions" else draw_nuclei(self.n_images, seed=0)


POOLS = (
    DemoPool(name="lesions", classes=LESION_CLASSES, n_images=48, group_by=r"(p\d+)_", batch_size=6),
    DemoPool(name="nuclei", classes=NUCLEI_CLASSES, n_images=40, group_by=r"(w\d+)_", batch_size=4),
)


def write_pool(folder: Path, pool: DemoPool) -> Path:
    """Draw a pool as a DATASET folder: `images/`, `masks/`, `instances/`, `classes.json`; once drawn it is kept.

    Args:
        folder: where the pool's own folder is made.
        pool: which one.

    Returns:
        The DATASET folder. Its masks are for simulated annotators and tests; a project is given `images/` alone.
    """
    dataset = folder / pool.name
    mark = dataset / "classes.json"
    facts = {"version": POOL_VERSION, "classes": dict(enumerate(("background", *pool.classes)))}
    content = json.dumps(facts, indent=1)
    if mark.is_file() and mark.read_text("utf-8") == content:
        return dataset
    for part in ("images", "masks", "instances"):
        (dataset / part).mkdir(parents=True, exist_ok=True)
    for image in pool.draw():
        stem = image.name.rpartition(".")[0]
        (dataset / "images" / image.name).write_bytes(encode_image(image))
        (dataset / "masks" / f"{stem}.png").write_bytes(_png(image.labels))
        (dataset / "instances" / f"{stem}.png").write_bytes(_png(image.instances))
    mark.write_text(content, "utf-8")  # last: it says that the rest is whole
    return dataset


def encode_image(image: DrawnImage) -> bytes:
    """The file that an instrument would have written: 8 or 16 bit PNG, or TIFF."""
    if not image.name.endswith(".tif"):
        return _png(image.pixels)
    import tifffile

    stream = io.BytesIO()
    tifffile.imwrite(stream, image.pixels, photometric="minisblack", compression="zlib", metadata=None)
    return stream.getvalue()


def _png(pixels: np.ndarray) -> bytes:
    """Encode a uint8 or uint16 array."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


def prepare_demo(folder: Path, *, say: Callable[[str], None]) -> Path:
    """Make the sample workspace: draw, import, embed, choose a first batch; what is there already is kept.

    Args:
        folder: holds `pool/` (the drawn DATASET folders) and `workspace/`.
        say: is told what happens, a line at a time.

    Returns:
        The workspace.
    """
    from app.service import open_workspace

    workspace = folder / "workspace"
    workspace.mkdir(parents=True, exist_ok=True)
    service = open_workspace(workspace, create=True)
    try:
        for pool in POOLS:
            prepare_project(service, pool, folder / "pool", say)
    finally:
        service.close()
    return workspace


def prepare_project(service: AnnotationService, pool: DemoPool, pools: Path, say: Callable[[str], None]) -> None:
    """Bring one project to the point where an annotator can begin; each step is done only if it was not."""
    from app.commands.opened import wait_for

    project = next((p for p in service.list_projects() if p.name == pool.name), None)
    if project is None:
        project = service.create_project(
            name=pool.name, task="segmentation", classes=list(pool.classes), batch_size=pool.batch_size
        )
    if project.counts.items < pool.n_images:
        say(f"drawing {pool.n_images} images of {pool.name}")
        dataset = write_pool(pools, pool)
        service.import_paths(project.id, [str(dataset / "images")], group_by=pool.group_by)
    if project.round == 0:
        say(f"embedding {pool.name} and choosing the first {pool.batch_size}")
        wait_for(service, service.start_round(project.id, n=None, strategy=None, seed=0))
