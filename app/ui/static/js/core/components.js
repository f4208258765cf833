/** Splits a mask into its connected parts (pixels that touch at an edge), straight on its run lengths. */
import { eachStretch } from "./rle.js";

/**
 * Run lengths of each part of at least `minPixels`, from left to right; the whole mask alone when it has more than
 * `most` parts, because nobody wants to correct those one by one.
 */
export function splitParts(counts, height, width, { minPixels = 1, most = 200 } = {}) {
  const stretches = [];
  eachStretch(counts, height, (x, y, length) => stretches.push({ x, y, end: y + length }));
  const parent = stretches.map((_, i) => i);
  const root = (i) => {
    while (parent[i] !== i) i = parent[i] = parent[parent[i]];
    return i;
  };
  let before = 0; // first stretch of the column to the left that may still touch
  for (let i = 0; i < stretches.length; i++) {
    const { x, y, end } = stretches[i];
    while (before < i && (stretches[before].x < x - 1 || (stretches[before].x === x - 1 && stretches[before].end <= y))) before++;
    for (let k = before; k < i && stretches[k].x === x - 1 && stretches[k].y < end; k++) parent[root(i)] = root(k);
  }
  const parts = new Map();
  stretches.forEach((stretch, i) => {
    const part = parts.get(root(i)) ?? [];
    part.push(stretch);
    parts.set(root(i), part);
  });
  const big = [...parts.values()].filter((part) => part.reduce((sum, s) => sum + s.end - s.y, 0) >= minPixels);
  return big.length > most ? [counts] : big.map((part) => runsOf(part, height, width));
}

function runsOf(stretches, height, width) {
  const counts = [];
  let position = 0;
  for (const { x, y, end } of stretches) {
    const start = x * height + y;
    if (counts.length && start === position) counts[counts.length - 1] += end - y;
    else counts.push(start - position, end - y);
    position = x * height + end;
  }
  if (position < height * width) counts.push(height * width - position);
  return counts;
}
