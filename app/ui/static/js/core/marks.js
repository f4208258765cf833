/**
 * The prompts of an object one by one. A mark names one: {kind: "point" | "stroke" | "box" | "handle", index}; handles are
 * those of the box, clockwise from its top left corner. Changes come back as what to patch on the object.
 */
import { distanceToLine, distanceToSegment } from "./strokes.js";

/** Which sides of [x0, y0, x1, y1] a handle moves: the column's and the row's. */
const HANDLES = [[0, 1], [null, 1], [2, 1], [2, null], [2, 3], [null, 3], [0, 3], [0, null]];
const KEYBOARD_HANDLES = [0, 4]; // two corners reach every box
const LAST = 0.01; // the furthest that a prompt may be from the image's far sides, in pixels

const hundredth = (v) => Math.round(v * 100) / 100;
const clamp = (v, lo, hi) => Math.min(hi, Math.max(lo, v));

export function handlesOf([x0, y0, x1, y1]) {
  const box = [x0, y0, x1, y1];
  return HANDLES.map(([column, row]) => ({
    x: column === null ? (x0 + x1) / 2 : box[column],
    y: row === null ? (y0 + y1) / 2 : box[row],
  }));
}

/** All marks in the order in which a key steps through them. */
export function marksOf({ points, scribbles, box }) {
  return [
    ...points.map((_, index) => ({ kind: "point", index })),
    ...scribbles.map((_, index) => ({ kind: "stroke", index })),
    ...(box ? [{ kind: "box", index: 0 }, ...KEYBOARD_HANDLES.map((index) => ({ kind: "handle", index }))] : []),
  ];
}

export const hasMark = (object, { kind, index }) => {
  if (kind === "point") return index < object.points.length;
  if (kind === "stroke") return index < object.scribbles.length;
  return object.box !== null;
};

/** Where a mark is, for what stands beside it: the point, the stroke's start, the box's or handle's corner. */
export function placeOf(object, { kind, index }) {
  if (kind === "point") return object.points[index];
  if (kind === "stroke") return { x: object.scribbles[index].points[0][0], y: object.scribbles[index].points[0][1] };
  return kind === "box" ? { x: object.box[2], y: object.box[1] } : handlesOf(object.box)[index];
}

/** The mark under a place in image pixels, within `reach` pixels; the newest of those that lie over each other, or null. */
export function markAt(object, { x, y }, reach) {
  const near = (place) => Math.hypot(place.x - x, place.y - y) <= reach;
  const point = object.points.findLastIndex(near);
  if (point >= 0) return { kind: "point", index: point };
  if (object.box) {
    const handle = handlesOf(object.box).findIndex(near);
    if (handle >= 0) return { kind: "handle", index: handle };
  }
  const stroke = object.scribbles.findLastIndex(({ points }) => distanceToLine(x, y, points) <= reach);
  if (stroke >= 0) return { kind: "stroke", index: stroke };
  return object.box && onBorder(object.box, x, y, reach) ? { kind: "box", index: 0 } : null;
}

function onBorder([x0, y0, x1, y1], x, y, reach) {
  const corners = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
  return corners.some((corner, i) => distanceToSegment(x, y, corner, corners[(i + 1) % 4]) <= reach);
}

/** The mark moved by (dx, dy) pixels and kept within the image; null where nothing moves. */
export function movedMark(object, { kind, index }, dx, dy, { width, height }) {
  if (kind === "point") {
    const { x, y, label } = object.points[index];
    const moved = { x: hundredth(clamp(x + dx, 0, width - LAST)), y: hundredth(clamp(y + dy, 0, height - LAST)), label };
    return moved.x === x && moved.y === y ? null : { points: object.points.with(index, moved) };
  }
  if (kind === "stroke") {
    const { points, label } = object.scribbles[index];
    const [mx, my] = within(points, dx, dy, width - LAST, height - LAST);
    if (!mx && !my) return null;
    const moved = points.map(([x, y]) => [hundredth(x + mx), hundredth(y + my)]);
    return { scribbles: object.scribbles.with(index, { points: moved, label }) };
  }
  const box = kind === "box" ? shiftedBox(object.box, dx, dy, width, height) : resizedBox(object.box, HANDLES[index], dx, dy, width, height);
  return box.every((v, i) => v === object.box[i]) ? null : { box };
}

/** As much of (dx, dy) as leaves every place within [0, right] x [0, bottom]. */
function within(places, dx, dy, right, bottom) {
  const limit = (values, step, end) => clamp(step, -Math.min(...values), end - Math.max(...values));
  return [limit(places.map(([x]) => x), dx, right), limit(places.map(([, y]) => y), dy, bottom)];
}

function shiftedBox([x0, y0, x1, y1], dx, dy, width, height) {
  const [mx, my] = within([[x0, y0], [x1, y1]], dx, dy, width, height);
  return [x0 + mx, y0 + my, x1 + mx, y1 + my].map(hundredth);
}

/** A side stops one pixel before the one across. */
function resizedBox(box, [column, row], dx, dy, width, height) {
  const moved = [...box];
  if (column === 0) moved[0] = clamp(box[0] + dx, 0, box[2] - 1);
  if (column === 2) moved[2] = clamp(box[2] + dx, box[0] + 1, width);
  if (row === 1) moved[1] = clamp(box[1] + dy, 0, box[3] - 1);
  if (row === 3) moved[3] = clamp(box[3] + dy, box[1] + 1, height);
  return moved.map(hundredth);
}

export function withoutMark(object, { kind, index }) {
  if (kind === "point") return { points: object.points.toSpliced(index, 1) };
  if (kind === "stroke") return { scribbles: object.scribbles.toSpliced(index, 1) };
  return { box: null };
}
