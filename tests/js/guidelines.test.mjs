import assert from "node:assert/strict";
import { test } from "node:test";

import { parseGuidelines, parseStrong } from "../../app/ui/static/js/core/guidelines.js";
import { paceText } from "../../app/ui/static/js/core/pace.js";

const plain = (words) => [{ text: words, strong: false }];

test("headings, points, numbers and paragraphs become blocks", () => {
  const text = "# Nerve\nDraw the border.\nNot the vessel.\n\nThen go on.\n- one\n* two\n1. first\n2) second\n### Small";
  assert.deepEqual(parseGuidelines(text), [
    { kind: "heading", level: 1, lines: [plain("Nerve")] },
    { kind: "text", level: 0, lines: [plain("Draw the border."), plain("Not the vessel.")] },
    { kind: "text", level: 0, lines: [plain("Then go on.")] },
    { kind: "points", level: 0, lines: [plain("one"), plain("two")] },
    { kind: "numbers", level: 0, lines: [plain("first"), plain("second")] },
    { kind: "heading", level: 3, lines: [plain("Small")] },
  ]);
});

test("two stars make words strong, lone stars stay", () => {
  assert.deepEqual(parseStrong("a **b c** d"), [...plain("a "), { text: "b c", strong: true }, ...plain(" d")]);
  assert.deepEqual(parseStrong("**x** **y**").filter((piece) => piece.strong).map((piece) => piece.text), ["x", "y"]);
  for (const line of ["2 ** 3", "a **b", "** a **", "***"]) assert.equal(parseStrong(line).some((piece) => piece.strong), false);
});

test("nothing that was written is lost, and markup is only words", () => {
  const text = '<img src=x onerror="alert(1)"> [a](javascript:b) #tag 4.5 mm -1 **ok** `c`';
  const words = parseGuidelines(text).flatMap((block) => block.lines.flat().map((piece) => piece.text)).join("");
  assert.equal(words, text.replaceAll("**", ""));
  assert.deepEqual(parseGuidelines(" \r\n\r\n"), []);
});

test("the pace is told once there is one; without anything left the time left is not", () => {
  assert.equal(paceText({ n_today: 0, median_s: null, left: 9, left_s: null }), null);
  assert.deepEqual(paceText({ n_today: 3, median_s: 8.4, left: 20, left_s: 185 }), {
    key: "left",
    values: { today: 3, each: "8 s", left: "3:05 min" },
  });
  assert.equal(paceText({ n_today: 3, median_s: 8.4, left: 0, left_s: 0 }).key, "done");
});
