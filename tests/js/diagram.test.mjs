import assert from "node:assert/strict";
import { test } from "node:test";

import { isSame, radius } from "../../app/ui/static/js/shell/diagram.js";

test("the area of a dot is in proportion to its count, and none is too small to see", () => {
  const bins = [{ count: 400 }, { count: 100 }, { count: 1 }];
  assert.equal(radius(bins[0], bins), 9);
  assert.equal(radius(bins[1], bins), 4.5);
  assert.equal(radius(bins[2], bins), 3);
});

test("a head that was not scaled has one line", () => {
  const bins = [{ count: 3, confidence: 0.5, accuracy: 0.4 }];
  assert.ok(isSame(bins, structuredClone(bins)));
  assert.ok(!isSame(bins, [{ ...bins[0], accuracy: 0.6 }]));
});
