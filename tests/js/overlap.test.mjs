/** Two readings over each other, worked by hand on images that are wider than high. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as over from "../../app/ui/static/js/core/overlap.js";
import { encode } from "../../app/ui/static/js/core/rle.js";

const [W, H] = [4, 3];
const object = (class_id, rows) => ({ class_id, mask: { counts: encode(Uint8Array.from(rows.join("").replaceAll(".", "0")), H, W) } });
const shown = (array) => Array.from({ length: H }, (_, y) => Array.from(array.subarray(y * W, (y + 1) * W)).join(""));

test("a class map holds the class of the later object on top", () => {
  const map = over.classMap([object(1, ["11..", "11..", "...."]), object(2, ["....", ".11.", "...."])], W, H);
  assert.deepEqual(shown(map), ["1100", "1220", "0000"]);
  assert.deepEqual(shown(over.classMap([], W, H)), ["0000", "0000", "0000"]);
});

test("every pixel is A's, B's, both's, or of different classes", () => {
  const a = over.classMap([object(1, ["11..", "11..", "...."])], W, H);
  const b = over.classMap([object(1, [".11.", "....", "...."]), object(2, ["....", ".1..", "...."])], W, H);
  assert.deepEqual(shown(over.overlap(a, b)), ["1320", "1400", "0000"]);
  const swapped = shown(over.overlap(b, a));
  assert.deepEqual(swapped, ["2310", "2400", "0000"]); // A and B change places, nothing else
});

test("borders lie inside the mask, along other classes and the image's edge", () => {
  const map = new Uint8Array(25);
  for (let y = 0; y < 5; y++) for (let x = 0; x < 5; x++) if (x && y && x < 5 && y < 5) map[y * 5 + x] = 1;
  const marked = Array.from(over.borders(map, 5, 5));
  assert.equal(marked.reduce((sum, n) => sum + n), 12); // 4 x 4 without its 2 x 2 middle
  assert.equal(marked[2 * 5 + 2], 0);
  assert.equal(marked[0], 0);
});

test("close up holds what either shows with a margin, within the image", () => {
  const codes = new Uint8Array(20 * 10);
  codes[4 * 20 + 7] = over.ONLY_A;
  codes[6 * 20 + 16] = over.BOTH;
  assert.deepEqual(over.closeUp(codes, 20, 10), [5, 2, 19, 9]);
  codes[0] = over.ONLY_B;
  assert.deepEqual(over.closeUp(codes, 20, 10), [0, 0, 20, 10]);
  assert.deepEqual(over.closeUp(new Uint8Array(200), 20, 10), [0, 0, 20, 10]);
});

test("a box is placed as large as it fits, in the middle", () => {
  assert.deepEqual(over.placed([0, 0, 20, 10], 100, 100), { x: 0, y: 25, scale: 5 });
  const near = over.placed([5, 2, 15, 7], 100, 100);
  assert.equal(near.scale, 10);
  assert.deepEqual([near.x + 5 * 10, near.y + 2 * 10], [0, 25]);
});
