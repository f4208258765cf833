/** Off-screen pictures at image resolution: the windowed image, the masks, and their borders as paths. */
import { borderSegments, softSegments } from "../core/contour.js";
import * as rle from "../core/rle.js";
import { hexToRgb } from "../dom.js";

export class Layer {
  constructor(width, height) {
    this.canvas = document.createElement("canvas");
    this.canvas.width = width;
    this.canvas.height = height;
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(width, height);
    this.words = new Uint32Array(this.image.data.buffer);
  }

  /** Shows what was written to `words`, only within the box when one is given. */
  flush(box = null) {
    const { width, height } = this.canvas;
    const [x0, y0, x1, y1] = box ?? [0, 0, width, height];
    this.context.putImageData(this.image, 0, 0, x0, y0, x1 - x0, y1 - y0);
  }

  clear() {
    this.words.fill(0);
  }
}

export function colourWord(hex) {
  const [r, g, b] = hexToRgb(hex);
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

/** Colours the set pixels of a bitmap within a box and clears the others there. */
export function paintBits(layer, bits, box, word) {
  const width = layer.canvas.width;
  const [x0, y0, x1, y1] = box;
  for (let y = y0; y < y1; y++) {
    for (let i = y * width + x0, end = y * width + x1; i < end; i++) layer.words[i] = bits[i] ? word : 0;
  }
  layer.flush(box);
}

/** The border of a bitmap as paths, made when they are first drawn: exact along pixel edges, or with cut corners. */
export class Border {
  #paths = new Map();

  constructor(bits, width, height, [left, top] = [0, 0]) {
    Object.assign(this, { bits, width, height, left, top });
  }

  path(soft) {
    let path = this.#paths.get(soft);
    if (path) return path;
    path = new Path2D();
    const segments = (soft ? softSegments : borderSegments)(this.bits, this.width, this.height);
    for (let i = 0; i < segments.length; i += 4) {
      path.moveTo(segments[i] + this.left, segments[i + 1] + this.top);
      path.lineTo(segments[i + 2] + this.left, segments[i + 3] + this.top);
    }
    this.#paths.set(soft, path);
    return path;
  }
}

const borders = new WeakMap();

/** Border of run lengths, remembered as long as the run lengths live. */
export function runsBorder(counts, height) {
  let border = borders.get(counts);
  if (border) return border;
  const [x0, y0, x1, y1] = rle.bounds(counts, height) ?? [0, 0, 0, 0];
  const width = x1 - x0;
  const bits = new Uint8Array(width * (y1 - y0));
  rle.eachStretch(counts, height, (x, y, length) => {
    for (let i = 0; i < length; i++) bits[(y - y0 + i) * width + x - x0] = 1;
  });
  border = new Border(bits, width, y1 - y0, [x0, y0]);
  borders.set(counts, border);
  return border;
}
