import assert from "node:assert/strict";
import { test } from "node:test";

import { Work } from "../../app/ui/static/js/canvas/work.js";
import { ago, keptDrafts, startOfDay, stepTo } from "../../app/ui/static/js/core/recent.js";
import * as sheets from "../../app/ui/static/js/core/sheet.js";
import * as tiles from "../../app/ui/static/js/core/label_grid.js";
import { packAnnotation } from "../../app/ui/static/js/core/wire.js";
import { leastDice, leastSure } from "../../app/ui/static/js/day/verify.js";

const ITEM = { id: 4, version: 2, width: 4, height: 3, window: { level: 1, width: 2 }, lease: { token: "t" } };
const CLOCK = { seconds: 0, start(seconds) { this.seconds = seconds; } };
const newWork = () => new Work(ITEM, null, CLOCK, 1);
const SAVED = {
  class_id: 2, mask: { size: [3, 4], counts: [4, 3, 5] }, points: [{ x: 1, y: 1, label: 1 }], box: null, predicted_iou: 0.8,
  quality: 0.7, model_id: "m", edited: false, edits: null, from_suggestion: false, scribbles: [],
};

test("steps lead back through what was done and forward to the queue", () => {
  const done = [9, 7, 5]; // newest first
  assert.equal(stepTo(done, 11, 1), 9);
  assert.equal(stepTo(done, undefined, 1), 9);
  assert.equal(stepTo(done, 9, 1), 7);
  assert.equal(stepTo(done, 5, 1), null);
  assert.equal(stepTo(done, 5, -1), 7);
  assert.equal(stepTo(done, 9, -1), "queue");
  assert.equal(stepTo(done, 11, -1), null);
  assert.equal(stepTo([], 11, 1), null);
});

test("what masks are worth at least is rounded down, and nothing is said where nothing is promised", () => {
  assert.equal(leastDice(0.8699), "0.86");
  assert.equal(leastDice(0.29), "0.29"); // 28.999999999999996 hundredths
  assert.equal(leastDice(1), "1.00");
  for (const nothing of [null, undefined, 0]) assert.equal(leastDice(nothing), null);
});

test("a step back and a step forward end where they began", () => {
  const done = [9, 7, 5, 3];
  for (const id of done.slice(0, -1)) assert.equal(stepTo(done, stepTo(done, id, 1), -1), id);
});

test("times are said in the largest unit that is full", () => {
  const now = Date.UTC(2026, 0, 10, 12);
  const minute = 60_000;
  assert.deepEqual(ago(now + 5000, now), { unit: "now", count: 0 }); // the server's clock may be ahead
  assert.deepEqual(ago(now - 59_000, now), { unit: "now", count: 0 });
  assert.deepEqual(ago(now - 59 * minute, now), { unit: "minutes", count: 59 });
  assert.deepEqual(ago(now - 60 * minute, now), { unit: "hours", count: 1 });
  assert.deepEqual(ago(now - 49 * 60 * minute, now), { unit: "days", count: 2 });
});

test("kept drafts are those of other images", () => {
  const names = ["draft:4:0", "draft:12:3"];
  assert.deepEqual(keptDrafts(names, 4), [{ itemId: 12, name: "draft:12:3" }]);
  assert.equal(keptDrafts(names, undefined).length, 2);
});

test("the day begins at midnight", () => {
  const start = startOfDay(new Date(2026, 4, 3, 17, 20));
  assert.deepEqual([start.getDate(), start.getHours(), start.getMinutes()], [3, 0, 0]);
});

test("an object that was saved and not touched is saved again as it was; a class may change alone", () => {
  const work = newWork();
  work.reopen({ label: null, objects: [SAVED] });
  assert.equal(work.touched, false);
  assert.deepEqual(work.annotation("u").objects, [SAVED]);
  work.commit(sheets.setClass(sheets.select(work.sheet, work.sheet.objects[0].id), 1), "class");
  assert.deepEqual(work.annotation("u").objects, [{ ...SAVED, class_id: 1 }]);
});

test("strokes on a saved object make it an edited one, a prompt asks the model again", () => {
  const work = newWork();
  work.reopen({ label: null, objects: [SAVED] });
  const chosen = sheets.select(work.sheet, work.sheet.objects[0].id);
  const edited = sheets.setEdits(chosen, { painted: [0, 1, 11], erased: [12] });
  const facts = { item: ITEM, answers: work.answers, window: null, seconds: 1, clicks: 1, submissionId: "u" };
  const [body] = packAnnotation({ ...facts, sheet: edited }).objects;
  assert.deepEqual([body.edited, body.model_id, body.from_suggestion], [true, "m", false]);
  const prompted = sheets.addPoint(chosen, { x: 2, y: 2, label: 1 });
  work.answers.put(sheets.askKey(sheets.active(prompted)), { counts: [0, 12], quality: 0.5, modelId: "n", candidates: [] });
  const [fresh] = packAnnotation({ ...facts, sheet: prompted }).objects;
  assert.deepEqual([fresh.model_id, fresh.mask.counts, fresh.points.length], ["n", [0, 12], 2]);
});

