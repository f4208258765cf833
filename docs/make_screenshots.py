"""Make the pictures in `docs/images` from the drawn sample pool and a phantom: `python -m docs.make_screenshots`.

A server of its own on a throw-away workspace. The rounds are real, their annotator is simulated: it answers with the
pool's own ground truth, and what that costs in seconds follows the table in `alcore.costs`.
"""

import io
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from scipy import ndimage

from alcore.costs import CostTable
from alcore.masks import encode_rle
from app.api.schemas import AnnotationIn, Item
from app.demo import POOLS, write_pool
from app.service import AnnotationService, open_workspace
from docs.phantom import ORGAN_SLICE, organ, phantom

IMAGES = Path(__file__).parent / "images"
PORT = 7893
ROUNDS = 5
KINDS = ("mass", "cyst", "no finding")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
FIND = "window.app = [...document.querySelectorAll('*')].find((e) => e.fewclick)?.fewclick"
COSTS = CostTable()


def main() -> None:
    """Fill a workspace, serve it, and take the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        workspace, pools = Path(folder) / "workspace", Path(folder) / "pools"
        datasets = {pool.name: write_pool(pools, pool) for pool in POOLS}
        with open_workspace(workspace, create=True) as service:
            lesions = service.create_project("lesions", task="segmentation", classes=["mass", "cyst"], batch_size=6)
            service.import_paths(lesions.id, [datasets["lesions"] / "images"], group_by=r"(p\d+)_")
            run_round(service, lesions.id)
            kinds = service.create_project("lesion kind", task="classification", classes=list(KINDS), batch_size=6)
            service.import_paths(kinds.id, [datasets["lesions"] / "images"], group_by=r"(p\d+)_")
            for _ in range(ROUNDS):
                run_round(service, kinds.id)
                answer_all(service, kinds.id, datasets["lesions"])
            run_round(service, kinds.id)
            read_twice(service, datasets["lesions"])
            carry_masks(service)
        command = [sys.executable, "-m", "app.cli", "serve", str(workspace), "--port", str(PORT)]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            wait_until_up(f"http://127.0.0.1:{PORT}/v1/health")
            take_pictures(f"http://127.0.0.1:{PORT}/ui/", datasets["lesions"])
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
    """Answer every queued image with its true class, at the price of a look and a key."""
    rng = np.random.default_rng(0)
    seconds = COSTS.verify_s + COSTS.class_label()
    while (item := service.next_item(project_id, "ann")) is not None:
        # 0, nothing there, is the last
        label = KINDS[int(labels_of(item, dataset).max()) - 1]
        answer(service, item, label=label, seconds=round(seconds * float(rng.uniform(0.7, 1.4)), 1))


def read_twice(service: AnnotationService, dataset: Path) -> None:
    """Two readers outline the same lesions: one as they are, one a little larger and lower."""
    project = service.create_project("two readers", task="segmentation", classes=["mass", "cyst"])
    service.import_paths(project.id, [dataset / "images"])
    items = [item for item in service.items(project.id).items if labels_of(item, dataset).any()][:6]
    service.pick(project.id, [item.id for item in items])
    service.ask_second_reads(project.id, [item.id for item in items])
    for reader in ("ida", "jon"):
        while (item := service.next_item(project.id, reader)) is not None:
            labels = labels_of(item, dataset)
            mask = labels > 0
            if reader == "jon":
                mask = np.roll(ndimage.binary_dilation(mask, iterations=4), 9, axis=0)
            answer(service, item, objects=[{"class_id": int(labels.max()), "mask": encode_rle(mask)}], seconds=11)


def carry_masks(service: AnnotationService) -> None:
    """An organ is outlined on one slice of a volume, and its mask carried to the neighbours."""
    project = service.create_project("volume", task="segmentation", classes=["organ"])
    service.import_files(project.id, [("p1/phantom.nii.gz", io.BytesIO(phantom()))])
    start = service.items(project.id).items[ORGAN_SLICE]
    service.pick(project.id, [start.id])
    item = service.next_item(project.id, "ann")
    assert item is not None
    answer(service, item, objects=[{"class_id": 1, "mask": encode_rle(organ())}], seconds=11)
    service.propagate(item.id, n=3)


def answer(service: AnnotationService, item: Item, **said: object) -> None:
    """Accept an answer to a leased image."""
    assert item.lease is not None
    facts = {"submission_id": uuid.uuid4(), "lease_token": item.lease.token, "base_version": item.version, "clicks": 1}
    service.annotate(item.id, AnnotationIn.model_validate({**facts, **said}))


def labels_of(item: Item, dataset: Path) -> np.ndarray:
    """The pool's own ground truth of an image."""
    return np.asarray(Image.open(dataset / "masks" / f"{Path(item.name).stem}.png"))


