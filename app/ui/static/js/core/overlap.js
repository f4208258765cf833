/** Two readings of one image laid over each other: which pixels are A's alone, B's alone, or both's. Pure. */
import { eachStretch } from "./rle.js";

export const [NEITHER, ONLY_A, ONLY_B, BOTH, OTHER_CLASS] = [0, 1, 2, 3, 4];

/** Class of every pixel, 0 for none, row by row; the later of two objects lies on top. */
export function classMap(objects, width, height) {
  const map = new Uint8Array(width * height);
  for (const { class_id, mask } of objects) {
    eachStretch(mask.counts, height, (x, y, length) => {
      for (let i = 0, at = y * width + x; i < length; i++, at += width) map[at] = class_id;
    });
  }
  return map;
}

/** One of the codes above for every pixel of two class maps. */
export function overlap(a, b) {
  return Uint8Array.from(a, (of, i) => (of && b[i] ? (of === b[i] ? BOTH : OTHER_CLASS) : of ? ONLY_A : b[i] ? ONLY_B : NEITHER));
}

/** Marks the pixels of a class map that have a side on another class or on the image's edge. */
export function borders(map, width, height) {
  const marked = new Uint8Array(map.length);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const own = map[at];
      if (!own) continue;
      const inner = x && y && x < width - 1 && y < height - 1;
      if (!inner || map[at - 1] !== own || map[at + 1] !== own || map[at - width] !== own || map[at + width] !== own) marked[at] = 1;
    }
  }
  return marked;
}

/** Box [x0, y0, x1, y1) around what either reader shows, with a margin of a fifth; the whole image where none shows anything. */
export function closeUp(codes, width, height) {
  let [x0, y0, x1, y1] = [width, height, 0, 0];
  codes.forEach((code, at) => {
    if (!code) return;
    const [x, y] = [at % width, Math.floor(at / width)];
    [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x + 1), Math.max(y1, y + 1)];
  });
  if (x1 <= x0) return [0, 0, width, height];
  const margin = Math.ceil(0.2 * Math.max(x1 - x0, y1 - y0));
  return [Math.max(0, x0 - margin), Math.max(0, y0 - margin), Math.min(width, x1 + margin), Math.min(height, y1 + margin)];
}

/** Largest placement {x, y, scale} of a box into a window, in its middle. */
export function placed([x0, y0, x1, y1], width, height) {
  const scale = Math.min(width / (x1 - x0), height / (y1 - y0));
  return { x: (width - scale * (x1 - x0)) / 2 - scale * x0, y: (height - scale * (y1 - y0)) / 2 - scale * y0, scale };
}
