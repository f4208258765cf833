import assert from "node:assert/strict";
import { test } from "node:test";

import { Answers } from "../../app/ui/static/js/core/answers.js";
import { handleAt, handlePlace, movedHandle, touches, WHOLE, windowBetween } from "../../app/ui/static/js/core/labeled_window.js";
import { withSaved } from "../../app/ui/static/js/core/reopened.js";
import * as sheets from "../../app/ui/static/js/core/sheet.js";
import { packAnnotation, packDraft, unpackDraft } from "../../app/ui/static/js/core/wire.js";

const SIZE = { width: 40, height: 30 };
const BOX = [10, 5, 30, 25];

test("a drag in any direction gives whole pixels inside the image, and a slip of the hand gives nothing", () => {
  assert.deepEqual(windowBetween({ x: 30.4, y: 24.6 }, { x: 9.6, y: 5.2 }, SIZE), BOX);
  assert.deepEqual(windowBetween({ x: -9, y: -9 }, { x: 99, y: 10 }, SIZE), [0, 0, 40, 10]);
  assert.equal(windowBetween({ x: 3, y: 3 }, { x: 5, y: 20 }, SIZE), null);
  assert.deepEqual(windowBetween({ x: -1, y: 0 }, { x: 9, y: 9 }, { width: 3, height: 30 }), [0, 0, 3, 9]);
});

test("corners, sides and the inside are told apart within reach, and nothing is found beside the window", () => {
  assert.equal(handleAt(BOX, { x: 11, y: 4 }, 2), 0);
  assert.equal(handleAt(BOX, { x: 29, y: 24 }, 2), 2);
  assert.equal(handleAt(BOX, { x: 20, y: 26 }, 2), 6);
  assert.equal(handleAt(BOX, { x: 9, y: 15 }, 2), 7);
  assert.equal(handleAt(BOX, { x: 20, y: 15 }, 2), WHOLE);
  assert.equal(handleAt(BOX, { x: 33, y: 15 }, 2), null);
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 7].map((h) => handleAt(BOX, handlePlace(BOX, h), 2)), [0, 1, 2, 3, 4, 5, 6, 7]);
});

test("a handle moves its sides alone, the whole keeps its size, and neither leaves the image", () => {
  assert.deepEqual(movedHandle(BOX, 0, -3, 2, SIZE), [7, 7, 30, 25]);
  assert.deepEqual(movedHandle(BOX, 5, 99, 99, SIZE), [10, 5, 40, 25]);
  assert.deepEqual(movedHandle(BOX, 7, 99, 0, SIZE), [26, 5, 30, 25]);
  assert.deepEqual(movedHandle(BOX, WHOLE, 99, -99, SIZE), [20, 0, 40, 20]);
  assert.deepEqual(movedHandle(BOX, WHOLE, 0.4, 1.6, SIZE), [10, 7, 30, 27]);
});

test("a mask touches the window when one pixel lies in it", () => {
  const runs = (x, y, length) => [x * 30 + y, length, 40 * 30 - x * 30 - y - length];
  assert.equal(touches(runs(10, 24, 3), BOX, 30), true);
  assert.equal(touches(runs(10, 25, 3), BOX, 30), false);
  assert.equal(touches(runs(30, 10, 3), BOX, 30), false);
  assert.equal(touches(runs(9, 29, 40), BOX, 30), true); // from one column into the next
  assert.equal(touches(runs(30, 10, 3), null, 30), true);
});

const objectAt = (x) => ({ class_id: 1, mask: { size: [3, 4], counts: [3 * x, 3, 9 - 3 * x] }, points: [], box: null, scribbles: [], edited: true, edits: null });
const packed = (sheet) =>
  packAnnotation({
    item: { width: 4, height: 3, version: 1, lease: { token: "t" } },
    sheet,
    answers: new Answers(4, 3),
    window: null,
    seconds: 1,
    clicks: 0,
    submissionId: "u",
  });

test("what is accepted names the window and leaves out objects beside it", () => {
  const sheet = withSaved(sheets.newSheet(1), [objectAt(0), objectAt(3)]);
  assert.equal(packed(sheet).labeled_window, null);
  assert.equal(packed(sheet).objects.length, 2);
  const part = packed(sheets.setWindow(sheet, [0, 0, 2, 3]));
  assert.deepEqual(part.labeled_window, [0, 0, 2, 3]);
  assert.deepEqual(part.objects.map((o) => o.mask.counts[0]), [0]);
});

test("a window is part of the sheet: the same one is no change, it outlives clearing, and a draft brings it back", () => {
  const sheet = sheets.setWindow(sheets.newSheet(1), [0, 0, 2, 3]);
  assert.equal(sheets.setWindow(sheet, [0, 0, 2, 3]), sheet);
  assert.equal(sheets.setWindow(sheets.newSheet(1), null).part, undefined);
  assert.deepEqual(sheets.windowOf(sheets.clear(sheet)), [0, 0, 2, 3]);
  const answers = new Answers(4, 3);
  const draft = JSON.parse(JSON.stringify(packDraft({ sheet, answers, window: null, seconds: 0, clicks: 1, savedAt: 5 })));
  assert.deepEqual(sheets.windowOf(unpackDraft(draft, answers).sheet), [0, 0, 2, 3]);
  assert.equal(sheets.windowOf(sheets.setWindow(sheet, null)), null);
});
