import assert from "node:assert/strict";
import { test } from "node:test";

import { answerFromWire, Answers } from "../../app/ui/static/js/core/answers.js";
import { History } from "../../app/ui/static/js/core/history.js";
import { withoutMark } from "../../app/ui/static/js/core/marks.js";
import { isAsSaved, withSaved } from "../../app/ui/static/js/core/reopened.js";
import * as sheets from "../../app/ui/static/js/core/sheet.js";
import { packAnnotation, packDraft, unpackDraft } from "../../app/ui/static/js/core/wire.js";

const SIZE = [3, 4];
const ITEM = { width: 4, height: 3, version: 1, lease: { token: "t" } };
const runs = (counts) => ({ size: SIZE, counts });
const clicked = (extra = {}) => ({
  class_id: 2,
  mask: runs([3, 3, 6]),
  points: [{ x: 1.2, y: 1, label: 1 }, { x: 3.5, y: 2, label: 0 }],
  box: null,
  scribbles: [],
  predicted_iou: 0.8,
  quality: 0.7,
  model_id: "m",
  edited: false,
  edits: null,
  from_suggestion: false,
  ...extra,
});
const painted = { painted: runs([3, 1, 8]), erased: runs([12]) };
const open = (...objects) => withSaved(sheets.newSheet(1), objects);
const packed = (sheet, answers = new Answers(4, 3)) =>
  packAnnotation({ item: ITEM, sheet, answers, window: null, seconds: 1, clicks: 0, submissionId: "u" }).objects;

test("a reopened object has its prompts, and its accepted mask answers them in every window", () => {
  const answers = new Answers(4, 3);
  const object = sheets.active(open(clicked()));
  assert.deepEqual(object.points, clicked().points);
  assert.equal(object.classId, 2);
  assert.ok(answers.isCurrent(object));
  assert.deepEqual(answers.final(object), [3, 3, 6]);
  assert.deepEqual(answers.of({ ...object, window: { level: 1, width: 2 } }).counts, [3, 3, 6]);
  assert.equal(answers.feedback(object), null);
  assert.equal(answers.candidates(object), answers.candidates(object));
});

test("one object alone is active at once, several leave a blank one active", () => {
  assert.equal(sheets.isBlank(sheets.active(open(clicked()))), false);
  const two = open(clicked(), clicked());
  assert.equal(sheets.isBlank(sheets.active(two)), true);
  assert.equal(new Set(two.objects.map((o) => o.id)).size, 3);
  assert.equal(sheets.isBlank(sheets.active(open())), true);
});

test("another click is another question, undone it is the accepted mask again", () => {
  const answers = new Answers(4, 3);
  const history = new History(open(clicked()));
  history.push(sheets.addPoint(history.present, { x: 2, y: 2, label: 1 }), "point+");
  assert.equal(sheets.active(history.present).points.length, 3);
  assert.equal(answers.isCurrent(sheets.active(history.present)), false);
  answers.put(sheets.askKey(sheets.active(history.present)), answerFromWire({ counts: [3, 6, 3] }));
  assert.deepEqual(answers.final(sheets.active(history.present)), [3, 6, 3]);
  history.undo();
  assert.deepEqual(answers.final(sheets.active(history.present)), [3, 3, 6]);
  history.redo();
  assert.deepEqual(answers.final(sheets.active(history.present)), [3, 6, 3]);
});

test("a prompt taken away leaves the others; without any there is nothing left", () => {
  const answers = new Answers(4, 3);
  let sheet = open(clicked());
  sheet = sheets.setPrompts(sheet, withoutMark(sheets.active(sheet), { kind: "point", index: 1 }));
  assert.deepEqual(sheets.active(sheet).points, [{ x: 1.2, y: 1, label: 1 }]);
  assert.equal(answers.isCurrent(sheets.active(sheet)), false);
  sheet = sheets.setPrompts(sheet, withoutMark(sheets.active(sheet), { kind: "point", index: 0 }));
  assert.ok(sheets.isBlank(sheets.active(sheet)));
  assert.deepEqual(packed(sheet), []);
});

test("strokes lie over whatever the model says next", () => {
  const answers = new Answers(4, 3);
  let sheet = open(clicked({ edited: true, edits: painted }));
  assert.deepEqual(answers.final(sheets.active(sheet)), [3, 3, 6]);
  sheet = sheets.addPoint(sheet, { x: 2, y: 2, label: 1 });
  answers.put(sheets.askKey(sheets.active(sheet)), answerFromWire({ counts: [6, 3, 3] }));
  assert.deepEqual(answers.final(sheets.active(sheet)), [3, 1, 2, 3, 3]);
  assert.deepEqual(packed(sheet, answers)[0].edits, painted);
});

test("the mask alone comes where strokes or prompts are not known", () => {
  for (const old of [clicked({ edited: true }), clicked({ points: [], edited: true, model_id: null })]) {
    const object = sheets.active(open(old));
    assert.deepEqual([object.points, object.start, object.edits], [[], [3, 3, 6], null]);
    assert.deepEqual(packed(open(old)), [{ ...old, edits: null }]); // its record stays what it was
  }
});

test("what was not touched is saved as it was; a class or a stroke changes nothing else", () => {
  for (const one of [clicked(), clicked({ box: [0, 0, 3, 2] }), clicked({ edited: true, edits: painted })]) {
    assert.deepEqual(packed(open(one)), [one]);
  }
  const other = packed(sheets.setClass(open(clicked()), 1))[0];
  assert.deepEqual(other, clicked({ class_id: 1 }));
  const stroked = packed(sheets.setEdits(open(clicked()), { painted: [0, 1, 11], erased: [12] }))[0];
  assert.deepEqual(stroked.mask.counts, [0, 1, 2, 3, 6]);
  assert.deepEqual([stroked.edited, stroked.edits.painted.counts, stroked.quality], [true, [0, 1, 11], 0.7]);
});

test("a draft of a reopened image brings it all back", () => {
  const sheet = open(clicked({ edited: true, edits: painted }), clicked());
  const facts = { window: null, seconds: 0, clicks: 0, savedAt: 1 };
  const draft = JSON.parse(JSON.stringify(packDraft({ sheet, answers: new Answers(4, 3), ...facts })));
  assert.deepEqual(draft.answers, []); // they are with the objects
  const answers = new Answers(4, 3);
  const back = unpackDraft(draft, answers);
  assert.deepEqual(back.sheet, sheet);
  assert.ok(back.sheet.objects.slice(0, 2).every((object) => isAsSaved(object) && answers.isCurrent(object)));
});
