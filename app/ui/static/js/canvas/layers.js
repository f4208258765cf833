/** Off-screen pictures of the part of the image in sight, and borders of masks as paths. */
import { borderSegments, joined, softSegments } from "../core/contour.js";
import * as rle from "../core/rle.js";
import { boxAtLevel, fillTile, shared } from "../core/tiles.js";
import { hexToRgb } from "../dom.js";

/** A picture of a tile ({level, box}); it is made for a tile with `take`, written to in `words`, shown by `flush`. */
export class Layer {
  tile = null;
  words = new Uint32Array(0);

  constructor() {
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d");
  }

  take(tile) {
    this.tile = tile;
    const [width, height] = [Math.max(1, tile.box[2] - tile.box[0]), Math.max(1, tile.box[3] - tile.box[1])];
    if (this.canvas.width === width && this.canvas.height === height && this.image) return;
    Object.assign(this.canvas, { width, height });
    this.image = this.context.createImageData(width, height);
    this.words = new Uint32Array(this.image.data.buffer);
  }

  /** Shows what was written to `words`, only within a box of level pixels when one is given. */
  flush(part = this.tile.box) {
    const [left, top] = this.tile.box;
    this.context.putImageData(this.image, 0, 0, part[0] - left, part[1] - top, part[2] - part[0], part[3] - part[1]);
  }

  /** Draws it where it belongs, under a transform to image pixels. */
  draw(g) {
    const { level, box } = this.tile;
    const step = 2 ** level;
    g.drawImage(this.canvas, box[0] * step, box[1] * step, this.canvas.width * step, this.canvas.height * step);
  }
}

export function colourWord(hex) {
  const [r, g, b] = hexToRgb(hex);
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

/** The border of a mask within `box` as paths, made when first drawn: exact along pixel edges, or with cut corners at a level. */
export class Border {
  #paths = new Map();

  constructor(box, bitsAt) {
    this.box = box; // [x0, y0, x1, y1] in image pixels
    this.bitsAt = bitsAt; // (level) => {bits, box} of the level's pixels
  }

  /** `level` null gives the exact border. */
  path(level) {
    let path = this.#paths.get(level);
    if (path) return path;
    path = new Path2D();
    const { bits, box } = this.bitsAt(level ?? 0);
    const step = 2 ** (level ?? 0);
    const segments = (level === null ? borderSegments : softSegments)(bits, box[2] - box[0], box[3] - box[1]);
    for (const line of joined(segments)) {
      path.moveTo((line[0] + box[0]) * step, (line[1] + box[1]) * step);
      for (let i = 2; i < line.length; i += 2) path.lineTo((line[i] + box[0]) * step, (line[i + 1] + box[1]) * step);
    }
    this.#paths.set(level, path);
    return path;
  }

  isSeen(view) {
    const a = view.toImage(0, 0);
    const b = view.toImage(view.width, view.height);
    return shared(this.box, [a.x, a.y, b.x, b.y]) !== null;
  }
}

const borders = new WeakMap();

/** Border of run lengths, remembered as long as the run lengths live. */
export function runsBorder(counts, height) {
  const known = borders.get(counts);
  if (known) return known;
  const bounds = rle.bounds(counts, height) ?? [0, 0, 0, 0];
  const border = new Border(bounds, (level) => {
    const box = boxAtLevel(bounds, level);
    const bits = new Uint8Array((box[2] - box[0]) * (box[3] - box[1]));
    fillTile(counts, height, { level, box }, bits, 1);
    return { bits, box };
  });
  borders.set(counts, border);
  return border;
}

/** Border of a bitmap of the whole image whose set pixels lie in `bounds`. */
export function bitsBorder(bits, width, bounds) {
  return new Border(bounds, (level) => {
    const box = boxAtLevel(bounds, level);
    const across = box[2] - box[0];
    const out = new Uint8Array(across * (box[3] - box[1]));
    for (let y = bounds[1]; y < bounds[3]; y++) {
      const row = ((y >> level) - box[1]) * across - box[0];
      for (let x = bounds[0], at = y * width + x; x < bounds[2]; x++, at++) if (bits[at]) out[row + (x >> level)] = 1;
    }
    return { bits: out, box };
  });
}
