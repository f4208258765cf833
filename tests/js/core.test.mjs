import assert from "node:assert/strict";
import { test } from "node:test";

import { WorkClock } from "../../app/ui/static/js/core/clock.js";
import { splitParts } from "../../app/ui/static/js/core/components.js";
import { borderSegments, softSegments } from "../../app/ui/static/js/core/contour.js";
import { History } from "../../app/ui/static/js/core/history.js";
import { LatestWins } from "../../app/ui/static/js/core/latest_wins.js";
import { IN, LiveMask, OUT } from "../../app/ui/static/js/core/live_mask.js";
import * as rle from "../../app/ui/static/js/core/rle.js";
import { duration, ticks } from "../../app/ui/static/js/core/ticks.js";
import { Viewport } from "../../app/ui/static/js/core/viewport.js";
import * as windowing from "../../app/ui/static/js/core/windowing.js";

test("run lengths are column-major and start with zeros, as COCO's", () => {
  const bits = Uint8Array.from([0, 1, 1, /**/ 0, 0, 1]); // 2 rows, 3 columns
  const counts = rle.encode(bits, 2, 3);
  assert.deepEqual(counts, [2, 1, 1, 2]);
  assert.deepEqual(rle.decode({ size: [2, 3], counts }), bits);
  assert.equal(rle.area(counts), 3);
  assert.deepEqual(rle.bounds(counts, 2), [1, 0, 3, 2]);
});

test("random masks survive the round trip, first pixel set included", () => {
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let k = 0; k < 30; k++) {
    const h = 1 + Math.floor(random() * 12);
    const w = 1 + Math.floor(random() * 9);
    const bits = Uint8Array.from({ length: h * w }, () => (random() < 0.4 ? 1 : 0));
    const counts = rle.encode(bits, h, w);
    assert.deepEqual(rle.decode({ size: [h, w], counts }), bits);
    assert.equal(rle.area(counts), bits.reduce((a, b) => a + b, 0));
    for (let i = 0; i < h * w; i++) assert.equal(rle.contains(counts, h, i % w, Math.floor(i / w)), bits[i] === 1);
  }
});

test("runs that do not cover the image are refused", () => {
  assert.throws(() => rle.decode({ size: [2, 2], counts: [1, 2] }), RangeError);
});

test("an empty mask has no bounds", () => assert.equal(rle.bounds([12], 3), null));

test("view and image coordinates are each other's inverse at any zoom", () => {
  const view = new Viewport();
  view.resize(800, 500);
  view.setImage(300, 200);
  view.zoomAt(120, 90, 5.3);
  view.pan(13, -7);
  const p = view.toImage(321.5, 77.25);
  const v = view.toView(p.x, p.y);
  assert.ok(Math.abs(v.x - 321.5) < 1e-9 && Math.abs(v.y - 77.25) < 1e-9);
});

test("zoom keeps the point under the pointer", () => {
  const view = new Viewport();
  view.resize(800, 500);
  view.setImage(300, 200);
  const before = view.toImage(200, 100);
  view.zoomAt(200, 100, 3);
  const after = view.toImage(200, 100);
  assert.ok(Math.hypot(before.x - after.x, before.y - after.y) < 1e-9);
});

test("a fitted image stays fitted when the view changes, a zoomed one keeps its centre", () => {
  const view = new Viewport();
  view.resize(800, 500);
  view.setImage(300, 200);
  view.resize(400, 400);
  assert.ok(view.isFitted());
  view.zoomAt(150, 150, 4);
  const centre = view.toImage(200, 200);
  view.resize(600, 300);
  const now = view.toImage(300, 150);
  assert.ok(Math.hypot(centre.x - now.x, centre.y - now.y) < 1e-9);
});

test("the image cannot be lost out of sight", () => {
  const view = new Viewport();
  view.resize(800, 500);
  view.setImage(300, 200);
  view.pan(99999, -99999);
  const corner = view.toView(0, 200);
  assert.ok(corner.x <= 800 - 48 && corner.y >= 48);
});

test("a window maps its ends to black and white", () => {
  const table = windowing.windowTable({ level: 100, width: 50 }, 256);
  assert.deepEqual([table[75], table[101], table[125], table[20], table[200]], [0, 133, 255, 0, 255]);
});

