import assert from "node:assert/strict";
import { test } from "node:test";

import { Answers } from "../../app/ui/static/js/core/answers.js";
import { withSaved } from "../../app/ui/static/js/core/reopened.js";
import * as sheets from "../../app/ui/static/js/core/sheet.js";
import { packAnnotation, packDraft, unpackDraft } from "../../app/ui/static/js/core/wire.js";

const ITEM = { width: 4, height: 3, version: 0, lease: { token: "t" } };
const drawn = () => sheets.setEdits(sheets.newSheet(1), { painted: [0, 2, 10], erased: [12] });
const facts = (sheet, answers = new Answers(4, 3)) => ({ item: ITEM, answers, sheet, window: null, seconds: 1, clicks: 1, submissionId: "u" });

test("a name is trimmed, kept short, and taken away by an empty one", () => {
  const named = sheets.setName(drawn(), "o1", "  left \n cyst ");
  assert.equal(sheets.active(named).name, "left cyst");
  assert.equal(sheets.active(sheets.setName(named, "o1", " ")).name, null);
  assert.equal(sheets.active(sheets.setName(named, "o1", "x".repeat(300))).name.length, sheets.NAME_LENGTH);
});

test("the same name, or that of no object, is no change", () => {
  const sheet = drawn();
  assert.equal(sheets.setName(sheet, "o1", ""), sheet);
  assert.equal(sheets.setName(sheet, "o9", "a"), sheet);
  const named = sheets.setName(sheet, "o1", "a");
  assert.equal(sheets.setName(named, "o1", " a "), named);
});

test("a name asks the model nothing new", () => {
  const sheet = sheets.addPoint(sheets.newSheet(1), { x: 1, y: 1, label: 1 });
  assert.equal(sheets.askKey(sheets.active(sheets.setName(sheet, "o1", "a"))), sheets.askKey(sheets.active(sheet)));
});

test("a name travels with draft and annotation; without one the wire is as it was", () => {
  const named = sheets.setName(drawn(), "o1", "left");
  const draft = packDraft({ ...facts(named), savedAt: 1 });
  assert.equal(sheets.active(unpackDraft(JSON.parse(JSON.stringify(draft)), new Answers(4, 3)).sheet).name, "left");
  assert.equal(packAnnotation(facts(named)).objects[0].name, "left");
  assert.ok(!("name" in packAnnotation(facts(drawn())).objects[0]));
});

test("a saved name comes back, stays when nothing is touched, and can be taken away", () => {
  const saved = { class_id: 1, mask: { size: [3, 4], counts: [0, 2, 10] }, name: "left", points: [], box: null, scribbles: [], edited: false, edits: null };
  const sheet = withSaved(sheets.newSheet(1), [saved]);
  const answers = new Answers(4, 3);
  assert.deepEqual(packAnnotation(facts(sheet, answers)).objects, [saved]);
  const nameless = sheets.setName(sheet, sheet.objects[0].id, "");
  assert.deepEqual(packAnnotation(facts(nameless, answers)).objects, [{ ...saved, name: null }]);
});
