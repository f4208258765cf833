import assert from "node:assert/strict";
import { test } from "node:test";

import { heatPixels, scaleColour } from "../../app/ui/static/js/core/colours.js";
import { borderSegments, joined, softSegments } from "../../app/ui/static/js/core/contour.js";
import { History } from "../../app/ui/static/js/core/history.js";
import { IN, LiveMask, OUT } from "../../app/ui/static/js/core/live_mask.js";
import { distance, roundLength, shortNumber } from "../../app/ui/static/js/core/measure.js";
import * as presets from "../../app/ui/static/js/core/presets.js";
import * as rle from "../../app/ui/static/js/core/rle.js";
import * as sheets from "../../app/ui/static/js/core/sheet.js";
import { Shelf } from "../../app/ui/static/js/core/shelf.js";
import * as tiles from "../../app/ui/static/js/core/tiles.js";
import { Viewport } from "../../app/ui/static/js/core/viewport.js";
import { windowTable } from "../../app/ui/static/js/core/windowing.js";
import { commandTable } from "../../app/ui/static/js/canvas/commands.js";

/** Repeatable numbers in [0, 1). */
function numbers(seed) {
  let state = seed;
  return () => ((state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31);
}

function blobs(width, height, seed, share = 0.4) {
  const next = numbers(seed);
  return Uint8Array.from({ length: width * height }, () => (next() < share ? 1 : 0));
}

function viewOf(imageWidth, imageHeight, width = 100, height = 80) {
  const view = new Viewport();
  view.setImage(imageWidth, imageHeight);
  view.resize(width, height);
  return view;
}

test("no key does two things", () => {
  const keys = commandTable({}).flatMap((command) => command.keys);
  assert.deepEqual(keys.filter((key, i) => keys.indexOf(key) !== i), []);
});

test("runs within a box are those of the whole bitmap", () => {
  for (let seed = 1; seed < 40; seed++) {
    const [height, width] = [7, 9];
    const box = [seed % 4, seed % 3, 9 - (seed % 5), 7 - (seed % 2)];
    const bits = blobs(width, height, seed, 0.7).map((v, i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      return x >= box[0] && x < box[2] && y >= box[1] && y < box[3] ? v : 0;
    });
    assert.deepEqual(rle.encode(bits, height, width, 0, box), rle.encode(bits, height, width));
  }
  assert.deepEqual(rle.encode(new Uint8Array(6), 2, 3, 0, [0, 0, 0, 0]), [6]);
});

test("a live mask forgets nothing outside the box it keeps, whatever came before", () => {
  const used = new LiveMask(30, 20);
  for (let seed = 1; seed < 8; seed++) {
    const counts = seed % 3 ? rle.encode(blobs(30, 20, seed, 0.02), 20, 30) : null;
    const fresh = new LiveMask(30, 20);
    for (const mask of [used, fresh]) {
      mask.load(counts, null);
      mask.stroke({ x: seed, y: 5 }, { x: 20, y: 2 * seed }, 2, seed % 2 ? IN : OUT);
      mask.rebase(counts);
    }
    assert.deepEqual(used.bits, fresh.bits);
    assert.deepEqual(used.edits(), fresh.edits());
    assert.deepEqual(used.counts(), rle.encode(used.bits, 20, 30));
    const again = new LiveMask(30, 20);
    again.load(counts, used.edits());
    assert.deepEqual(again.bits, used.bits);
  }
});

test("joined borders are closed and as long as their segments", () => {
  const length = (x0, y0, x1, y1) => Math.hypot(x1 - x0, y1 - y0);
  for (const find of [borderSegments, softSegments]) {
    for (let seed = 1; seed < 10; seed++) {
      const segments = find(blobs(8, 6, seed), 8, 6);
      let wanted = 0;
      for (let i = 0; i < segments.length; i += 4) wanted += length(...segments.slice(i, i + 4));
      let found = 0;
      for (const line of joined(segments)) {
        for (let i = 2; i < line.length; i += 2) found += length(...line.slice(i - 2, i + 2));
        assert.deepEqual(line.slice(0, 2), line.slice(-2));
      }
      assert.ok(Math.abs(found - wanted) < 1e-9);
    }
  }
  assert.deepEqual(joined(borderSegments(Uint8Array.of(1), 1, 1)).map((line) => line.length), [10]);
});

test("a tile is no finer than the screen, no coarser than half of it, and is kept while it serves", () => {
  const view = viewOf(4096, 4096);
  const whole = tiles.tileFor(view, 1);
  assert.deepEqual(whole, { level: 5, box: [0, 0, 128, 128] }); // 48 pixels across on the screen, 128 at level 5
  view.zoomAt(50, 40, 80);
  const part = tiles.tileFor(view, 1, whole);
  assert.equal(part.level, 0);
  const a = view.toImage(0, 0);
  assert.ok(part.box[0] <= a.x && part.box[1] <= a.y);
  assert.ok((part.box[2] - part.box[0]) * view.scale < 100 * 1.4 + 2);
  view.pan(10, -8);
  assert.equal(tiles.tileFor(view, 1, part), part);
  view.pan(30, 0);
  assert.notEqual(tiles.tileFor(view, 1, part), part);
  assert.equal(tiles.levelFor(0.5, 2), 0);
  assert.equal(tiles.levelFor(0.5, 1), 1);
  assert.equal(tiles.levelFor(0.3, 1), 1);
});

test("halving is the mean of what is covered, also at odd ends and in colour", () => {
  const grey = tiles.halved({ samples: Uint16Array.of(1, 3, 9, 5, 7, 11), width: 3, height: 2, channels: 1 });
  assert.deepEqual([...grey.samples], [4, 10]);
  const colour = tiles.halved({ samples: Uint8Array.of(0, 10, 255, 2, 20, 255), width: 2, height: 1, channels: 3 });
  assert.deepEqual([...colour.samples], [1, 15, 255]);
});

test("masks at any level touch the pixels that a slow count says", () => {
  const [width, height] = [13, 11];
  for (let seed = 1; seed < 12; seed++) {
    const bits = blobs(width, height, seed, 0.15);
    const counts = rle.encode(bits, height, width);
    for (const level of [0, 1, 2]) {
      const tile = { level, box: [1, 0, Math.ceil(width / 2 ** level) - 1, Math.ceil(height / 2 ** level)] };
      const across = tile.box[2] - tile.box[0];
      const wanted = new Uint32Array(across * tile.box[3]);
      bits.forEach((bit, i) => {
        const [x, y] = [(i % width) >> level, Math.floor(i / width) >> level];
        if (bit && x >= tile.box[0] && x < tile.box[2]) wanted[y * across + x - tile.box[0]] = 7;
      });
      const ran = new Uint32Array(wanted.length);
      tiles.fillTile(counts, height, tile, ran, 7);
      assert.deepEqual(ran, wanted);
      const painted = new Uint32Array(wanted.length).fill(3);
      tiles.bitsTile(bits, width, height, tile, tile.box, painted, 7);
      assert.deepEqual(painted, wanted);
    }
  }
});

test("a locked object may be neither changed nor lost, others may, and the refusal names it", () => {
  const shelf = new Shelf();
  const refused = [];
  shelf.onRefused = (object) => refused.push(object.id);
  const one = sheets.addPoint(sheets.newSheet(1), { x: 1, y: 1, label: 1 });
  const two = sheets.addPoint(sheets.nextObject(one), { x: 2, y: 2, label: 1 });
  shelf.toggle(shelf.locked, "o1");
  assert.ok(shelf.allows(two, sheets.setClass(two, 2)));
  assert.ok(shelf.allows(two, sheets.select(two, "o1")));
  assert.ok(shelf.allows(two, sheets.remove(two, "o2")));
  assert.ok(!shelf.allows(two, sheets.remove(two, "o1")));
  assert.ok(!shelf.allows(two, sheets.setClass(sheets.select(two, "o1"), 2)));
  assert.ok(!shelf.allows(two, sheets.clear(two)));
  assert.ok(shelf.allows(two, sheets.clear(two, (object) => shelf.locked.has(object.id))));
  assert.deepEqual(refused, ["o1", "o1", "o1"]);
  const history = new History(sheets.newSheet(1));
  history.push(one, "point+");
  assert.ok(!shelf.allows(history.present, history.next("undo")));
  assert.equal(history.next("redo"), null);
});

test("only one object, then all again; what is hidden and locked survives a reload", () => {
  const shelf = new Shelf();
  const objects = [{ id: "a" }, { id: "b" }, { id: "c" }];
  shelf.only("b", objects);
  assert.deepEqual([...shelf.hidden], ["a", "c"]);
  shelf.toggle(shelf.locked, "c");
  const back = new Shelf();
  back.restore(JSON.parse(JSON.stringify(shelf.pack())));
  assert.deepEqual(back.pack(), { hidden: ["a", "c"], locked: ["c"] });
  back.only("b", objects);
  assert.equal(back.hidden.size, 0);
  back.restore(undefined);
  assert.deepEqual(back.pack(), { hidden: [], locked: [] });
});

test("colours of the scale go through its stops and grow brighter throughout", () => {
  assert.deepEqual(scaleColour(0), [68, 1, 84]);
  assert.deepEqual(scaleColour(1), [253, 231, 37]);
  assert.deepEqual(scaleColour(1 / 9), [72, 40, 120]);
  const luminance = Array.from({ length: 101 }, (_, i) => scaleColour(i / 100)).map(([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b);
  for (let i = 1; i < luminance.length; i++) assert.ok(luminance[i] >= luminance[i - 1]);
  const pixels = heatPixels(Uint8Array.of(0, 255));
  assert.deepEqual([...pixels.slice(4, 7)], [253, 231, 37]);
  assert.ok(pixels[3] < pixels[7]);
});

test("what looks like CT has its presets moved to where the file has 0 HU, nothing else has", () => {
  const item = (min, max, extra = {}) => ({ dtype: "uint16", channels: 1, window: { level: 9, width: 8, min, max }, ...extra });
  assert.equal(presets.zeroOfCt(item(0, 2500)), 1024);
  assert.equal(presets.zeroOfCt(item(31744, 34000)), 32768);
  for (const other of [item(500, 2500), item(0, 65535), item(0, 900), item(0, 2500, { dtype: "uint8" }), item(0, 2500, { channels: 3 })]) {
    assert.equal(presets.zeroOfCt(other), null);
    assert.deepEqual(presets.presetsOf(other), ["image", "auto", "full"]);
    assert.equal(presets.presetWindow("lung", other, null), null);
  }
  assert.deepEqual(presets.presetWindow("lung", item(0, 2500), null), { level: 424, width: 1500 });
  assert.deepEqual(presets.presetWindow("full", item(100, 300)), { level: 200, width: 200 });
  assert.deepEqual(presets.presetWindow("image", item(100, 300)), { level: 9, width: 8 });
  const picture = { samples: Uint16Array.of(5, 5, 5, 9), width: 2, height: 2, channels: 1, dtype: "uint16" };
  assert.deepEqual(presets.presetWindow("auto", item(0, 9), picture), { level: 7, width: 4 });
});

test("gamma brightens the middle and keeps the ends, inversion mirrors every grey", () => {
  const table = (extra) => [...windowTable({ level: 127.5, width: 255, ...extra }, 256)];
  const [plain, bright, turned] = [table({}), table({ gamma: 2 }), table({ invert: true })];
  assert.deepEqual(plain, plain.map((_, i) => i));
  assert.deepEqual([bright[0], bright[255], bright[64]], [0, 255, Math.round(255 * Math.sqrt(64 / 255))]);
  assert.deepEqual(turned, plain.map((v) => 255 - v));
});

test("lengths follow the spacing of rows and columns; a bar's length is round and fits", () => {
  assert.deepEqual(distance({ x: 1, y: 2 }, { x: 4, y: 6 }), { px: 5, mm: null });
  assert.deepEqual(distance({ x: 0, y: 0 }, { x: 3, y: 4 }, [0.5, 2]), { px: 5, mm: Math.hypot(6, 2) });
  assert.deepEqual([0.3, 1, 1.9, 2, 49, 50, 730].map(roundLength), [0.2, 1, 1, 2, 20, 50, 500]);
  assert.deepEqual([3, 99.96, 1234.5].map(shortNumber), ["3.0", "100", "1235"]);
});

test("the view is moved so that a point of the image is in its middle", () => {
  const view = viewOf(400, 300);
  view.zoomAt(10, 10, 20);
  view.centre(120, 90);
  const middle = view.toImage(50, 40);
  assert.ok(Math.abs(middle.x - 120) < 1e-9 && Math.abs(middle.y - 90) < 1e-9);
});