test("grey and colour samples become opaque pixels", () => {
  const table = windowing.windowTable({ level: 127.5, width: 255 }, 256);
  const grey = new Uint32Array(2);
  windowing.paintSamples(Uint8Array.of(0, 255), 1, table, grey);
  assert.deepEqual([...grey], [0xff000000, 0xffffffff]);
  const colour = new Uint32Array(1);
  windowing.paintSamples(Uint8Array.of(1, 2, 3), 3, table, colour);
  assert.deepEqual([...colour], [0xff030201]);
});

test("the automatic window ignores stray extremes", () => {
  const samples = Uint16Array.from({ length: 1000 }, (_, i) => (i === 0 ? 65535 : 1000 + (i % 100)));
  const found = windowing.autoWindow(samples, { width: 100, channels: 1, dtype: "uint16" }, [0, 0, 100, 10]);
  assert.ok(found.level > 1040 && found.level < 1060 && found.width <= 100);
});

test("undo and redo walk the states, a new step forgets the undone, amend is no step", () => {
  const history = new History("a");
  history.push("b", "to b");
  history.amend("b2");
  assert.equal(history.undo(), "to b");
  assert.equal(history.present, "a");
  assert.equal(history.redo(), "to b");
  assert.equal(history.present, "b2");
  history.undo();
  history.push("c", "to c");
  assert.equal(history.canRedo, false);
  assert.equal(history.undo(), "to c");
  assert.equal(history.undo(), null);
});

test("of a burst only the first and the newest of each key are sent", async () => {
  const sent = [];
  let open;
  const gate = new Promise((resolve) => (open = resolve));
  const queue = new LatestWins(async (job) => {
    sent.push(job);
    await gate;
    return job;
  });
  const answers = [queue.push("o1", 1), queue.push("o1", 2), queue.push("o2", 9), queue.push("o1", 3)];
  open();
  assert.deepEqual(await Promise.all(answers), [1, null, 9, 3]);
  assert.deepEqual(sent, [1, 9, 3]);
  assert.equal(queue.busy, false);
});

test("a failed request does not stop the next one", async () => {
  const queue = new LatestWins(async (job) => {
    if (job === "bad") throw new Error("no");
    return job;
  });
  await assert.rejects(queue.push("a", "bad"));
  assert.equal(await queue.push("a", "good"), "good");
});

test("the clock stands still while hidden and after long idleness", () => {
  let t = 0;
  const clock = new WorkClock({ now: () => t, idleSeconds: 10 });
  clock.start(5);
  t = 4000;
  assert.equal(clock.seconds, 9);
  clock.pause();
  t = 100000;
  assert.equal(clock.seconds, 9);
  clock.resume();
  t = 103000;
  assert.equal(clock.seconds, 12);
  t = 999000;
  assert.equal(clock.seconds, 19);
  clock.touch();
  t = 1000000;
  assert.equal(clock.seconds, 20);
});

test("brush and eraser overrule the model and come back as run lengths", () => {
  const mask = new LiveMask(20, 10);
  const model = new Uint8Array(200);
  for (let y = 2; y < 8; y++) model.fill(1, y * 20 + 2, y * 20 + 8);
  const counts = rle.encode(model, 10, 20);
  mask.load(counts, null);
  const box = mask.stroke({ x: 12.5, y: 5.5 }, { x: 16.5, y: 5.5 }, 2, IN);
  assert.ok(box[0] <= 11 && box[2] >= 18 && box[1] >= 3 && box[3] <= 8);
  mask.stroke({ x: 3.5, y: 3.5 }, { x: 3.5, y: 3.5 }, 0.4, OUT);
  assert.equal(mask.bits[5 * 20 + 14], 1);
  assert.equal(mask.bits[3 * 20 + 3], 0);
  const again = new LiveMask(20, 10);
  again.load(counts, mask.edits());
  assert.deepEqual(again.bits, mask.bits);
  again.load(counts, null);
  assert.deepEqual(again.bits, model);
  assert.equal(again.edits(), null);
});

