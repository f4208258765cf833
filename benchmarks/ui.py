"""How long an annotator waits for the page, in headless Chromium that draws in software, with the built-in models.

`python benchmarks/ui.py [--images 30] [--side 1024] [--hold 0] [--long 1000] [--out FILE.json]` serves a workspace of
drawn images and works on it with real mouse and key events: three clicks on each image, then Accept. `click` is the
time from letting go of the button to the painted mask, `next` from the key to the next image, painted. With `--long` it
then annotates so many small images, one click each, and reads the page's memory (after collecting garbage), its DOM
nodes, listeners and canvases and the server's memory, from a twentieth of them to the end. Needs Chromium ($CHROMIUM).
"""

import argparse
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from _page import ROOT, VIEWPORT, choose_project, opened, served, spread
from PIL import Image
from scipy import ndimage

SPEED, LONG, LONG_SIDE = "speed", "long", 192
CLICKS = ((0.5, 0.5), (0.44, 0.5), (0.56, 0.56))
"""Where an image is clicked, as shares of its side; all within what is drawn."""
WATCH = """() => {
  window.times = { click: [], next: [] };
  const painted = (kind, start, done) => requestAnimationFrame(() => {
    if (!done()) return painted(kind, start, done);
    app.canvas.getContext('2d').getImageData(0, 0, 1, 1);
    times[kind].push(performance.now() - start);
  });
  document.addEventListener('pointerup', (event) => {
    if (event.target !== app.canvas) return;
    const [start, work] = [performance.now(), app.work];
    const isAnswered = () => work.pending().length === 0 && !app.stage.stale;
    setTimeout(() => painted('click', start, () => app.work !== work || isAnswered()));
  }, true);
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'a') return;
    const [start, id] = [performance.now(), app.work?.item.id];
    painted('next', start, () => app.work ? app.work.item.id !== id : !document.querySelector('.fc-idle').hidden);
  }, true);
}"""


def drawn(number: int, side: int) -> bytes:
    """Speckle with a bright blob around the middle, as PNG."""
    rng = np.random.default_rng(number)
    rows, columns = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    radius = rng.uniform(0.3, 0.5)
    blob = (rows / radius) ** 2 + (columns / (radius * rng.uniform(0.8, 1.2))) ** 2 < 1
    speckle = ndimage.gaussian_filter(rng.normal(size=(side, side)), side / 200)
    picture = np.clip(80 + 25 * speckle / speckle.std() + 70 * blob, 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def seed(workspace: Path, sizes: dict[str, tuple[int, int]]) -> None:
    """Make a project of queued images for each name: how many, and their side."""
    sys.path.insert(0, str(ROOT))
    from app.service import open_workspace
    from tests.app.ui.seeding import queue_all

    with open_workspace(workspace, create=True) as service:
        for name, (count, side) in sizes.items():
            project = service.create_project(name, task="segmentation", classes=["blob"])
            service.import_files(project.id, [(f"{k:05d}.png", io.BytesIO(drawn(k, side))) for k in range(count)])
            queue_all(service, project.id)


def click(page: Any, share: tuple[float, float], hold_ms: float = 0) -> None:
    """Click, with the button held for so long, and wait for the mask."""
    box = page.locator(".fc-stage canvas").bounding_box()
    at = page.evaluate("([x, y]) => app.view.toView(x * app.work.item.width, y * app.work.item.height)", list(share))
    seen = page.evaluate("times.click.length")
    page.mouse.click(box["x"] + at["x"], box["y"] + at["y"], delay=hold_ms)
    page.wait_for_function(f"times.click.length > {seen}", timeout=90_000)


def accept(page: Any) -> bool:
    """Accept and wait for the next image; False when there is none."""
    seen = page.evaluate("times.next.length")
    page.keyboard.press("a")
    page.wait_for_function(f"times.next.length > {seen}", timeout=60_000)
    return page.evaluate("app.work !== null")


def speed(page: Any, hold_ms: float) -> dict[str, dict[str, float]]:
    """Times of clicks, the first on an image and later ones, and of going on to the next image, ms."""
    choose_project(page, SPEED)
    page.evaluate(WATCH)
    click(page, CLICKS[0])  # loads the model; not counted
    page.evaluate("times.click.length = 0")
    accept(page)
    goes_on = True
    while goes_on:
        for share in CLICKS:
            click(page, share, hold_ms)
            page.wait_for_timeout(300)  # an annotator looks
        goes_on = accept(page)
    times = page.evaluate("times")
    first, later = times["click"][::3], [t for k, t in enumerate(times["click"]) if k % 3]
    return {"first click": spread(first), "later clicks": spread(later), "next image": spread(times["next"][1:-1])}


def memory(page: Any, server: int) -> dict[str, float]:
    """MB of the page's JavaScript and of the server; DOM nodes, listeners and canvases, the detached ones too."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")["usedSize"]
    counted = session.send("Memory.getDOMCounters")
    made = session.send("Runtime.evaluate", {"expression": "HTMLCanvasElement.prototype"})
    alive = session.send("Runtime.queryObjects", {"prototypeObjectId": made["result"]["objectId"]})["objects"]
    length = {"functionDeclaration": "function () { return this.length }", "objectId": alive["objectId"]}
    canvases = session.send("Runtime.callFunctionOn", length)["result"]["value"]
    session.detach()
    status = Path(f"/proc/{server}/status").read_text().split()
    return {
        "page": heap / 1e6,
        "nodes": counted["nodes"],
        "listeners": counted["jsEventListeners"],
        "canvases": canvases,
        "server": int(status[status.index("VmRSS:") + 1]) / 1e3,
    }


def endurance(page: Any, server: int, count: int) -> dict[str, dict[str, float]]:
    """Memory at five times of a long day."""
    choose_project(page, LONG)
    looks = {max(1, count * k // 20) for k in (1, 5, 10, 15)} | {count - 1}
    found = {}
    for number in range(1, count):
        click(page, CLICKS[0])
        accept(page)
        if number in looks:
            found[f"after {number} images"] = memory(page, server)
            print(number, found[f"after {number} images"], file=sys.stderr, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=30, help="images that are timed")
    parser.add_argument("--side", type=int, default=1024, help="their side, pixels")
    parser.add_argument("--hold", type=float, default=0, help="how long a click holds the button, ms")
    parser.add_argument("--long", type=int, default=0, help="images of the memory test; 0 leaves it out")
    parser.add_argument("--out", type=Path, help="write the numbers as JSON")
    options = parser.parse_args()
    sizes = {SPEED: (options.images, options.side)} | ({LONG: (options.long, LONG_SIDE)} if options.long else {})
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace"
        seed(workspace, sizes)
        with served(workspace) as (url, server), opened(url) as page:
            times = speed(page, options.hold)
            print("| step | p50, ms | p95 | max |\n|---|---|---|---|")
            for step, found in times.items():
                print(f"| {step} | {found['p50']:.0f} | {found['p95']:.0f} | {found['max']:.0f} |", flush=True)
            lasting = endurance(page, server, options.long) if options.long else {}
    if lasting:
        print("\n| | page, MB | DOM nodes | listeners | canvases | server, MB |\n|---|---|---|---|---|---|")
        for when, found in lasting.items():
            counted = " | ".join(f"{found[what]:.0f}" for what in ("nodes", "listeners", "canvases", "server"))
            print(f"| {when} | {found['page']:.1f} | {counted} |")
    if options.out:
        written = {"viewport": VIEWPORT, "side": options.side, "times_ms": times, "memory": lasting}
        options.out.write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