test("kept work lies over what was saved meanwhile, which a step back shows", () => {
  const mine = newWork();
  mine.addPoint({ x: 1, y: 1, label: 1 });
  mine.clicks = 1;
  const draft = mine.draft();
  const work = newWork();
  assert.equal(work.restore(draft, { label: null, objects: [SAVED] }), true);
  assert.deepEqual(work.sheet, mine.sheet);
  assert.equal(work.touched, true);
  assert.equal(work.history.undo(), "kept");
  assert.deepEqual(work.annotation("u").objects, [SAVED]);
  assert.equal(work.restore({ version: 99 }, null), false);
});

test("a suggestion is what it is until the first change, and costs no click", () => {
  const work = newWork();
  const mask = { size: [3, 4], counts: [0, 12] };
  work.offer({ objects: [{ class_id: 1, mask, mean_confidence: 0.9 }] }, "segmentation");
  assert.deepEqual(work.offered, { count: 1, confidence: 0.9, least: null });
  const body = work.annotation("u");
  assert.deepEqual([body.clicks, body.objects[0].from_suggestion], [0, true]);
  const bound = newWork();
  bound.offer({ objects: [{ class_id: 1, mask, mean_confidence: 0.9 }], lower_bound: 0.86 }, "segmentation");
  assert.equal(bound.offered.least, 0.86);
  const label = newWork();
  label.offer({ objects: [], label: { name: "benign", confidence: 0.6 } }, "classification");
  assert.deepEqual([label.offered.confidence, label.annotation("u").label], [0.6, "benign"]);
});

test("the object to correct first is the one that the head is least sure of", () => {
  const objects = [
    { id: "a", start: [1], confidence: 0.9 },
    { id: "b", start: [1], confidence: 0.4 },
    { id: "c", start: null, confidence: null },
  ];
  assert.equal(leastSure(objects).id, "b");
  assert.equal(leastSure([objects[2]]), null);
});

const names = (grid) => Object.fromEntries(Object.entries(grid.labels).map(([id, entry]) => [id, entry.label]));

test("one tile gets its class and the cursor goes on", () => {
  const grid = tiles.label(tiles.newGrid([5, 6, 7]), "benign");
  assert.deepEqual(names(grid), { 5: "benign" });
  assert.deepEqual([grid.cursor, grid.anchor], [1, 1]);
  assert.deepEqual(tiles.ready(grid), [5]);
});

test("a range gets one class with one click, in either direction", () => {
  for (const [from, to] of [[0, 2], [2, 0]]) {
    let grid = tiles.moveTo(tiles.newGrid([5, 6, 7, 8]), from);
    grid = tiles.label(tiles.moveTo(grid, to, { extend: true }), "benign");
    assert.deepEqual(tiles.ready(grid), [5, 6, 7]);
    assert.equal(Object.values(grid.labels).reduce((sum, entry) => sum + entry.clicks, 0), 1);
    assert.equal(grid.cursor, 3);
  }
});

test("moves stay inside; an empty grid has no selection", () => {
  const grid = tiles.newGrid([5, 6, 7]);
  assert.equal(tiles.move(grid, -4).cursor, 0);
  assert.equal(tiles.move(grid, Infinity).cursor, 2);
  assert.deepEqual(tiles.selected(tiles.move(tiles.newGrid([]), 3)), []);
});

test("the head's class never overrules a person's, and costs no click", () => {
  const asked = tiles.label(tiles.newGrid([5, 6]), "benign");
  const offer = { name: "malignant", confidence: 0.9 };
  const grid = tiles.suggest(tiles.suggest(asked, 5, offer), 6, offer);
  assert.deepEqual(names(grid), { 5: "benign", 6: "malignant" });
  assert.equal(grid.labels[6].clicks, 0);
  const changed = tiles.label(tiles.moveTo(grid, 1), "benign");
  assert.deepEqual([changed.labels[6].by, changed.labels[6].clicks], ["person", 1]);
});

test("a class that is taken back leaves its clicks", () => {
  const grid = tiles.unlabel(tiles.moveTo(tiles.label(tiles.newGrid([5, 6]), "benign"), 0));
  assert.deepEqual(tiles.ready(grid), []);
  assert.equal(tiles.label(grid, "benign").labels[5].clicks, 2);
});

test("tiles that are gone take their classes along; classes of other images stay", () => {
  const grid = tiles.without(tiles.newGrid([5, 6, 7], { 5: { label: "a" }, 7: { label: "b" }, 9: { label: "c" } }), [5, 6]);
  assert.deepEqual(grid.ids, [7]);
  assert.deepEqual(Object.keys(grid.labels), ["7", "9"]);
});

test("seconds are shared without loss", () => {
  assert.deepEqual(tiles.shares(10, 4), [2.5, 2.5, 2.5, 2.5]);
  for (const [seconds, count] of [[1, 3], [0.2, 7], [61.7, 24], [0, 5]]) {
    const parts = tiles.shares(seconds, count);
    assert.equal(parts.length, count);
    assert.ok(Math.abs(parts.reduce((a, b) => a + b, 0) - seconds) < 1e-9);
    assert.ok(Math.max(...parts) - Math.min(...parts) < 0.1001);
  }
});
