/** Lengths on the image, in pixels and, where the spacing [row, column] in mm is known, in millimetres. */

export function distance(a, b, spacing = null) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  return { px: Math.hypot(dx, dy), mm: spacing && Math.hypot(dx * spacing[1], dy * spacing[0]) };
}

/** The longest of 1, 2, 5, 10, 20, ... (and 0.5, 0.2, ...) that is no longer than `longest`. */
export function roundLength(longest) {
  const power = 10 ** Math.floor(Math.log10(longest) + 1e-12);
  return [5, 2, 1].map((digit) => digit * power).find((length) => length <= longest * (1 + 1e-9));
}

/** One decimal below 100, none above. */
export const shortNumber = (value) => (value < 99.95 ? value.toFixed(1) : String(Math.round(value)));
