import assert from "node:assert/strict";
import { test } from "node:test";

import { LiveMask, IN, OUT } from "../../app/ui/static/js/core/live_mask.js";
import * as outline from "../../app/ui/static/js/core/outline.js";
import { boxAround, eachRun, ringsOf, thinnedRing } from "../../app/ui/static/js/core/polygon.js";
import * as rle from "../../app/ui/static/js/core/rle.js";
import { distanceToLine } from "../../app/ui/static/js/core/strokes.js";

function filled(rings, width, height, rule) {
  const bits = new Uint8Array(width * height);
  eachRun(rings, [0, 0, width, height], (x0, x1, y) => bits.fill(1, y * width + x0, y * width + x1), rule);
  return bits;
}

function disc(width, height, cx, cy, radius, hole = 0) {
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const away = Math.hypot((i % width) + 0.5 - cx, Math.floor(i / width) + 0.5 - cy);
    return away < radius && away >= hole ? 1 : 0;
  });
}

function randomBits(width, height, share, seed) {
  let state = seed;
  const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
  return Uint8Array.from({ length: width * height }, () => (random() < share ? 1 : 0));
}

const live = (bits, width, height) => {
  const mask = new LiveMask(width, height);
  mask.load(rle.encode(bits, height, width), null);
  return mask;
};

