/** Draws one frame: image, masks, borders, prompts, crosshair and brush. Knows the screen, changes no annotation. */
import { Backdrop } from "./backdrop.js";
import { Raster } from "./raster.js";

const BACKDROP = "#0c0e12";

export class Stage {
  opacity = 0.4;
  outlineOnly = false;
  masksShown = true;
  blinked = false; // the dark half of a flicker
  stale = false;
  hover = null; // view coordinates
  brush = null; // {radius, erase}
  rubber = null; // box being drawn, image coordinates
  cursor = null; // keyboard crosshair, image coordinates
  corner = null;
  painter = null; // paints the prompts, and what a tool in use shows
  raster = null; // what is seen of the image; null on an empty stage
  activeShown = true;
  elsewhere = false; // another slice is in sight than the one that is worked on: none of its prompts and layers
  underlays = []; // (g, view) => void, between image and masks, in image pixels
  overlays = []; // (g, view) => void, over all, in view pixels
  #backdrop = new Backdrop();
  #frame = 0;

  constructor(canvas, view) {
    this.canvas = canvas;
    this.view = view;
    this.context = canvas.getContext("2d", { alpha: false });
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(canvas);
    this.resize();
  }

  /** The image as it is painted, for what shows it elsewhere. */
  get base() {
    return this.raster?.base;
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
    this.raster = picture && new Raster(picture);
    this.#backdrop.forget();
    this.rubber = this.cursor = this.corner = null;
    this.stale = this.elsewhere = false;
    if (picture) this.view.setImage(picture.width, picture.height);
    this.draw();
  }

  /** Another picture of the same size under the same view, for a look; `setPicture` or this one ends it. */
  exchange(picture, { elsewhere }) {
    this.raster = new Raster(picture);
    this.elsewhere = elsewhere;
    this.#backdrop.forget();
    this.draw();
  }

  setWindow(window, extra) {
    this.raster.setWindow(window, extra);
    this.#backdrop.forget();
    this.draw();
  }

  /** [{counts, colour}] of the objects that are not being worked on. */
  setOthers(objects) {
    this.raster.setOthers(objects);
    this.draw();
  }

  /** The object being worked on, a live mask; `touched` limits the repainting after a stroke. */
  setActive(live, colour, touched = null) {
    this.raster.setActive(live.bits, colour, live.box, touched);
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
    g.globalAlpha = 1;
    if (!this.raster) return this.#fill(g);
    const { scale, left, top } = this.view;
    const toImage = [ratio * scale, 0, 0, ratio * scale, ratio * left, ratio * top];
    this.raster.follow(this.view, ratio);
    this.#backdrop.paint(g, [...toImage, g.canvas.width, g.canvas.height].join(), (to) => {
      this.#fill(to);
      to.setTransform(...toImage);
      this.raster.drawImage(to, scale, ratio);
    });
    g.setTransform(...toImage);
    if (!this.elsewhere) for (const paint of this.underlays) paint(g, this.view);
    if (this.masksShown && !this.blinked) this.raster.drawMasks(g, this.view, this.#style());
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (!this.elsewhere) this.painter.paint(g, this.view);
    for (const paint of this.overlays) paint(g, this.view);
    this.#crosshair(g);
    this.#brush(g);
  }

  #fill(g) {
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.fillStyle = BACKDROP;
    g.fillRect(0, 0, g.canvas.width, g.canvas.height);
  }

  #style() {
    const { opacity, stale, activeShown } = this;
    return { filled: !this.outlineOnly, opacity, stale, activeShown };
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
