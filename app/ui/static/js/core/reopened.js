/**
 * Objects that were accepted before, opened again. With its prompts an object goes on as if it had never been left: the
 * accepted mask is the answer to just these prompts, strokes lie over it, and another prompt is another question. Where the
 * prompts do not tell how the mask came about, the mask alone is there, as `start`.
 */
import { freshObject, hasPrompts } from "./sheet.js";

const NONE = []; // the others went when the image was accepted; the next prompt brings new ones

/** False for what was drawn by hand, and for older annotations, which say that strokes were made but not which. */
const isKnown = (saved) => hasPrompts(saved) && (!saved.edited || Boolean(saved.edits));

function reopened(saved, number) {
  const fresh = { ...freshObject(number, saved.class_id), ...(saved.name && { name: saved.name }) };
  if (!isKnown(saved)) return { ...fresh, start: saved.mask.counts, saved: { ...saved, mask: null } };
  const { points, box, scribbles } = saved;
  const edits = saved.edits ? { painted: saved.edits.painted.counts, erased: saved.edits.erased.counts } : null;
  return { ...fresh, points, box, scribbles, edits, saved };
}

/** The sheet with these objects in front; one alone is active at once, else a blank one behind them is. */
export function withSaved(sheet, objects) {
  const opened = objects.map((saved, i) => reopened(saved, sheet.nextNumber + i));
  const nextNumber = sheet.nextNumber + opened.length;
  if (opened.length === 1) return { ...sheet, objects: opened, activeId: opened[0].id, nextNumber };
  return { ...sheet, objects: [...opened, ...sheet.objects], nextNumber };
}

const same = (a, b) => a === b || JSON.stringify(a) === JSON.stringify(b);

/** True while the model has nothing new to say: the prompts are those it was accepted with, or there were none and are none. */
export function isAsSaved(object) {
  const { saved } = object;
  if (!saved) return false;
  if (!saved.mask) return !hasPrompts(object);
  return hasPrompts(object) && ["points", "box", "scribbles"].every((kind) => same(object[kind], saved[kind]));
}

/** The accepted mask as the answer to the prompts that it was accepted with; null for every other object. */
export function savedAnswer(object) {
  if (!object.saved?.mask || !isAsSaved(object)) return null;
  const { mask, predicted_iou, quality, model_id } = object.saved;
  return { counts: mask.counts, candidates: NONE, chosen: 0, predictedIou: predicted_iou, quality, logitsId: null, modelId: model_id };
}
