/**
 * The annotation of one image as an immutable value, and every change that a person can make to it.
 *
 * sheet  = {objects: [object], activeId, nextNumber, label}
 * object = {id, classId, points: [{x, y, label}], box: [x0, y0, x1, y1] | null, scribbles: [{points: [[x, y]], label}],
 *           window, logitsId, choice, edits: {painted, erased} | null, start: counts | null, confidence}
 * An object may have a `name` of its own. `start` is a starting mask: offered by the head, or saved before; `choice` picks another candidate than the
 * model's own. `saved`, where there is one, is the object as it was accepted before, see reopened.js.
 * A sheet may have a `part`: the window [x0, y0, x1, y1] of the image that alone is labeled.
 * There is always an active object; a blank one is dropped as soon as it is left.
 */
export const NAME_LENGTH = 100;

export const freshObject = (number, classId) => ({
  id: `o${number}`,
  classId,
  points: [],
  box: null,
  scribbles: [],
  window: null,
  logitsId: null,
  choice: null,
  edits: null,
  start: null,
  confidence: null,
});

export function newSheet(classId) {
  return { objects: [freshObject(1, classId)], activeId: "o1", nextNumber: 2, label: null };
}

export const active = (sheet) => sheet.objects.find((o) => o.id === sheet.activeId);
export const hasPrompts = (object) => object.points.length > 0 || object.box !== null || object.scribbles.length > 0;
export const isBlank = (object) => !hasPrompts(object) && !object.edits && !object.start;
export const filled = (sheet) => sheet.objects.filter((o) => !isBlank(o));

/** Same key, same question to the model: answers are kept under it, so undo and redo ask nobody. */
export const askKey = (object) => JSON.stringify([object.id, object.points, object.box, object.scribbles, object.window]);

const patch = (sheet, id, change) => ({
  ...sheet,
  objects: sheet.objects.map((o) => (o.id === id ? { ...o, ...change } : o)),
});

export const patchActive = (sheet, change) => patch(sheet, sheet.activeId, change);

const hundredth = (v) => Math.round(v * 100) / 100;
const below = (v) => Math.floor(v * 100) / 100; // never rounds a click out of the image

/** A starting mask becomes a visible box prompt before the first click on it, so that the model knows the object. */
function anchored(object, startBox) {
  return object.start && !hasPrompts(object) && startBox ? startBox.map(hundredth) : object.box;
}

/** An anchored box grows to hold the places of a positive prompt. */
function grown(object, startBox, places, label) {
  const box = anchored(object, startBox);
  if (!box || !label || box === object.box) return box;
  const [xs, ys] = [places.map(([x]) => x), places.map(([, y]) => y)];
  return [Math.min(box[0], ...xs), Math.min(box[1], ...ys), Math.max(box[2], ...xs), Math.max(box[3], ...ys)].map(hundredth);
}

export function addPoint(sheet, { x, y, label }, { logitsId = null, startBox = null } = {}) {
  const object = active(sheet);
  const points = [...object.points, { x: below(x), y: below(y), label }];
  return patchActive(sheet, { points, box: grown(object, startBox, [[x, y]], label), logitsId, choice: null });
}

export function addScribble(sheet, { points, label }, { logitsId = null, startBox = null } = {}) {
  const object = active(sheet);
  const scribbles = [...object.scribbles, { points: points.map(([x, y]) => [below(x), below(y)]), label }];
  return patchActive(sheet, { scribbles, box: grown(object, startBox, points, label), logitsId, choice: null });
}

/** null when the box is too small to mean anything. */
export function setBox(sheet, a, b) {
  const box = [Math.min(a.x, b.x), Math.min(a.y, b.y), Math.max(a.x, b.x), Math.max(a.y, b.y)].map(hundredth);
  if (box[2] - box[0] < 1 || box[3] - box[1] < 1) return null;
  return patchActive(sheet, { box, logitsId: null, choice: null });
}

/** One prompt moved or gone: another question, with no answer to go on from. */
export const setPrompts = (sheet, change) => patchActive(sheet, { ...change, logitsId: null, choice: null });
export const setEdits = (sheet, edits) => patchActive(sheet, { edits });
/** A name of one object's own, null for none; the same sheet where nothing changes. */
export function setName(sheet, id, text) {
  const name = text.replace(/\s+/g, " ").trim().slice(0, NAME_LENGTH) || null;
  const object = sheet.objects.find((o) => o.id === id);
  return object && (object.name ?? null) !== name ? patch(sheet, id, { name }) : sheet;
}

export const setClass = (sheet, classId) => patchActive(sheet, { classId });
export const setChoice = (sheet, choice) => patchActive(sheet, { choice });
export const setLabel = (sheet, label) => ({ ...sheet, label });

/** The window that alone is labeled; null for the whole image. */
export const windowOf = (sheet) => sheet.part ?? null;
export const setWindow = (sheet, part) => (JSON.stringify(part) === JSON.stringify(windowOf(sheet)) ? sheet : { ...sheet, part });

/** Keeps the active object and starts another of the same class; the same sheet when the active one is blank. */
export function nextObject(sheet) {
  const object = active(sheet);
  if (isBlank(object)) return sheet;
  const fresh = freshObject(sheet.nextNumber, object.classId);
  return { ...sheet, objects: [...sheet.objects, fresh], activeId: fresh.id, nextNumber: sheet.nextNumber + 1 };
}

export function select(sheet, id) {
  if (id === sheet.activeId || !sheet.objects.some((o) => o.id === id)) return sheet;
  return { ...sheet, objects: sheet.objects.filter((o) => o.id === id || !isBlank(o)), activeId: id };
}

/** The neighbour in the list, around its ends. */
export function neighbour(sheet, step) {
  const i = sheet.objects.findIndex((o) => o.id === sheet.activeId);
  return sheet.objects[(i + step + sheet.objects.length) % sheet.objects.length].id;
}

export function remove(sheet, id) {
  const gone = sheet.objects.find((o) => o.id === id);
  if (!gone) return sheet;
  const rest = sheet.objects.filter((o) => o.id !== id);
  if (id !== sheet.activeId) return { ...sheet, objects: rest };
  const fresh = freshObject(sheet.nextNumber, gone.classId);
  return { ...sheet, objects: [...rest.filter((o) => !isBlank(o)), fresh], activeId: fresh.id, nextNumber: sheet.nextNumber + 1 };
}

/** Empties the sheet, but for objects that `stays` says to keep. */
export function clear(sheet, stays = () => false) {
  const fresh = freshObject(sheet.nextNumber, active(sheet).classId);
  return { ...sheet, objects: [...sheet.objects.filter(stays), fresh], activeId: fresh.id, nextNumber: sheet.nextNumber + 1, label: null };
}

/** The head's starting masks as objects, with a blank one active behind them. */
export function withStart(sheet, suggestion) {
  let number = sheet.nextNumber;
  const offered = suggestion.objects.map((o) => ({
    ...freshObject(number++, o.class_id),
    start: o.mask.counts,
    confidence: o.mean_confidence ?? null,
  }));
  return { ...sheet, objects: [...offered, ...sheet.objects], nextNumber: number };
}
