/**
 * The window of an image that alone is labeled: [x0, y0, x1, y1] on whole image pixels, exclusive at the far side. Handles
 * count from 0: four corners from the upper left, clockwise; the middles of upper, right, lower and left side; the whole.
 */
import { eachStretch } from "./rle.js";

export const WHOLE = 8;
export const SMALLEST = 4; // pixels of a side: less is a slip of the hand
const PARTS = [[0, 0], [1, 0], [1, 1], [0, 1], [0.5, 0], [1, 0.5], [0.5, 1], [0, 0.5], [0.5, 0.5]];

const clamp = (v, lo, hi) => Math.min(hi, Math.max(lo, v));

/** The whole pixels between two places; null where that is too small to be meant. */
export function windowBetween(a, b, { width, height }) {
  const ends = (p, q, size) => [clamp(Math.round(Math.min(p, q)), 0, size), clamp(Math.round(Math.max(p, q)), 0, size)];
  const [x0, x1] = ends(a.x, b.x, width);
  const [y0, y1] = ends(a.y, b.y, height);
  const least = (size) => Math.min(SMALLEST, size);
  return x1 - x0 < least(width) || y1 - y0 < least(height) ? null : [x0, y0, x1, y1];
}

/** Where a handle is. */
export function handlePlace([x0, y0, x1, y1], handle) {
  const [fx, fy] = PARTS[handle];
  return { x: x0 + fx * (x1 - x0), y: y0 + fy * (y1 - y0) };
}

/** The handle under a press: a corner, a side, the whole inside; null outside. */
export function handleAt(box, { x, y }, reach) {
  const [x0, y0, x1, y1] = box;
  if (x < x0 - reach || x > x1 + reach || y < y0 - reach || y > y1 + reach) return null;
  const near = (v, a, b) => (Math.abs(v - a) <= reach ? 0 : Math.abs(v - b) <= reach ? 1 : 0.5);
  const [fx, fy] = [near(x, x0, x1), near(y, y0, y1)];
  return PARTS.findIndex(([px, py]) => px === fx && py === fy);
}

/** The window with a handle moved, inside the image and never too small. */
export function movedHandle(box, handle, dx, dy, { width, height }) {
  const axis = (near, far, part, by, size) => {
    const step = Math.round(by);
    const least = Math.min(SMALLEST, size);
    if (handle === WHOLE) {
      const start = clamp(near + step, 0, size - (far - near));
      return [start, start + far - near];
    }
    if (part === 0) return [clamp(near + step, 0, far - least), far];
    return part === 1 ? [near, clamp(far + step, near + least, size)] : [near, far];
  };
  const [fx, fy] = PARTS[handle];
  const [x0, x1] = axis(box[0], box[2], fx, dx, width);
  const [y0, y1] = axis(box[1], box[3], fy, dy, height);
  return [x0, y0, x1, y1];
}

/** Whether a mask has a pixel in the window; every mask has one in the whole image (null). */
export function touches(counts, box, height) {
  if (!box) return true;
  const [x0, y0, x1, y1] = box;
  let found = false;
  eachStretch(counts, height, (x, y, length) => {
    found ||= x >= x0 && x < x1 && y < y1 && y + length > y0;
  });
  return found;
}