def wait_until_up(url: str) -> None:
    """Return once the server answers."""
    for _ in range(600):
        with suppress(URLError, ConnectionError, TimeoutError), urlopen(url, timeout=2):
            return
        time.sleep(0.2)
    raise RuntimeError("the server did not start")


def take_pictures(url: str, dataset: Path) -> None:
    """The annotation page, two readers, a volume and the images in light; the rounds page light and dark."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
            page = context.new_page()
            page.goto(url)
            page.wait_for_function(f"({FIND}) !== undefined", timeout=60_000)
            if scheme == "light":
                choose(page, "lesions")
                annotate_one(page, dataset)
                save(page, "annotate")
                choose(page, "two readers", wait_for_work=False)
                page.keyboard.press("Shift+J")
                page.wait_for_timeout(1500)
                save(page, "two-readers")
                page.keyboard.press("Shift+J")
                choose(page, "volume")
                page.wait_for_timeout(1500)
                save(page, "volume")
            choose(page, "lesion kind")
            page.wait_for_timeout(500)
            page.get_by_role("tab", name="Rounds").click()
            page.wait_for_timeout(1500)
            save(page, "rounds" if scheme == "light" else "rounds-dark")
            if scheme == "light":
                page.get_by_role("tab", name="Images").click()
                page.wait_for_timeout(2500)
                save(page, "images")
            context.close()
        browser.close()


def choose(page: Page, project: str, *, wait_for_work: bool = True) -> None:
    """Open a project and wait for its first image."""
    page.locator("#fc-project input").click()
    page.get_by_role("option", name=project, exact=True).click()
    page.wait_for_function("(name) => app.project?.name === name", arg=project)
    if wait_for_work:
        page.wait_for_function("app.work !== null")


def annotate_one(page: Page, dataset: Path) -> None:
    """Box a lesion, click once in its middle and once beside it, as an annotator would."""
    while True:
        name = page.evaluate("app.work.item.name")
        labels = np.asarray(Image.open(dataset / "masks" / f"{Path(name).stem}.png"))
        if labels.any():
            break
        page.keyboard.press("a")
        page.keyboard.press("a")  # nothing to see
        page.wait_for_function("(name) => app.work && app.work.item.name !== name", arg=name)
    box = page.locator(".fc-stage canvas").bounding_box()
    assert box is not None

    def place(x: float, y: float) -> tuple[float, float]:
        view = page.evaluate("([x, y]) => app.view.toView(x, y)", [float(x), float(y)])
        return box["x"] + view["x"], box["y"] + view["y"]

    rows, columns = np.nonzero(labels)
    page.keyboard.press(str(labels.max()))
    page.mouse.move(*place(columns.min() - 2, rows.min() - 2))
    page.mouse.down()
    page.mouse.move(*place(columns.max() + 3, rows.max() + 3), steps=4)
    page.mouse.up()
    page.mouse.click(*place(columns.mean(), rows.mean()))
    page.mouse.click(*place(columns.max() + 10, rows.mean()), button="right")
    page.wait_for_function("app.work.pending().length === 0", timeout=60_000)
    page.wait_for_timeout(1500)


def save(page: Page, name: str) -> None:
    """Write one picture, small enough for the repository."""
    path = IMAGES / f"{name}.png"
    page.screenshot(path=str(path))
    Image.open(path).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        path, optimize=True
    )
    print(f"{path.relative_to(IMAGES.parent.parent)}  {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
