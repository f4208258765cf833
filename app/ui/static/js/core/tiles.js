/**
 * Which part of an image is painted, and how finely: enough for the view at its zoom, so that a large image costs no
 * more than the screen it is seen on. Level k halves the image k times; a tile's box is in pixels of its level.
 */
import { eachStretch } from "./rle.js";

const WHOLE_PX = 1.5e6; // an image of no more pixels at its level is painted whole
const MARGIN = 0.15; // of the view, on each side: a short pan repaints nothing

/** The coarsest level whose pixels are no larger than those of the screen. */
export const levelFor = (scale, ratio) => Math.max(0, Math.floor(Math.log2(1 / (scale * ratio)) + 1e-9));

export const levelSize = (size, level) => Math.ceil(size / 2 ** level);

/** {level, box: [x0, y0, x1, y1]} to paint for a viewport; `held` is returned while it still serves. */
export function tileFor(view, ratio, held = null) {
  const level = levelFor(view.scale, ratio);
  const seen = seenBox(view, level, 0);
  if (held?.level === level && holds(held.box, seen)) return held;
  const [width, height] = [levelSize(view.imageWidth, level), levelSize(view.imageHeight, level)];
  const whole = width * height <= WHOLE_PX;
  return { level, box: whole ? [0, 0, width, height] : seenBox(view, level, MARGIN) };
}

function seenBox(view, level, margin) {
  const step = 2 ** level;
  const [mx, my] = [view.width * margin, view.height * margin];
  const a = view.toImage(-mx, -my);
  const b = view.toImage(view.width + mx, view.height + my);
  const within = (v, size) => Math.min(levelSize(size, level), Math.max(0, v));
  const x0 = within(Math.floor(a.x / step), view.imageWidth);
  const y0 = within(Math.floor(a.y / step), view.imageHeight);
  const x1 = within(Math.ceil(b.x / step), view.imageWidth);
  const y1 = within(Math.ceil(b.y / step), view.imageHeight);
  return [x0, y0, Math.max(x0, x1), Math.max(y0, y1)];
}

const holds = (outer, inner) => outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];

/** A box of image pixels as the box of level pixels that it touches. */
export function boxAtLevel([x0, y0, x1, y1], level) {
  const step = 2 ** level;
  return [Math.floor(x0 / step), Math.floor(y0 / step), Math.ceil(x1 / step), Math.ceil(y1 / step)];
}

/** What two boxes share; null when that is nothing. */
export function shared(a, b) {
  const box = [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
  return box[0] < box[2] && box[1] < box[3] ? box : null;
}

/** Half the size, each sample the mean of the up to four that it covers. */
export function halved({ samples, width, height, channels }) {
  const [w, h] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const out = new samples.constructor(w * h * channels);
  for (let y = 0, to = 0; y < h; y++) {
    const up = 2 * y * width * channels;
    const down = 2 * y + 1 < height ? up + width * channels : up;
    for (let x = 0; x < w; x++) {
      const left = 2 * x * channels;
      const right = 2 * x + 1 < width ? left + channels : left;
      for (let c = 0; c < channels; c++, to++) {
        out[to] = (samples[up + left + c] + samples[up + right + c] + samples[down + left + c] + samples[down + right + c] + 2) >> 2;
      }
    }
  }
  return { samples: out, width: w, height: h, channels };
}

/** The image and its halvings, each made when it is first asked for. */
export class Pyramid {
  #levels;

  constructor(picture) {
    this.#levels = [picture];
  }

  level(k) {
    while (this.#levels.length <= k) this.#levels.push(halved(this.#levels.at(-1)));
    return this.#levels[k];
  }
}

/** Sets `word` in a picture of a tile wherever the runs touch one of its pixels. */
export function fillTile(counts, height, { level, box }, words, word) {
  const [x0, y0, x1, y1] = box;
  const width = x1 - x0;
  eachStretch(counts, height, (x, y, length) => {
    const column = (x >> level) - x0;
    if (column < 0 || column >= width) return;
    const from = Math.max(y >> level, y0);
    const to = Math.min((y + length - 1) >> level, y1 - 1);
    for (let row = from, at = (from - y0) * width + column; row <= to; row++, at += width) words[at] = word;
  });
}

/** Empties a box (in pixels of the tile's level) of the picture of a tile. */
export function clearTile({ box: [x0, y0, x1] }, part, words) {
  const width = x1 - x0;
  for (let row = part[1] - y0; row < part[3] - y0; row++) words.fill(0, row * width + part[0] - x0, row * width + part[2] - x0);
}

/** The same as `fillTile` from a bitmap of the whole image, within `part` (in pixels of the tile's level); the rest of it is cleared. */
export function bitsTile(bits, imageWidth, imageHeight, tile, part, words, word) {
  const { level, box } = tile;
  const [x0, y0, x1] = box;
  const width = x1 - x0;
  clearTile(tile, part, words);
  const bottom = Math.min(part[3] << level, imageHeight);
  const right = Math.min(part[2] << level, imageWidth);
  for (let y = part[1] << level; y < bottom; y++) {
    const to = ((y >> level) - y0) * width - x0;
    for (let x = part[0] << level, at = y * imageWidth + x; x < right; x++, at++) if (bits[at]) words[to + (x >> level)] = word;
  }
}
