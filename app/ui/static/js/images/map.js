/** The map's canvas: draws the points, pans, zooms, tells what lies under the pointer, and selects by lasso. */
import { inside, nearest, ScatterView } from "../core/scatter.js";

const FEW = 4000;
const CLICK_PX = 4;

export class EmbeddingMap {
  #map = { x: [], y: [], item_ids: [] };
  #colours = { codes: [], legend: [] };
  #lasso = null;
  #frame = 0;
  #hovered = -1;
  chosen = new Set();
  mode = "move"; // or "lasso"
  lassoed = false; // whether what is chosen was chosen here

  /** onHover(place, where) with -1 for none; onOpen(itemId); onChoose(itemIds, adding). */
  constructor(canvas, handlers) {
    Object.assign(this, { canvas, ...handlers });
    this.view = new ScatterView();
    this.size = new ResizeObserver(() => this.#resize());
    this.size.observe(canvas.parentElement);
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#hover(event));
    canvas.addEventListener("pointerleave", () => this.#tell(-1));
  }

  /** Place of the point under the pointer; -1 for none. */
  get hovered() {
    return this.#hovered;
  }

  close() {
    this.size.disconnect();
    cancelAnimationFrame(this.#frame);
  }

  /** The same pool keeps its place and zoom. */
  show(map) {
    const isSame = map.item_ids.length === this.#map.item_ids.length && map.item_ids[0] === this.#map.item_ids[0];
    this.#map = map;
    if (!isSame) this.view.fit(map);
    this.#tell(-1);
  }

  colour(colours) {
    this.#colours = colours;
    this.draw();
  }

  fit() {
    this.view.fit(this.#map);
    this.draw();
  }

  zoom(factor) {
    this.view.zoomAt(this.view.width / 2, this.view.height / 2, factor);
    this.draw();
  }

  draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#paint());
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas.parentElement;
    if (!width || !height) return;
    this.view.resize(width, height, this.#map);
    Object.assign(this.canvas, { width: width * devicePixelRatio, height: height * devicePixelRatio });
    this.#paint();
  }

  #paint() {
    const { canvas, view } = this;
    const { x, y, item_ids: ids } = this.#map;
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    pen.clearRect(0, 0, view.width, view.height);
    const size = x.length > FEW ? (view.isWhole ? 2 : 3) : 8;
    const { codes, legend } = this.#colours;
    for (let k = 0; k < legend.length; k++) {
      pen.fillStyle = legend[k].colour;
      for (let i = 0; i < codes.length; i++) if (codes[i] === k) this.#dot(pen, x[i], y[i], size);
    }
    pen.strokeStyle = style.color;
    pen.lineWidth = 1.5;
    if (this.chosen.size) for (let i = 0; i < ids.length; i++) if (this.chosen.has(ids[i])) this.#ring(pen, i, size / 2 + 2);
    if (this.#hovered >= 0) this.#ring(pen, this.#hovered, size / 2 + 3.5);
    if (this.#lasso) this.#drawLasso(pen);
  }

  #dot(pen, x, y, size) {
    const px = this.view.left + x * this.view.scale;
    const py = this.view.top - y * this.view.scale;
    if (px < -size || py < -size || px > this.view.width + size || py > this.view.height + size) return;
    if (size < 5) return pen.fillRect(px - size / 2, py - size / 2, size, size);
    pen.beginPath();
    pen.arc(px, py, size / 2, 0, 2 * Math.PI);
    pen.fill();
  }

  #ring(pen, place, radius) {
    const { x, y } = this.view.toView(this.#map.x[place], this.#map.y[place]);
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.stroke();
  }

  #drawLasso(pen) {
    pen.beginPath();
    for (const { x, y } of this.#lasso) pen.lineTo(x, y);
    pen.setLineDash([5, 4]);
    pen.stroke();
    pen.setLineDash([]);
  }

  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #wheel(event) {
    event.preventDefault();
    const { x, y } = this.#at(event);
    this.view.zoomAt(x, y, Math.exp(-event.deltaY / 400));
    this.draw();
  }

  #down(event) {
    if (event.button !== 0) return;
    const { canvas } = this;
    canvas.setPointerCapture(event.pointerId);
    const start = this.#at(event);
    const draws = this.mode === "lasso" || event.shiftKey;
    let last = start;
    let moved = false;
    if (draws) this.#lasso = [start];
    const move = (next) => {
      const at = this.#at(next);
      moved ||= Math.hypot(at.x - start.x, at.y - start.y) > CLICK_PX;
      if (draws) this.#lasso.push(at);
      else if (moved) this.view.panBy(at.x - last.x, at.y - last.y);
      last = at;
      this.draw();
    };
    const up = (end) => {
      for (const [name, run] of Object.entries(listeners)) canvas.removeEventListener(name, run);
      const corners = this.#lasso;
      this.#lasso = null;
      if (end.type === "pointerup") this.#finish(start, moved, corners, event.shiftKey || event.ctrlKey || event.metaKey);
      this.draw();
    };
    const listeners = { pointermove: move, pointerup: up, pointercancel: up };
    for (const [name, run] of Object.entries(listeners)) canvas.addEventListener(name, run);
  }

  #finish(start, moved, corners, adding) {
    const { item_ids: ids } = this.#map;
    if (corners && moved) return this.onChoose(inside(this.view, this.#map, corners).map((i) => ids[i]), adding);
    const place = nearest(this.view, this.#map, start.x, start.y);
    if (moved || place < 0) return;
    if (corners || adding) this.onChoose([ids[place]], true);
    else this.onOpen(ids[place]);
  }

  #hover(event) {
    if (event.buttons) return this.#tell(-1);
    const at = this.#at(event);
    this.#tell(nearest(this.view, this.#map, at.x, at.y));
  }

  #tell(place) {
    if (place === this.#hovered) return;
    this.#hovered = place;
    this.canvas.style.cursor = place >= 0 ? "pointer" : this.mode === "lasso" ? "crosshair" : "grab";
    this.onHover(place, place < 0 ? null : this.view.toView(this.#map.x[place], this.#map.y[place]));
    this.draw();
  }
}
