/** Off-screen pictures at image resolution: the windowed image, the masks, and their borders as paths. */
import { borderSegments } from "../core/contour.js";
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

function pathOf(segments) {
  const path = new Path2D();
  for (let i = 0; i < segments.length; i += 4) {
    path.moveTo(segments[i], segments[i + 1]);
    path.lineTo(segments[i + 2], segments[i + 3]);
  }
  return path;
}

export const bitsPath = (bits, width, height, box) => pathOf(borderSegments(bits, width, height, box));

const paths = new WeakMap();

/** Border of run lengths, remembered as long as the run lengths live. */
export function runsPath(counts, height) {
  let path = paths.get(counts);
  if (path) return path;
  const box = rle.bounds(counts, height);
  if (!box) path = new Path2D();
  else {
    const [x0, y0, x1, y1] = box;
    const width = x1 - x0;
    const bits = new Uint8Array(width * (y1 - y0));
    rle.eachStretch(counts, height, (x, y, length) => {
      for (let i = 0; i < length; i++) bits[(y - y0 + i) * width + x - x0] = 1;
    });
    const segments = borderSegments(bits, width, y1 - y0);
    for (let i = 0; i < segments.length; i += 2) {
      segments[i] += x0;
      segments[i + 1] += y0;
    }
    path = pathOf(segments);
  }
  paths.set(counts, path);
  return path;
}
