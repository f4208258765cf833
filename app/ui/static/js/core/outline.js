/**
 * A mask's outline as rings of few corners, and what a change of them writes. A place names a corner: {ring, index}.
 * Only pixels around the changed edges are written, so the fine border elsewhere stays what it was.
 */
import { IN, OUT, union } from "./live_mask.js";
import { boxAround, eachRun, ringsOf, thinnedRing } from "./polygon.js";
import { distanceToLine, nearestOn } from "./strokes.js";

const LEAST = 0.75; // pixels that a thinned outline may lie beside the border of a small mask
const SHARE = 0.005; // and more by the root of its area
const MOST = 2.5;

function areaOf(bits) {
  let area = 0;
  for (let i = 0; i < bits.length; i++) if (bits[i]) area++;
  return area;
}

/** {rings, tolerance}: how far, in pixels, the rings may lie beside the border. */
export function outlineOf(bits, width, height) {
  const tolerance = Math.min(MOST, LEAST + SHARE * Math.sqrt(areaOf(bits)));
  return { rings: ringsOf(bits, width, height).map((ring) => thinnedRing(ring, tolerance)), tolerance };
}

const withRing = (rings, place, ring) => (ring.length < 3 ? rings.toSpliced(place.ring, 1) : rings.with(place.ring, ring));

export const movedCorner = (rings, place, to) => withRing(rings, place, rings[place.ring].with(place.index, to));
/** A ring that is left with two corners goes: a hole is filled, a part is deleted. */
export const withoutCorner = (rings, place) => withRing(rings, place, rings[place.ring].toSpliced(place.index, 1));
/** Another corner before the place. */
export const withCorner = (rings, place, at) => withRing(rings, place, rings[place.ring].toSpliced(place.index, 0, at));

/** The corner within `reach` of a place in pixels, the nearest one; or null. */
export function cornerAt(rings, { x, y }, reach) {
  let found = null;
  rings.forEach((corners, ring) => {
    corners.forEach(([cx, cy], index) => {
      const away = Math.hypot(cx - x, cy - y);
      if (away <= reach && (!found || away < found.away)) found = { ring, index, away };
    });
  });
  return found && { ring: found.ring, index: found.index };
}

/** Where a corner can be put in, on the nearest edge within `reach`: {ring, index, at}, before that corner; or null. */
export function edgeAt(rings, { x, y }, reach) {
  let found = null;
  rings.forEach((corners, ring) => {
    corners.forEach((corner, index) => {
      const at = nearestOn(x, y, corners.at(index - 1), corner);
      const away = Math.hypot(at[0] - x, at[1] - y);
      if (away <= reach && (!found || away < found.away)) found = { ring, index, at, away };
    });
  });
  return found && { ring: found.ring, index: found.index, at: found.at };
}

/** The lines that a change moves: the edges at the corner before and after it, or all of a ring that goes. */
function changedLines(before, after, { ring, index }) {
  const [old, now] = [before[ring], after[ring]];
  if (after.length < before.length) return [[...old, old[0]]];
  const edges = (corners, other) =>
    corners.length < other.length
      ? [corners.at(index - 1), corners[index % corners.length]]
      : [corners.at(index - 1), corners[index], corners[(index + 1) % corners.length]];
  return [edges(old, now), edges(now, old)];
}

/**
 * Writes into a live mask what the change from one outline to another means, as hand edits. `place` is the corner that
 * moved, came or went. Returns the touched box or null when no pixel changed.
 */
export function writeOutline(live, before, after, place, tolerance) {
  const lines = changedLines(before, after, place);
  const room = tolerance + 0.5;
  const { width, height, bits, strokes } = live;
  const box = boxAround(lines.flat(), width, height, room + 1);
  if (!box) return null;
  const [left, top, right, bottom] = box;
  const columns = right - left;
  const filled = (rings) => {
    const inside = new Uint8Array(columns * (bottom - top));
    eachRun(rings, box, (x0, x1, y) => inside.fill(1, (y - top) * columns + x0 - left, (y - top) * columns + x1 - left));
    return inside;
  };
  const [was, is] = [filled(before), filled(after)];
  const near = (x, y) => lines.some((line) => distanceToLine(x + 0.5, y + 0.5, line) <= room);
  let touched = null;
  for (let y = top, k = 0; y < bottom; y++) {
    for (let x = left; x < right; x++, k++) {
      const i = y * width + x;
      if (bits[i] === is[k] || (was[k] === is[k] && !near(x, y))) continue;
      bits[i] = is[k];
      strokes[i] = is[k] ? IN : OUT;
      touched = union(touched, [x, y, x + 1, y + 1]);
    }
  }
  return live.touch(touched);
}