test("strokes beyond the border stay inside the image", () => {
  const mask = new LiveMask(6, 4);
  assert.deepEqual(mask.stroke({ x: -3, y: -3 }, { x: 9, y: 7 }, 2, IN).map((v) => v >= 0), [true, true, true, true]);
  assert.equal(mask.stroke({ x: 50, y: 50 }, { x: 60, y: 60 }, 2, IN), null);
});

test("the border of one pixel is its four sides, straight sides are joined", () => {
  const one = new Uint8Array(9);
  one[4] = 1;
  assert.equal(borderSegments(one, 3, 3).length / 4, 4);
  const bar = Uint8Array.from([1, 1, 1, 0, 0, 0]);
  assert.deepEqual(borderSegments(bar, 3, 2), [0, 0, 3, 0, 0, 1, 3, 1, 0, 0, 0, 1, 3, 0, 3, 1]);
});

test("an axis has round numbers within its ends", () => {
  assert.deepEqual(ticks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(0, 41, 8), [0, 10, 20, 30, 40]);
  assert.deepEqual(ticks(0.6, 1, 5), [0.6, 0.7, 0.8, 0.9, 1]);
});

test("durations read as people say them", () => {
  assert.deepEqual([41.6, 65, 3720].map(duration), ["42 s", "1:05 min", "1:02 h"]);
});

test("the soft border stays within half a pixel of the exact one and is closed", () => {
  const bits = new Uint8Array(20 * 16);
  for (let y = 0; y < 16; y++) for (let x = 0; x < 20; x++) if (Math.hypot(x - 9, y - 7) < 5.3 || (x === 15 && y === 3)) bits[y * 20 + x] = 1;
  const soft = softSegments(bits, 20, 16);
  const exact = borderSegments(bits, 20, 16);
  const ends = new Map();
  for (let i = 0; i < soft.length; i += 2) {
    const [x, y] = [soft[i], soft[i + 1]];
    ends.set(`${x},${y}`, (ends.get(`${x},${y}`) ?? 0) + 1);
    let nearest = Infinity;
    for (let k = 0; k < exact.length; k += 4) {
      const [ax, ay, bx, by] = exact.slice(k, k + 4);
      const dx = Math.max(ax - x, 0, x - bx);
      const dy = Math.max(ay - y, 0, y - by);
      nearest = Math.min(nearest, Math.hypot(dx, dy));
    }
    assert.ok(nearest <= 0.5);
  }
  assert.ok([...ends.values()].every((n) => n === 2));
});

test("a mask is split into its connected parts, as a slow flood fill does", () => {
  let seed = 3;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let k = 0; k < 40; k++) {
    const [h, w] = [3 + Math.floor(random() * 9), 3 + Math.floor(random() * 9)];
    const bits = Uint8Array.from({ length: h * w }, () => (random() < 0.45 ? 1 : 0));
    const seen = new Set();
    const slow = [];
    for (let i = 0; i < h * w; i++) {
      if (!bits[i] || seen.has(i)) continue;
      const part = new Uint8Array(h * w);
      const open = [i];
      seen.add(i);
      while (open.length) {
        const p = open.pop();
        part[p] = 1;
        const [x, y] = [p % w, Math.floor(p / w)];
        for (const [u, v] of [[x - 1, y], [x + 1, y], [x, y - 1], [x, y + 1]]) {
          const q = v * w + u;
          if (u >= 0 && v >= 0 && u < w && v < h && bits[q] && !seen.has(q)) {
            seen.add(q);
            open.push(q);
          }
        }
      }
      slow.push(rle.encode(part, h, w).join());
    }
    const fast = splitParts(rle.encode(bits, h, w), h, w).map((counts) => counts.join());
    assert.deepEqual(fast.sort(), slow.sort());
  }
});

test("specks are left out, and too many parts stay one mask", () => {
  const bits = Uint8Array.from([1, 0, 1, 0, 1, 0, 1, 0, 1]);
  const counts = rle.encode(bits, 1, 9);
  assert.equal(splitParts(counts, 1, 9).length, 5);
  assert.deepEqual(splitParts(counts, 1, 9, { most: 4 }), [counts]);
  assert.deepEqual(splitParts(counts, 1, 9, { minPixels: 2 }), []);
});
