import assert from "node:assert/strict";
import { test } from "node:test";

import { answerFromWire, Answers } from "../../app/ui/static/js/core/answers.js";
import * as sheets from "../../app/ui/static/js/core/sheet.js";
import { newerDraft, packAnnotation, packDraft, unpackDraft } from "../../app/ui/static/js/core/wire.js";

const ITEM = { width: 4, height: 3, version: 0, lease: { token: "t" } };
const answerOf = (counts, extra = {}) => answerFromWire({ counts, predicted_iou: 0.9, chosen: 0, logits_id: "L", ...extra });
const clicked = (sheet = sheets.newSheet(1)) => sheets.addPoint(sheet, { x: 1.234, y: 2, label: 1 });

test("a click is kept to a hundredth of a pixel and leaves the old sheet as it was", () => {
  const before = sheets.newSheet(1);
  const after = clicked(before);
  assert.deepEqual(sheets.active(after).points, [{ x: 1.23, y: 2, label: 1 }]);
  assert.equal(sheets.active(before).points.length, 0);
});

test("a box is ordered whichever way it is drawn, a speck is no box", () => {
  const sheet = sheets.setBox(sheets.newSheet(1), { x: 3, y: 3 }, { x: 1, y: 0.5 });
  assert.deepEqual(sheets.active(sheet).box, [1, 0.5, 3, 3]);
  assert.equal(sheets.setBox(sheets.newSheet(1), { x: 3, y: 3 }, { x: 3.4, y: 9 }), null);
});

test("N keeps the object and starts another of its class, a blank one is not kept twice", () => {
  const sheet = sheets.nextObject(sheets.setClass(clicked(), 2));
  assert.equal(sheet.objects.length, 2);
  assert.equal(sheets.active(sheet).classId, 2);
  assert.equal(sheets.nextObject(sheet), sheet);
  assert.equal(sheets.select(sheet, "o1").objects.length, 1);
});

test("removing the active object leaves a blank one of its class", () => {
  const sheet = sheets.remove(sheets.setClass(clicked(), 3), "o1");
  assert.equal(sheets.filled(sheet).length, 0);
  assert.equal(sheets.active(sheet).classId, 3);
});

test("the first click on a starting mask keeps its box as a prompt, grown to a positive click", () => {
  const offered = { objects: [{ class_id: 2, mask: { size: [3, 4], counts: [3, 2, 7] }, mean_confidence: 0.8 }] };
  let sheet = sheets.withStart(sheets.newSheet(1), offered);
  assert.equal(sheets.filled(sheet).length, 1);
  sheet = sheets.select(sheet, sheet.objects[0].id);
  sheet = sheets.addPoint(sheet, { x: 3, y: 1, label: 1 }, { startBox: [1, 0, 2, 2] });
  assert.deepEqual(sheets.active(sheet).box, [1, 0, 3, 2]);
});

test("a mask counts only for the prompts that it answers", () => {
  const answers = new Answers(4, 3);
  const one = clicked();
  answers.put(sheets.askKey(sheets.active(one)), answerOf([3, 3, 6]));
  assert.ok(answers.isCurrent(sheets.active(one)));
  const two = sheets.addPoint(one, { x: 3, y: 1, label: 0 }, { logitsId: answers.feedback(sheets.active(one)) });
  assert.equal(sheets.active(two).logitsId, "L");
  assert.equal(answers.isCurrent(sheets.active(two)), false);
  assert.equal(answers.base(sheets.active(two)), null);
});

test("another window is another question", () => {
  const answers = new Answers(4, 3);
  const sheet = clicked();
  answers.put(sheets.askKey(sheets.active(sheet)), answerOf([12]));
  const other = sheets.patchActive(sheet, { window: { level: 1, width: 2 } });
  assert.equal(answers.isCurrent(sheets.active(other)), false);
});

test("strokes overrule whatever the model says", () => {
  const answers = new Answers(4, 3);
  let sheet = clicked();
  answers.put(sheets.askKey(sheets.active(sheet)), answerOf([0, 3, 9]));
  sheet = sheets.setEdits(sheet, { painted: [11, 1], erased: [0, 1, 11] });
  assert.deepEqual(answers.final(sheets.active(sheet)), [1, 2, 8, 1]);
});

test("a chosen candidate replaces the mask and is not fed back as the model's own", () => {
  const answers = new Answers(4, 3);
  let sheet = clicked();
  const candidates = [{ counts: [0, 12], predicted_iou: 0.9 }, { counts: [6, 6], predicted_iou: 0.5 }];
  answers.put(sheets.askKey(sheets.active(sheet)), answerOf([0, 12], { candidates }));
  sheet = sheets.setChoice(sheet, 1);
  assert.deepEqual(answers.final(sheets.active(sheet)), [6, 6]);
  assert.equal(answers.feedback(sheets.active(sheet)), null);
});

test("a draft brings back objects, answers, seconds and clicks", () => {
  const answers = new Answers(4, 3);
  const sheet = sheets.setEdits(clicked(), { painted: [11, 1], erased: [12] });
  answers.put(sheets.askKey(sheets.active(sheet)), answerOf([0, 3, 9]));
  const draft = packDraft({ sheet, answers, window: null, seconds: 3.21, clicks: 4, savedAt: 10 });
  const fresh = new Answers(4, 3);
  const back = unpackDraft(JSON.parse(JSON.stringify(draft)), fresh);
  assert.deepEqual(back.sheet, sheet);
  assert.deepEqual(fresh.final(sheets.active(back.sheet)), answers.final(sheets.active(sheet)));
  assert.deepEqual([back.seconds, back.clicks], [3.2, 4]);
  assert.equal(unpackDraft({ version: 99 }, fresh), null);
  assert.equal(newerDraft({ saved_at: 1 }, draft), draft);
  assert.equal(newerDraft(null, null), null);
});

test("an annotation holds every object with its prompts; empty masks are left out", () => {
  const answers = new Answers(4, 3);
  let sheet = clicked();
  answers.put(sheets.askKey(sheets.active(sheet)), answerOf([0, 3, 9], { quality: 0.7 }));
  sheet = sheets.nextObject(sheet);
  sheet = sheets.setEdits(sheet, { painted: [12], erased: [0, 12] });
  const facts = { item: ITEM, answers, window: { level: 1, width: 2, min: 0 }, seconds: 2.04, clicks: 2 };
  const body = packAnnotation({ ...facts, sheet, submissionId: "u" });
  assert.equal(body.objects.length, 1);
  assert.deepEqual(body.objects[0].mask, { size: [3, 4], counts: [0, 3, 9] });
  assert.equal(body.objects[0].from_suggestion, false);
  assert.deepEqual(body.window, { level: 1, width: 2 });
  assert.equal(body.seconds, 2);
  const label = packAnnotation({ ...facts, sheet: sheets.setLabel(sheets.newSheet(1), "benign"), submissionId: "v" });
  assert.deepEqual([label.label, label.objects], ["benign", []]);
});

