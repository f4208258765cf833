/** Windows by name. Raw values are kept as they come, so CT presets are moved to where the file has 0 HU. */
import { autoWindow } from "./windowing.js";

/** Usual windows of CT in HU: {level, width}. */
export const CT = {
  lung: { level: -600, width: 1500 },
  bone: { level: 400, width: 1800 },
  brain: { level: 40, width: 80 },
  soft: { level: 50, width: 400 },
};
const OFFSETS = [1024, 32768]; // where 0 HU commonly lies in files without negative values

/**
 * The value of 0 HU where an image looks like CT, else null: 16 bit, air (-900 HU or less) at the low end and, at the
 * high end, from soft bone (300 HU) to metal (4,100 HU). A guess: nothing in the file says so, but a volume says where its 0 is.
 */
export function zeroOfCt({ dtype, channels, volume, window: { min, max } }) {
  if (dtype !== "uint16" || channels !== 1) return null;
  const zeros = !volume ? OFFSETS : volume.slope === 1 ? [-volume.intercept] : [];
  return zeros.find((zero) => min - zero >= -1100 && min - zero <= -900 && max - zero >= 300 && max - zero <= 4100) ?? null;
}

/** Names of the presets that an item has, in the order of the menu. */
export function presetsOf(item) {
  return ["image", "auto", "full", ...(zeroOfCt(item) === null ? [] : Object.keys(CT))];
}

/** {level, width} of a preset for an image; null for one that it does not have. */
export function presetWindow(name, item, picture) {
  const { level, width, min, max } = item.window;
  if (name === "image") return { level, width };
  if (name === "auto") return autoWindow(picture.samples, picture, [0, 0, picture.width, picture.height]);
  if (name === "full") return { level: (min + max) / 2, width: Math.max(1, max - min) };
  const zero = zeroOfCt(item);
  return zero === null || !CT[name] ? null : { level: CT[name].level + zero, width: CT[name].width };
}
