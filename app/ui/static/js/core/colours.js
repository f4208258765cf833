/**
 * A scale of colours from low to high that stays in order for colour-blind eyes and in grey: viridis (van der Walt and
 * Smith 2015), at ten even steps and straight in between.
 */
export const SCALE = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];
const STOPS = SCALE.map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));

/** [r, g, b] of a share from 0 to 1. */
export function scaleColour(share) {
  const at = Math.min(1, Math.max(0, share)) * (STOPS.length - 1);
  const i = Math.min(STOPS.length - 2, Math.floor(at));
  return STOPS[i].map((low, c) => Math.round(low + (STOPS[i + 1][c] - low) * (at - i)));
}

/** RGBA bytes of byte values: what is low lets the image through, so that the eye goes to what is high. */
export function heatPixels(values) {
  const out = new Uint8ClampedArray(values.length * 4);
  for (let i = 0; i < values.length; i++) {
    out.set(scaleColour(values[i] / 255), 4 * i);
    out[4 * i + 3] = 24 + Math.round(0.7 * values[i]);
  }
  return out;
}
