/** The model's answers by question (`askKey`), bounded; and from an object to the mask that stands for it. */
import * as rle from "./rle.js";
import { union } from "./live_mask.js";
import { savedAnswer } from "./reopened.js";
import { askKey, hasPrompts } from "./sheet.js";

const LIMIT = 400;
const NONE = [];

export class Answers {
  #byKey = new Map();
  #composed = new WeakMap();

  constructor(width, height) {
    this.width = width;
    this.height = height;
  }

  put(key, answer) {
    this.#byKey.delete(key);
    this.#byKey.set(key, answer);
    if (this.#byKey.size > LIMIT) this.#byKey.delete(this.#byKey.keys().next().value);
  }

  /** The answer to exactly the prompts that the object has now, or null. */
  of(object) {
    return savedAnswer(object) ?? this.#byKey.get(askKey(object)) ?? null;
  }

  /** True when the object's mask is that of its shown prompts: the only kind that may be saved. */
  isCurrent(object) {
    return !hasPrompts(object) || this.of(object) !== null;
  }

  /** The masks to choose from; the same array for the same answer. */
  candidates(object) {
    return this.of(object)?.candidates ?? NONE;
  }

  chosen(object) {
    const answer = this.of(object);
    return answer ? (object.choice ?? answer.chosen ?? 0) : null;
  }

  /** Run lengths under the strokes: the model's chosen candidate, else the starting mask; null when there is none. */
  base(object) {
    const answer = this.of(object);
    if (!answer) return hasPrompts(object) ? null : object.start;
    if (object.choice === null || !answer.candidates?.[object.choice]) return answer.counts;
    return answer.candidates[object.choice].counts;
  }

  /** The mask as it would be saved: base overruled by strokes. Remembered per object value. */
  final(object) {
    const base = this.base(object);
    const known = this.#composed.get(object);
    if (known && known.base === base) return known.counts;
    const counts = object.edits ? this.#compose(base, object.edits) : (base ?? [this.width * this.height]);
    this.#composed.set(object, { base, counts });
    return counts;
  }

  #compose(base, edits) {
    const { width, height } = this;
    const bits = new Uint8Array(width * height);
    if (base) rle.fillRuns(base, height, width, bits, 1);
    rle.fillRuns(edits.painted, height, width, bits, 1);
    rle.fillRuns(edits.erased, height, width, bits, 0);
    const boxes = [base, edits.painted].map((counts) => counts && rle.bounds(counts, height));
    return rle.encode(bits, height, width, 0, union(...boxes) ?? [0, 0, 0, 0]);
  }

  /** What to feed back with the next click on this object: none when a person chose another candidate. */
  feedback(object) {
    const answer = this.of(object);
    return answer && this.chosen(object) === (answer.chosen ?? 0) ? (answer.logitsId ?? null) : null;
  }
}

export function answerFromWire(body) {
  return {
    counts: body.counts,
    candidates: (body.candidates ?? []).map((c) => ({ counts: c.counts, predictedIou: c.predicted_iou })),
    chosen: body.chosen ?? 0,
    predictedIou: body.predicted_iou ?? null,
    quality: body.quality ?? null,
    logitsId: body.logits_id ?? null,
    modelId: body.model_id ?? null,
    ms: body.ms ?? null,
  };
}
