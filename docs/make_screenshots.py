"""Make the pictures in `docs/images` from the drawn sample pool: `python docs/make_screenshots.py`.

A server of its own on a throw-away workspace; the annotator is simulated: boxes and clicks from the pool's own ground
truth go to the promptable model, and what they cost in seconds follows the table in `alcore.costs`.
"""

import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from alcore.costs import CostTable
from alcore.masks import encode_rle
from app.api.schemas import AnnotationIn, Item
from app.demo import POOLS, write_pool
from app.service import AnnotationService, open_workspace

IMAGES = Path(__file__).parent / "images"
PORT = 7893
ROUNDS = 3
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
FIND = "window.app = [...document.querySelectorAll('*')].find((e) => e.fewclick)?.fewclick"
COSTS = CostTable()


def main() -> None:
    """Fill a workspace, serve it, and take the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        workspace, pools = Path(folder) / "workspace", Path(folder) / "pools"
        datasets = {pool.name: write_pool(pools, pool) for pool in POOLS}
        with open_workspace(workspace, create=True) as service:
            for pool in POOLS:
                project = service.create_project(
                    pool.name, task="segmentation", classes=list(pool.classes), batch_size=6
                )
                service.import_paths(project.id, [datasets[pool.name] / "images"], group_by=pool.group_by)
                for _ in range(ROUNDS if pool.name == "lesions" else 0):
                    run_round(service, project.id)
                    answer_all(service, project.id, datasets[pool.name])
                run_round(service, project.id)
        command = [sys.executable, "-m", "app.cli", "serve", str(workspace), "--port", str(PORT)]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            wait_until_up(f"http://127.0.0.1:{PORT}/v1/health")
            take_pictures(f"http://127.0.0.1:{PORT}/ui/", datasets["nuclei"])
        finally:
            server.terminate()
            server.wait()


def run_round(service: AnnotationService, project_id: int) -> None:
    """Start a round and wait for it."""
    job = service.start_round(project_id)
    while job.state in ("queued", "running"):
        time.sleep(0.3)
        service.context.runner.reap()
        job = service.job(job.id)
    if job.state != "done":
        raise RuntimeError(f"the round {job.state}: {job.error}")


def answer_all(service: AnnotationService, project_id: int, dataset: Path) -> None:
    """Answer every queued image with its ground truth, at the price of a box and a look for each object."""
    rng = np.random.default_rng(0)
    while (item := service.next_item(project_id, "ann")) is not None:
        objects = [{"class_id": class_id, "mask": encode_rle(mask)} for class_id, mask in truth_of(item, dataset, rng)]
        seconds = len(objects) * COSTS.prompted_object(n_clicks=0, n_boxes=1) or COSTS.empty_image()
        body = {
            "submission_id": str(uuid.uuid4()),
            "lease_token": item.lease.token if item.lease else "",
            "base_version": item.version,
            "objects": objects,
            "seconds": round(seconds * float(rng.uniform(0.7, 1.4)), 1),
            "clicks": 2 * len(objects),
        }
        service.annotate(item.id, AnnotationIn.model_validate(body))


def truth_of(item: Item, dataset: Path, rng: np.random.Generator) -> list[tuple[int, np.ndarray]]:
    """Class and mask of each object of an image."""
    stem = Path(item.name).stem
    labels = np.asarray(Image.open(dataset / "masks" / f"{stem}.png"))
    instances = np.asarray(Image.open(dataset / "instances" / f"{stem}.png"))
    masks = [instances == i for i in np.unique(instances[instances > 0])]
    return [(int(labels[mask].max()), mask) for mask in masks]


def wait_until_up(url: str) -> None:
    """Return once the server answers."""
    for _ in range(600):
        with suppress(URLError, ConnectionError, TimeoutError), urlopen(url, timeout=2):
            return
        time.sleep(0.2)
    raise RuntimeError("the server did not start")


def take_pictures(url: str, nuclei: Path) -> None:
    """The annotation page and the rounds page, light and dark."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport={"width": 1360, "height": 860}, color_scheme=scheme)
            page = context.new_page()
            page.goto(url)
            page.wait_for_function(f"({FIND}) !== undefined", timeout=60_000)
            if scheme == "light":
                choose(page, "nuclei")
                annotate_some(page, nuclei)
                save(page, "annotate")
            choose(page, "lesions")
            page.wait_for_timeout(4000)
            if scheme == "dark":
                save(page, "starting-mask")
            page.get_by_role("tab", name="Rounds").click()
            page.wait_for_timeout(1500)
            save(page, "rounds" if scheme == "light" else "rounds-dark")
            context.close()
        browser.close()


def choose(page: Page, project: str) -> None:
    """Open a project and wait for its first image."""
    page.locator("#fc-project input").click()
    page.get_by_role("option", name=project, exact=True).click()
    page.wait_for_function("(name) => app.project?.name === name && app.work !== null", arg=project)


def annotate_some(page: Page, dataset: Path) -> None:
    """Box a few nuclei as an annotator would."""
    name = page.evaluate("app.work.item.name")
    instances = np.asarray(Image.open(dataset / "instances" / f"{Path(name).stem}.png"))
    box = page.locator(".fc-stage canvas").bounding_box()
    assert box is not None
    place: Callable[[float, float], list[float]] = lambda x, y: page.evaluate(  # noqa: E731
        "([x, y]) => { const v = app.view.toView(x, y); return [v.x, v.y]; }", [x, y]
    )
    ids, sizes = np.unique(instances[instances > 0], return_counts=True)
    for i in ids[np.argsort(-sizes)][:6]:
        rows, columns = np.nonzero(instances == i)
        page.keyboard.press("n")
        start, end = place(columns.min() - 1, rows.min() - 1), place(columns.max() + 2, rows.max() + 2)
        page.mouse.move(box["x"] + start[0], box["y"] + start[1])
        page.mouse.down()
        page.mouse.move(box["x"] + end[0], box["y"] + end[1], steps=4)
        page.mouse.up()
        page.wait_for_function("app.work.pending().length === 0")
    page.wait_for_timeout(1500)


def save(page: Page, name: str) -> None:
    """Write one picture, small enough for the repository."""
    path = IMAGES / f"{name}.png"
    page.screenshot(path=str(path))
    Image.open(path).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.relative_to(IMAGES.parent.parent)}  {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
