/** An annotator's pace in words' numbers; the server measures it. */
import { duration } from "./ticks.js";

/** The name of a text under `day.pace` and its values; null before there is anything to tell. */
export function paceText({ n_today, median_s, left, left_s }) {
  if (median_s === null) return null;
  const values = { today: n_today, each: duration(median_s), left: duration(left_s) };
  return { key: left ? "left" : "done", values };
}
