import assert from "node:assert/strict";
import { test } from "node:test";

import * as marks from "../../app/ui/static/js/core/marks.js";
import * as sheets from "../../app/ui/static/js/core/sheet.js";
import { distanceToLine, distanceToSegment, thin, thinnedStroke } from "../../app/ui/static/js/core/strokes.js";
import { unpackDraft } from "../../app/ui/static/js/core/wire.js";

const SIZE = { width: 40, height: 30 };
const FULL = {
  points: [{ x: 5, y: 6, label: 1 }],
  scribbles: [{ points: [[10, 20], [20, 20]], label: 0 }],
  box: [4, 4, 24, 14],
};

function randomLine(n, seed = 3) {
  let state = seed;
  const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
  return Array.from({ length: n }, () => [random() * 100, random() * 100]);
}

test("distances from a segment and from a line, worked by hand", () => {
  assert.equal(distanceToSegment(5, 3, [0, 0], [10, 0]), 3);
  assert.equal(distanceToSegment(13, 4, [0, 0], [10, 0]), 5);
  assert.equal(distanceToSegment(3, 4, [0, 0], [0, 0]), 5);
  assert.equal(distanceToLine(12, 5, [[0, 0], [10, 0], [10, 10]]), 2);
  assert.equal(distanceToLine(3, 4, [[0, 0]]), 5);
});

test("thinning keeps the ends and the corners, and drops what lies on the way", () => {
  assert.deepEqual(thin([[0, 0], [1, 0.1], [2, 0], [2, 1], [2, 2]], 0.5), [[0, 0], [2, 0], [2, 2]]);
  assert.deepEqual(thin([[1, 1]], 0.5), [[1, 1]]);
});

test("no corner that goes lay further from the new line than allowed", () => {
  for (const tolerance of [0.5, 5, 40]) {
    const line = randomLine(200);
    const less = thin(line, tolerance);
    for (const [x, y] of line) assert.ok(distanceToLine(x, y, less) <= tolerance + 1e-9);
    assert.deepEqual([less[0], less.at(-1)], [line[0], line.at(-1)]);
  }
});

test("a stroke that did not move is one corner; a long one is thinned until it fits", () => {
  assert.deepEqual(thinnedStroke([[3, 3], [3.2, 3.1], [3, 3]]), [[3, 3]]);
  assert.deepEqual(thinnedStroke([[3, 3]]), [[3, 3]]);
  assert.ok(thinnedStroke(randomLine(3000)).length <= 1000);
});

test("a stroke is a prompt, asks another question and is kept within the image", () => {
  const before = sheets.newSheet(1);
  const after = sheets.addScribble(before, { points: [[1.239, 2], [39.999, 3]], label: 1 });
  assert.deepEqual(sheets.active(after).scribbles, [{ points: [[1.23, 2], [39.99, 3]], label: 1 }]);
  assert.ok(sheets.hasPrompts(sheets.active(after)));
  assert.notEqual(sheets.askKey(sheets.active(before)), sheets.askKey(sheets.active(after)));
});

test("the first positive stroke on a starting mask grows the box that holds it, a negative one does not", () => {
  const offered = sheets.withStart(sheets.newSheet(1), { objects: [{ class_id: 1, mask: { counts: [3, 2, 7] } }] });
  const sheet = sheets.select(offered, offered.objects[0].id);
  const boxed = (label) => sheets.active(sheets.addScribble(sheet, { points: [[3, 1], [0.5, 1]], label }, { startBox: [1, 0, 2, 2] })).box;
  assert.deepEqual(boxed(1), [0.5, 0, 3, 2]);
  assert.deepEqual(boxed(0), [1, 0, 2, 2]);
});

test("a draft from before there were strokes opens", () => {
  const sheet = sheets.newSheet(1);
  const old = { ...sheet, objects: sheet.objects.map(({ scribbles, ...object }) => object) };
  const back = unpackDraft({ version: 1, sheet: old, answers: [] }, null);
  assert.deepEqual(back.sheet, sheet);
});

test("marks are found in the order point, handle, stroke, box line; nothing far away", () => {
  const at = (x, y, reach = 1) => marks.markAt(FULL, { x, y }, reach);
  assert.deepEqual(at(5.5, 6), { kind: "point", index: 0 });
  assert.deepEqual(at(24, 14), { kind: "handle", index: 4 });
  assert.deepEqual(at(14, 4), { kind: "handle", index: 1 });
  assert.deepEqual(at(15, 20.5), { kind: "stroke", index: 0 });
  assert.deepEqual(at(24, 11), { kind: "box", index: 0 });
  assert.equal(at(15, 10), null);
  assert.deepEqual(at(5, 5, 3), { kind: "point", index: 0 });
});

test("every mark of the list is there, can be moved and taken away", () => {
  const listed = marks.marksOf(FULL);
  assert.deepEqual(listed.map((m) => m.kind), ["point", "stroke", "box", "handle", "handle"]);
  for (const mark of listed) {
    assert.ok(marks.hasMark(FULL, mark));
    assert.ok(marks.movedMark(FULL, mark, 1, 1, SIZE));
    assert.ok(!marks.hasMark({ ...FULL, ...marks.withoutMark(FULL, mark) }, mark));
    const { x, y } = marks.placeOf(FULL, mark);
    assert.notEqual(marks.markAt(FULL, { x, y }, 0.5), null);
  }
});

test("moves are exact, and stop at the image's sides without a change of shape", () => {
  const { movedMark } = marks;
  assert.deepEqual(movedMark(FULL, { kind: "point", index: 0 }, 2, -1, SIZE), { points: [{ x: 7, y: 5, label: 1 }] });
  assert.deepEqual(movedMark(FULL, { kind: "point", index: 0 }, 99, 99, SIZE).points[0], { x: 39.99, y: 29.99, label: 1 });
  assert.deepEqual(movedMark(FULL, { kind: "stroke", index: 0 }, -50, 1, SIZE).scribbles[0].points, [[0, 21], [10, 21]]);
  assert.deepEqual(movedMark(FULL, { kind: "box", index: 0 }, 99, 2, SIZE), { box: [20, 6, 40, 16] });
  assert.deepEqual(movedMark(FULL, { kind: "handle", index: 0 }, -1, 2, SIZE), { box: [3, 6, 24, 14] });
  assert.deepEqual(movedMark(FULL, { kind: "handle", index: 1 }, 5, -2, SIZE), { box: [4, 2, 24, 14] });
  assert.deepEqual(movedMark(FULL, { kind: "handle", index: 4 }, -99, -99, SIZE), { box: [4, 4, 5, 5] });
});

test("a move that moves nothing is no change", () => {
  const cornered = { ...FULL, points: [{ x: 0, y: 0, label: 0 }], box: [0, 0, 40, 30] };
  assert.equal(marks.movedMark(cornered, { kind: "point", index: 0 }, -3, -3, SIZE), null);
  assert.equal(marks.movedMark(cornered, { kind: "box", index: 0 }, 5, 5, SIZE), null);
});

test("a moved prompt has no answer to go on from", () => {
  const clicked = sheets.addPoint(sheets.newSheet(1), { x: 5, y: 6, label: 1 }, { logitsId: "L" });
  const object = sheets.active(sheets.setPrompts(clicked, marks.movedMark(sheets.active(clicked), { kind: "point", index: 0 }, 1, 0, SIZE)));
  assert.equal(object.logitsId, null);
  assert.equal(object.points[0].x, 6);
});
