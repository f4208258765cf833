/**
 * The bitmap of the object being worked on: the model's answer, overruled pixel by pixel by a person's strokes
 * (1 = painted in, 2 = painted out), so that corrections survive later clicks.
 */
import { eachRun } from "./polygon.js";
import * as rle from "./rle.js";

export const IN = 1;
export const OUT = 2;

export class LiveMask {
  box = null; // holds every pixel of `bits`; what is outside it is empty
  #strokesBox = null; // the same of `strokes`

  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.strokes = new Uint8Array(width * height);
    this.bits = new Uint8Array(width * height);
  }

  /** counts: the mask under the strokes or null; edits: {painted, erased} run lengths or null. */
  load(counts, edits) {
    const { width, height } = this;
    this.#clear(this.strokes, this.#strokesBox);
    this.#strokesBox = null;
    if (edits) {
      rle.fillRuns(edits.painted, height, width, this.strokes, IN);
      rle.fillRuns(edits.erased, height, width, this.strokes, OUT);
      this.#strokesBox = union(rle.bounds(edits.painted, height), rle.bounds(edits.erased, height));
    }
    this.rebase(counts);
  }

  /** Puts another mask under the strokes, also while one is being drawn. */
  rebase(counts) {
    const { bits, strokes, width } = this;
    this.#clear(bits, this.box);
    if (counts) rle.fillRuns(counts, this.height, width, bits, 1);
    this.box = union(counts && rle.bounds(counts, this.height), this.#strokesBox);
    const [x0, y0, x1, y1] = this.#strokesBox ?? [0, 0, 0, 0];
    for (let y = y0; y < y1; y++) {
      for (let i = y * width + x0, end = y * width + x1; i < end; i++) if (strokes[i]) bits[i] = strokes[i] === IN ? 1 : 0;
    }
  }

  #clear(bitmap, box) {
    if (!box) return;
    for (let y = box[1]; y < box[3]; y++) bitmap.fill(0, y * this.width + box[0], y * this.width + box[2]);
  }

  /** Paints a round brush along a segment; returns the touched box [x0, y0, x1, y1) or null. */
  stroke(a, b, radius, value) {
    const steps = Math.max(1, Math.ceil(Math.hypot(b.x - a.x, b.y - a.y) / Math.max(0.5, radius / 2)));
    let box = null;
    for (let s = 0; s <= steps; s++) {
      const share = s / steps;
      box = union(box, this.#disc(a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share, radius, value));
    }
    return this.touch(box);
  }

  /** Keeps in mind where strokes were written; returns the box. */
  touch(box) {
    this.box = union(this.box, box);
    this.#strokesBox = union(this.#strokesBox, box);
    return box;
  }

  /** Pixels whose centre lies in the disc; a brush smaller than a pixel still paints the pixel it is in. */
  #disc(cx, cy, radius, value) {
    const { width, height, strokes, bits } = this;
    const bit = value === IN ? 1 : 0;
    let box = null;
    const put = (x0, x1, y) => {
      for (let x = x0, i = y * width + x0; x <= x1; x++, i++) {
        strokes[i] = value;
        bits[i] = bit;
      }
      box = union(box, [x0, y, x1 + 1, y + 1]);
    };
    const px = Math.floor(cx);
    const py = Math.floor(cy);
    if (px >= 0 && py >= 0 && px < width && py < height) put(px, px, py);
    for (let y = Math.max(0, Math.floor(cy - radius)); y <= Math.min(height - 1, Math.ceil(cy + radius)); y++) {
      const square = radius * radius - (y + 0.5 - cy) ** 2;
      if (square < 0) continue;
      const half = Math.sqrt(square);
      const x0 = Math.max(0, Math.ceil(cx - half - 0.5));
      const x1 = Math.min(width - 1, Math.floor(cx + half - 0.5));
      if (x0 <= x1) put(x0, x1, y);
    }
    return box;
  }

  /** Paints the inside of rings of corners [x, y]; a line that crosses itself leaves no gap. False when no pixel is inside. */
  fill(rings, value) {
    const { width, height, strokes, bits } = this;
    let box = null;
    eachRun(rings, [0, 0, width, height], (x0, x1, y) => {
      strokes.fill(value, y * width + x0, y * width + x1);
      bits.fill(value === IN ? 1 : 0, y * width + x0, y * width + x1);
      box = union(box, [x0, y, x1, y + 1]);
    }, "nonzero");
    return this.touch(box) !== null;
  }

  /** The strokes as run lengths, null when there are none. */
  edits() {
    const box = this.#strokesBox;
    if (!box) return null;
    return {
      painted: rle.encode(this.strokes, this.height, this.width, IN, box),
      erased: rle.encode(this.strokes, this.height, this.width, OUT, box),
    };
  }

  counts() {
    return rle.encode(this.bits, this.height, this.width, 0, this.box ?? [0, 0, 0, 0]);
  }
}

export const union = (a, b) =>
  !a ? b : !b ? a : [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