test("a pixel is inside when its centre is", () => {
  const square = [[1, 1], [3, 1], [3, 3], [1, 3]];
  assert.deepEqual([...filled([square], 4, 4)], [0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
  assert.equal(filled([[[1.6, 1.6], [2.4, 1.6], [2.4, 2.4], [1.6, 2.4]]], 4, 4).some(Boolean), false);
  assert.equal(filled([[[-5, -5], [9, -5], [9, 9], [-5, 9]]], 4, 4).every(Boolean), true);
});

test("the fill agrees with a ray cast from every pixel's centre", () => {
  const ring = [[1.3, 0.2], [9.1, 3.7], [4.4, 4.1], [11.2, 9.6], [0.4, 8.8], [6.3, 2.2]];
  const bits = filled([ring], 12, 10);
  for (let i = 0; i < bits.length; i++) {
    const [x, y] = [(i % 12) + 0.5, Math.floor(i / 12) + 0.5];
    let inside = false;
    ring.forEach(([bx, by], k) => {
      const [ax, ay] = ring.at(k - 1);
      if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside;
    });
    assert.equal(bits[i] === 1, inside, `${x}, ${y}`);
  }
});

test("a ring in a ring is a hole; a lasso that crosses itself leaves no gap", () => {
  const outer = [[0, 0], [6, 0], [6, 6], [0, 6]];
  const inner = [[2, 2], [4, 2], [4, 4], [2, 4]];
  assert.equal(filled([outer, inner], 6, 6).reduce((a, b) => a + b), 32);
  const twice = [...outer, [0, 0], ...inner.map(([x, y]) => [x, y])];
  assert.equal(filled([twice], 6, 6)[3 * 6 + 3], 0);
  assert.equal(filled([twice], 6, 6, "nonzero")[3 * 6 + 3], 1);
});

test("rings filled again are the same mask: noise, holes, corners that touch, borders of the image", () => {
  for (const [share, seed] of [[0.1, 3], [0.5, 5], [0.62, 11], [0.95, 17], [1, 1], [0, 1]]) {
    for (const [width, height] of [[13, 9], [1, 7], [8, 1]]) {
      const bits = randomBits(width, height, share, seed);
      assert.deepEqual(filled(ringsOf(bits, width, height), width, height), bits);
    }
  }
  assert.equal(ringsOf(Uint8Array.from([1, 0, 0, 1]), 2, 2).length, 2);
  assert.equal(ringsOf(disc(20, 20, 10, 10, 8, 3), 20, 20).length, 2);
});

test("a thinned ring has few corners and stays near, and is a triangle at least", () => {
  const [ring] = ringsOf(disc(80, 70, 40, 35, 28), 80, 70);
  const thinned = thinnedRing(ring, 1);
  assert.ok(thinned.length < 24 && ring.length > 150);
  const closed = [...thinned, thinned[0]];
  for (const [x, y] of ring) assert.ok(distanceToLine(x, y, closed) <= 1 + 1e-9);
  const [speck] = ringsOf(Uint8Array.from([1]), 1, 1);
  assert.equal(thinnedRing(speck, 5).length, 4);
  assert.ok(thinnedRing(ring, 500).length >= 3);
});

test("the box around corners keeps to the image", () => {
  assert.deepEqual(boxAround([[1.5, 2.5], [3.2, -4]], 10, 10, 1), [0, 0, 5, 4]);
  assert.equal(boxAround([[-9, -9], [-5, -5]], 10, 10, 1), null);
});

test("a lasso paints in or out and is an edit like the brush's", () => {
  const mask = live(new Uint8Array(100), 10, 10);
  const ring = [[2, 2], [8, 2], [8, 8], [2, 8]];
  assert.ok(mask.fill([ring], IN));
  assert.equal(mask.bits.reduce((a, b) => a + b), 36);
  mask.fill([[[2, 2], [5, 2], [5, 8], [2, 8]]], OUT);
  assert.equal(mask.bits.reduce((a, b) => a + b), 18);
  const edits = mask.edits();
  assert.equal(rle.area(edits.painted) + rle.area(edits.erased), 36);
  mask.rebase([0, 100]);
  assert.equal(mask.bits[4 * 10 + 3], 0, "what was taken out stays out under another answer");
  assert.equal(mask.fill([[[0, 0], [0.2, 0], [0.2, 0.2]]], IN), false);
});

test("an outline of few corners lies within its tolerance of the border, with its hole", () => {
  const bits = disc(90, 80, 45, 40, 30, 10);
  const { rings, tolerance } = outline.outlineOf(bits, 90, 80);
  assert.equal(rings.length, 2);
  assert.ok(rings.flat().length < 40);
  const again = filled(rings, 90, 80);
  const [x, y] = [(i) => (i % 90) + 0.5, (i) => Math.floor(i / 90) + 0.5];
  again.forEach((bit, i) => {
    const away = Math.hypot(x(i) - 45, y(i) - 40);
    if (bit !== bits[i]) assert.ok(Math.min(Math.abs(away - 30), Math.abs(away - 10)) < tolerance + 1);
  });
});

test("a dragged corner writes the pixels around its edges and no others", () => {
  const [width, height] = [90, 80];
  const bits = disc(width, height, 45, 40, 30);
  const { rings, tolerance } = outline.outlineOf(bits, width, height);
  const mask = live(bits, width, height);
  const index = rings[0].findIndex(([cx]) => cx === Math.max(...rings[0].map(([v]) => v)));
  const [cx, cy] = rings[0][index];
  const place = { ring: 0, index };
  const out = outline.movedCorner(rings, place, [cx + 10, cy]);
  outline.writeOutline(mask, rings, out, place, tolerance);
  assert.equal(mask.bits[Math.floor(cy) * width + Math.floor(cx + 7)], 1);
  const lines = [rings, out].map((r) => [r[0].at(index - 1), r[0][index], r[0][(index + 1) % r[0].length]]);
  const [was, is] = [filled(rings, width, height), filled(out, width, height)];
  mask.bits.forEach((bit, i) => {
    const near = lines.some((line) => distanceToLine((i % width) + 0.5, Math.floor(i / width) + 0.5, line) <= tolerance + 0.5);
    assert.equal(bit, near || was[i] !== is[i] ? is[i] : bits[i]);
    assert.equal(mask.strokes[i] !== 0, bit !== bits[i]);
  });
  const back = outline.movedCorner(out, place, [cx - 8, cy]);
  outline.writeOutline(mask, out, back, place, tolerance);
  assert.equal(mask.bits[Math.floor(cy) * width + Math.floor(cx + 7)], 0);
  assert.equal(mask.bits[Math.floor(cy) * width + Math.floor(cx - 1)], 0, "no sliver stays outside");
});

test("the corners of a hole move the hole, and a hole without corners is filled", () => {
  const [width, height] = [60, 60];
  const bits = disc(width, height, 30, 30, 25, 10);
  const { rings, tolerance } = outline.outlineOf(bits, width, height);
  const hole = rings.findIndex((ring) => Math.max(...ring.map(([x]) => x)) < 45);
  const index = rings[hole].findIndex(([x]) => x === Math.max(...rings[hole].map(([v]) => v)));
  const place = { ring: hole, index };
  const mask = live(bits, width, height);
  outline.writeOutline(mask, rings, outline.movedCorner(rings, place, [46, 30]), place, tolerance);
  assert.equal(mask.bits[30 * width + 42], 0, "the hole grew");
  assert.equal(mask.bits[30 * width + 15], 1);
  const whole = live(bits, width, height);
  let [before, after] = [rings, rings];
  while (after.length === rings.length) {
    before = after;
    after = outline.withoutCorner(before, { ring: hole, index: 0 });
    outline.writeOutline(whole, before, after, { ring: hole, index: 0 }, tolerance);
  }
  assert.equal(whole.bits[30 * width + 30], 1);
  assert.deepEqual(whole.bits, disc(width, height, 30, 30, 25).map((bit, i) => bit || whole.bits[i]));
});

test("a corner put in on an edge changes no inside", () => {
  const { rings } = outline.outlineOf(disc(60, 60, 30, 30, 20), 60, 60);
  const [ax, ay] = rings[0].at(-1);
  const [bx, by] = rings[0][0];
  const middle = { x: (ax + bx) / 2, y: (ay + by) / 2 };
  const edge = outline.edgeAt(rings, { x: middle.x + 0.3, y: middle.y }, 1);
  assert.deepEqual([edge.ring, edge.index], [0, 0]);
  const more = outline.withCorner(rings, edge, edge.at);
  assert.equal(more[0].length, rings[0].length + 1);
  assert.deepEqual(filled(more, 60, 60), filled(rings, 60, 60));
  assert.equal(outline.edgeAt(rings, { x: 30, y: 30 }, 3), null);
});

test("the nearest corner within reach is found", () => {
  const rings = [[[0, 0], [10, 0], [10, 10]], [[12, 10], [20, 10], [20, 20]]];
  assert.deepEqual(outline.cornerAt(rings, { x: 10.8, y: 10 }, 3), { ring: 0, index: 2 });
  assert.deepEqual(outline.cornerAt(rings, { x: 11.3, y: 10 }, 3), { ring: 1, index: 0 });
  assert.equal(outline.cornerAt(rings, { x: 5, y: 5 }, 3), null);
});
