/** Draws one frame: image, masks, borders, prompts, crosshair and brush. Knows the screen, changes no annotation. */
import { fillRuns } from "../core/rle.js";
import { paintSamples, tableSize, windowTable } from "../core/windowing.js";
import { Border, colourWord, Layer, paintBits, runsBorder } from "./layers.js";

const BACKDROP = "#0c0e12";
const EXACT_FROM = 6; // screen pixels an image pixel: from here on borders follow the pixels

export class Stage {
  opacity = 0.4;
  outlineOnly = false;
  masksShown = true;
  stale = false;
  hover = null; // view coordinates
  brush = null; // {radius, erase}
  rubber = null; // box being drawn, image coordinates
  cursor = null; // keyboard crosshair, image coordinates
  corner = null;
  painter = null; // paints the prompts, and what a tool in use shows
  #frame = 0;
  #others = [];
  #activeBorder = null;
  #activeColour = "#ffffff";
  #picture = null;

  constructor(canvas, view) {
    this.canvas = canvas;
    this.view = view;
    this.context = canvas.getContext("2d", { alpha: false });
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(canvas);
    this.resize();
  }

  close() {
    this.observer.disconnect();
    cancelAnimationFrame(this.#frame);
  }

  resize() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (!width || !height) return;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.view.resize(width, height);
    this.#draw();
  }

  /** Takes a picture {samples, width, height, channels, dtype}; null shows an empty stage. */
  setPicture(picture) {
    this.#picture = picture;
    this.#others = [];
    this.#activeBorder = null;
    this.rubber = this.cursor = this.corner = null;
    this.stale = false;
    if (!picture) return this.draw();
    this.base = new Layer(picture.width, picture.height);
    this.othersLayer = new Layer(picture.width, picture.height);
    this.activeLayer = new Layer(picture.width, picture.height);
    this.view.setImage(picture.width, picture.height);
  }

  setWindow(window) {
    const { samples, channels, dtype } = this.#picture;
    paintSamples(samples, channels, windowTable(window, tableSize(dtype)), this.base.words);
    this.base.flush();
    this.draw();
  }

  /** [{counts, colour}] of the objects that are not being worked on. */
  setOthers(objects) {
    const { width, height } = this.#picture;
    this.#others = objects.map(({ counts, colour }) => ({ border: runsBorder(counts, height), colour }));
    this.othersLayer.clear();
    for (const { counts, colour } of objects) {
      fillRuns(counts, height, width, this.othersLayer.words, colourWord(colour));
    }
    this.othersLayer.flush();
    this.draw();
  }

  /** The object being worked on; `box` limits the repainting after a stroke. */
  setActive(bits, colour, box = null) {
    const { width, height } = this.#picture;
    const whole = [0, 0, width, height];
    this.#activeColour = colour;
    paintBits(this.activeLayer, bits, box ?? whole, colourWord(colour));
    this.#activeBorder = new Border(bits, width, height);
    this.draw();
  }

  draw() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const g = this.context;
    const ratio = devicePixelRatio || 1;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.globalAlpha = 1;
    g.fillStyle = BACKDROP;
    g.fillRect(0, 0, this.view.width, this.view.height);
    if (!this.#picture) return;
    const { scale, left, top } = this.view;
    g.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * left, ratio * top);
    g.imageSmoothingEnabled = scale * ratio < 3;
    g.imageSmoothingQuality = "high";
    g.drawImage(this.base.canvas, 0, 0);
    if (this.masksShown) this.#masks(g, scale);
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.painter.paint(g, this.view);
    this.#crosshair(g);
    this.#brush(g);
  }

  #masks(g, scale) {
    g.imageSmoothingEnabled = scale < 1;
    if (!this.outlineOnly) {
      g.globalAlpha = this.opacity * 0.75;
      g.drawImage(this.othersLayer.canvas, 0, 0);
      g.globalAlpha = this.opacity * (this.stale ? 0.5 : 1);
      g.drawImage(this.activeLayer.canvas, 0, 0);
    }
    const soft = scale < EXACT_FROM;
    g.lineCap = "round";
    g.globalAlpha = 0.9;
    for (const { border, colour } of this.#others) {
      g.lineWidth = 1.5 / scale;
      g.strokeStyle = colour;
      g.stroke(border.path(soft));
    }
    if (this.#activeBorder) {
      g.globalAlpha = this.stale ? 0.4 : 1;
      g.lineWidth = 4 / scale;
      g.strokeStyle = "#ffffffb0";
      g.stroke(this.#activeBorder.path(soft));
      g.lineWidth = 2 / scale;
      g.strokeStyle = this.#activeColour;
      g.stroke(this.#activeBorder.path(soft));
    }
    g.globalAlpha = 1;
  }

  #crosshair(g) {
    for (const [at, size] of [[this.cursor, 14], [this.corner, 6]]) {
      if (!at) continue;
      const { x, y } = this.view.toView(at.x, at.y);
      for (const [width, style] of [[3.5, "#000000a0"], [1.5, "#fff"]]) {
        g.lineWidth = width;
        g.strokeStyle = style;
        g.beginPath();
        for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
          g.moveTo(x + 3 * dx, y + 3 * dy);
          g.lineTo(x + size * dx, y + size * dy);
        }
        g.stroke();
      }
    }
  }

  #brush(g) {
    const at = this.cursor ? this.view.toView(this.cursor.x, this.cursor.y) : this.hover;
    if (!this.brush || !at) return;
    const radius = Math.max(1.5, this.brush.radius * this.view.scale);
    for (const [width, style] of [[3, "#000000a0"], [1.5, this.brush.erase ? "#ff9d9d" : "#ffffff"]]) {
      g.beginPath();
      g.arc(at.x, at.y, radius, 0, 2 * Math.PI);
      g.lineWidth = width;
      g.strokeStyle = style;
      g.stroke();
    }
  }
}
