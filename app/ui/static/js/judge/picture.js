/** The image with both readings over it: orange is A's alone, blue is B's alone, what both say stays as it is. */
import * as over from "../core/overlap.js";
import { paintSamples, tableSize, windowTable } from "../core/windowing.js";

// Okabe and Ito's orange, sky blue and purple: told apart by colour-blind people too. [r, g, b]
const COLOURS = { a: [230, 159, 0], b: [86, 180, 233], other: [204, 121, 167] };
const SHARE = 0.45; // of the colour in an area
const EDGE = 0.95;
const DASH = 6; // screen pixels; A's dashes stand in the gaps of B's where both labeled the same part

export class JudgePicture {
  masksShown = true;
  close = false; // only the box around both readings
  #shown = null;
  #image = document.createElement("canvas");

  constructor(canvas) {
    this.canvas = canvas;
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(canvas);
  }

  stop() {
    this.resized.disconnect();
  }

  /** picture: samples as the API sends them; a and b: objects of the two readers; parts: what each labeled alone, or null. */
  show(picture, window, a, b, parts) {
    this.#shown = { picture, window, a, b, parts };
    this.#paint();
  }

  clear() {
    this.#shown = null;
    this.draw();
  }

  toggleMasks() {
    this.masksShown = !this.masksShown;
    if (this.#shown) this.#paint();
  }

  toggleClose() {
    this.close = !this.close;
    this.draw();
  }

  #paint() {
    const { picture, window, a, b } = this.#shown;
    const { width, height, samples, channels, dtype } = picture;
    Object.assign(this.#image, { width, height });
    const pixels = new ImageData(width, height);
    const words = new Uint32Array(pixels.data.buffer);
    paintSamples(samples, channels, windowTable(window, tableSize(dtype)), words, width, [0, 0, width, height]);
    const maps = [a, b].map((objects) => over.classMap(objects, width, height));
    const codes = over.overlap(...maps);
    this.#shown.box = over.closeUp(codes, width, height);
    if (this.masksShown) {
      const areas = [null, COLOURS.a, COLOURS.b, null, COLOURS.other];
      codes.forEach((code, at) => areas[code] && blend(pixels.data, at, areas[code], SHARE));
      maps.forEach((map, side) => {
        over.borders(map, width, height).forEach((is, at) => is && blend(pixels.data, at, side ? COLOURS.b : COLOURS.a, EDGE));
      });
    }
    this.#image.getContext("2d").putImageData(pixels, 0, 0);
    this.draw();
  }

  draw() {
    const { canvas } = this;
    const ratio = globalThis.devicePixelRatio || 1;
    Object.assign(canvas, { width: Math.round(canvas.clientWidth * ratio), height: Math.round(canvas.clientHeight * ratio) });
    if (!this.#shown || !canvas.width) return;
    const box = this.close ? this.#shown.box : [0, 0, this.#image.width, this.#image.height];
    const { x, y, scale } = over.placed(box, canvas.width, canvas.height);
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = scale < 1;
    context.setTransform(scale, 0, 0, scale, x, y);
    context.drawImage(this.#image, 0, 0);
    if (this.masksShown) this.#drawParts(context, ratio / scale);
  }

  /** Dashed lines around the part that a reader labeled alone; `pixel`: a screen pixel in those of the image. */
  #drawParts(context, pixel) {
    context.lineWidth = 2 * pixel;
    context.setLineDash([DASH * pixel, DASH * pixel]);
    for (const side of ["a", "b"]) {
      const part = this.#shown.parts[side];
      if (!part) continue;
      const [x0, y0, x1, y1] = part;
      context.strokeStyle = `rgb(${COLOURS[side].join(" ")})`;
      context.lineDashOffset = side === "a" ? 0 : DASH * pixel;
      context.strokeRect(x0, y0, x1 - x0, y1 - y0);
    }
  }
}

/** Mixes a colour into one pixel of RGBA bytes. */
function blend(data, at, colour, share) {
  for (let i = 0; i < 3; i++) data[4 * at + i] = (1 - share) * data[4 * at + i] + share * colour[i];
}
