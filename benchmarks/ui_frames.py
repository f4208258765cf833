"""Time what the annotation page does between two frames, in headless Chromium that draws in software.

`python benchmarks/ui_frames.py [--out FILE.json]` serves a workspace of two drawn images (one of 1024 x 1024 with 200
objects, one of 4096 x 4096 in 16 bit with 20), moves, zooms and windows each, and chooses one object after the other,
one step a frame. `cpu` is the mean processor time of a step in all of the browser, whatever else the machine does;
`work` the time from a step to its pixels, read back so that nothing is put off; `interval` the time between frames,
16.7 ms at best. `list filled` is the time to show all objects at once. Needs Chromium ($CHROMIUM).
"""

import argparse
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
START_S = 120
SCENES = {"1024, 8 bit, 200 objects": (1024, np.uint8, 200), "4096, 16 bit, 20 objects": (4096, np.uint16, 20)}
ACTIONS = ("pan", "zoom", "window", "select")
FIND = "window.app = [...document.querySelectorAll('*')].find((e) => e.fewclick)?.fewclick"
PUT_OBJECTS = """async (discs) => {
  const sheets = await import(new URL('../assets/js/core/sheet.js', location.href));
  const rle = await import(new URL('../assets/js/core/rle.js', location.href));
  const { height, width } = app.work.item;
  const objects = discs.map(([x, y, r], k) => {
    const bits = new Uint8Array(height * width);
    for (let row = y - r; row <= y + r; row++) {
      const half = Math.round(Math.sqrt(r * r - (row - y) ** 2));
      bits.fill(1, row * width + x - half, row * width + x + half + 1);
    }
    return { class_id: 1 + (k % 3), mask: { counts: rle.encode(bits, height, width) } };
  });
  const start = performance.now();
  app.work.commit(sheets.withStart(app.work.sheet, { objects }), 'next');
  app.changed();
  void app.panel.root.offsetHeight;
  return performance.now() - start;
}"""
FRAMES = """async ([name, count]) => {
  const canvas = app.canvas.getContext('2d');
  const range = app.work.item.window.max - app.work.item.window.min;
  const act = {
    pan: (k) => app.pan(9 * Math.cos(k / 9), 7 * Math.sin(k / 9)),
    zoom: (k) => app.zoom(k % 40 < 20 ? 1.08 : 1 / 1.08),
    window: (k) => app.setWindow({ ...app.work.window, width: range * (0.4 + 0.01 * (k % 40)) }, { settle: false }),
    select: (k) => app.selectObject(app.work.sheet.objects[k % (app.work.sheet.objects.length - 1)].id),
  }[name];
  app.fit();
  if (name === 'pan') app.zoom(2.5);
  const work = [];
  const stamps = [];
  for (let k = 0; k < count + 3; k++) {
    await new Promise((done) => {
      let drawing;
      requestAnimationFrame(() => (drawing = performance.now()));
      const start = performance.now();
      act(k);
      const acted = performance.now() - start;
      requestAnimationFrame((stamp) => {
        canvas.getImageData(0, 0, 1, 1);
        work.push(acted + performance.now() - drawing);
        stamps.push(stamp);
        done();
      });
    });
  }
  return { work: work.slice(3), interval: stamps.slice(3).map((t, i) => t - stamps[i + 2]) };
}"""


def drawn(side: int, dtype: type[np.generic]) -> bytes:
    """A noisy image with a slope, as PNG."""
    rng, top = np.random.default_rng(0), np.iinfo(dtype).max  # type: ignore[type-var]
    slope = np.linspace(0.2, 0.7, side)[:, None] + np.linspace(0, 0.2, side)
    picture = np.clip((slope + rng.normal(0, 0.03, (side, side))) * min(top, 4095), 0, top).astype(dtype)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def discs(side: int, count: int) -> list[tuple[int, int, int]]:
    """x, y and radius of discs on a grid that fills the image."""
    across = int(np.ceil(np.sqrt(count)))
    pitch = side // across
    return [(pitch // 2 + pitch * (k % across), pitch // 2 + pitch * (k // across), pitch // 3) for k in range(count)]


def seed(workspace: Path) -> None:
    """Make a project of one queued image for each scene."""
    sys.path.insert(0, str(ROOT))
    from app.service import open_workspace
    from tests.app.ui.seeding import queue_all

    with open_workspace(workspace, create=True) as service:
        for name, (side, dtype, _) in SCENES.items():
            project = service.create_project(name, task="segmentation", classes=["disc", "ring", "speck"])
            service.import_files(project.id, [("drawn.png", io.BytesIO(drawn(side, dtype)))])
            queue_all(service, project.id)


@contextmanager
def served(workspace: Path) -> Iterator[str]:
    """A server on the workspace; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "app.cli", "serve", str(workspace), "--port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + START_S
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/health", timeout=5)
                break
            except (urllib.error.URLError, OSError):
                if server.poll() is not None or time.monotonic() > end:
                    raise SystemExit("the server did not start") from None
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def spread(times: list[float]) -> dict[str, float]:
    """Median, 95th percentile and maximum, ms."""
    return {"p50": float(np.median(times)), "p95": float(np.percentile(times, 95)), "max": float(np.max(times))}


def measured(page: Any, name: str, steps: int) -> dict[str, Any]:
    """All times of one scene, ms."""
    page.locator("#fc-project input").click()
    page.get_by_role("option", name=name, exact=True).click()
    page.wait_for_function("(name) => app.project?.name === name && app.work !== null", arg=name, timeout=120_000)
    side, _, count = SCENES[name]
    found: dict[str, Any] = {"scene": name, "fill_list": page.evaluate(PUT_OBJECTS, discs(side, count))}
    page.wait_for_timeout(500)
    for action in ACTIONS:
        page.evaluate(FRAMES, [action, 5])
        before = busy_ms()
        times = page.evaluate(FRAMES, [action, steps])
        cpu = (busy_ms() - before) / (steps + 3)
        found[action] = {"cpu": cpu, **{kind: spread(values) for kind, values in times.items()}}
    return found


def busy_ms() -> float:
    """Processor time of the browser with all its processes so far, ms."""
    family = [p for p in psutil.Process().children(recursive=True) if "chrom" in p.name()]
    return 1000 * sum(p.cpu_times().user + p.cpu_times().system for p in family)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=80, help="frames of each kind")
    parser.add_argument("--out", type=Path, help="write the times as JSON")
    options = parser.parse_args()
    chromium = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    if not chromium.exists():
        raise SystemExit(f"skipped: no browser at {chromium}; set CHROMIUM")
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        workspace = Path(folder) / "workspace"
        seed(workspace)
        browser = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox", "--disable-gpu"])
        with served(workspace) as url:
            page = browser.new_page(viewport={"width": 1360, "height": 860})
            page.goto(f"{url}/ui/")
            page.wait_for_function(f"({FIND}) !== undefined", timeout=120_000)
            results = [measured(page, name, options.steps) for name in SCENES]
        browser.close()
    print("| scene | step | cpu | work p50 | p95 | interval p50 | p95 |\n|---|---|---|---|---|---|---|")
    for result in results:
        for action in ACTIONS:
            cpu, work, interval = (result[action][kind] for kind in ("cpu", "work", "interval"))
            cells = [f"{v:.1f}" for v in (cpu, work["p50"], work["p95"], interval["p50"], interval["p95"])]
            print(f"| {result['scene']} | {action} | {' | '.join(cells)} |")
        print(f"| {result['scene']} | list filled | | {result['fill_list']:.1f} | | | |")
    if options.out:
        options.out.write_text(json.dumps({"viewport": [1360, 860], "unit": "ms", "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
