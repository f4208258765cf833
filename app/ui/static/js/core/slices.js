/** Slices of a volume, counted from 0: which one comes next, which to fetch ahead, what to mark on the slider. */

export const clampSlice = (index, count) => Math.min(count - 1, Math.max(0, index));

/** Slices to have at hand around one, nearest first and those ahead before those behind; `step` says where one goes. */
export function aheadOf(index, count, step, reach) {
  const found = [];
  for (let distance = 1; distance <= reach; distance++) {
    for (const to of [index + step * distance, index - step * distance]) if (to >= 0 && to < count) found.push(to);
  }
  return found;
}

/** What a slice's mark says: someone's accepted masks, work that is not finished, or starting masks that wait. */
export function markOf({ version, state, has_draft, has_suggestion }) {
  if (version > 0 || state === "labeled") return "accepted";
  if (has_draft) return "draft";
  if (state === "skipped") return "skipped";
  return has_suggestion ? "offered" : null;
}

/** Neighbouring slices of one mark as [{mark, from, to}], `to` exclusive; slices without a mark are left out. */
export function runsOf(marks) {
  const runs = [];
  marks.forEach((mark, index) => {
    const last = runs.at(-1);
    if (!mark) return;
    if (last && last.mark === mark && last.to === index) last.to++;
    else runs.push({ mark, from: index, to: index + 1 });
  });
  return runs;
}

const NOTCH_PX = 100; // what most mice send for one notch of the wheel
const SMALLEST_PX = 20; // a touchpad's small movements add up to a slice

/** Turns wheel movements into whole slices: a notch is one slice, small movements of a touchpad add up. */
export class WheelSteps {
  #left = 0;

  /** deltaMode 1 counts lines, else CSS pixels. Returns slices to go, positive for down. */
  add(delta, deltaMode = 0) {
    if (deltaMode || Math.abs(delta) >= NOTCH_PX / 2) {
      this.#left = 0;
      return Math.sign(delta);
    }
    if (Math.sign(delta) !== Math.sign(this.#left)) this.#left = 0;
    this.#left += delta;
    const steps = Math.trunc(this.#left / SMALLEST_PX) + 0; // never -0
    this.#left -= steps * SMALLEST_PX;
    return steps;
  }
}
