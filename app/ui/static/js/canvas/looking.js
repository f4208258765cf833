/** What one looks with: zoom, window, tool, preferences, crosshair. Nothing in here changes an annotation. */
import { WorkClock } from "../core/clock.js";
import * as rle from "../core/rle.js";
import { Viewport } from "../core/viewport.js";
import { autoWindow, draggedWindow, sameWindow } from "../core/windowing.js";
import { t } from "../texts.js";
import { Gauge } from "./gauge.js";
import { MaskStyle } from "./mask_style.js";
import { Pointer } from "./pointer.js";
import { Stage } from "./stage.js";

const WINDOW_SETTLES_MS = 250;
const PREFERENCES = { opacity: 0.4, outline: false, brush: 8, oneKey: false, heat: false, starts: false, minimap: true };

export class Looking {
  work = null;
  project = null;
  tool = "prompt";
  isOpen = false; // an image is shown and may be changed
  #windowTimer = null;

  /** `panel`, `toolbar`, `display`, `overlays`, `flow`, `help` and `skipMenu` are set by who builds the page. */
  constructor({ canvas, vault, link, messages }) {
    Object.assign(this, { canvas, vault, link, messages });
    this.prefs = { ...PREFERENCES, ...vault.read("preferences") };
    this.clock = new WorkClock();
    this.view = new Viewport();
    this.stage = new Stage(canvas, this.view);
    this.pointer = new Pointer(canvas, this);
    this.maskStyle = new MaskStyle(this);
    this.gauge = new Gauge(this);
    this.stage.opacity = this.prefs.opacity;
    this.stage.outlineOnly = this.prefs.outline;
  }

  close() {
    this.maskStyle.stop();
    this.stage.close();
    clearTimeout(this.#windowTimer);
  }

  get isClassification() {
    return this.project?.task === "classification";
  }

  setTool(tool) {
    if (this.isClassification && tool !== "contrast" && tool !== "ruler") return;
    this.tool = tool;
    this.tools.left();
    this.gauge.clear();
    this.canvas.dataset.tool = tool;
    const brushes = tool === "brush" || tool === "eraser";
    this.stage.brush = brushes ? { radius: this.prefs.brush, erase: tool === "eraser" } : null;
    this.stage.draw();
    this.toolbar.refresh();
  }

  setPreference(name, value) {
    this.prefs[name] = value;
    this.vault.write("preferences", this.prefs);
    this.stage.opacity = this.prefs.opacity;
    this.stage.outlineOnly = this.prefs.outline;
    if (this.stage.brush) this.stage.brush.radius = this.prefs.brush;
    this.stage.draw();
    this.toolbar.refresh();
    this.panel.refresh();
  }

  resizeBrush(factor) {
    this.setPreference("brush", Math.round(Math.max(0.5, Math.min(150, this.prefs.brush * factor)) * 10) / 10);
  }

  fit() {
    this.view.fit();
    this.viewMoved();
  }

  zoom(factor) {
    this.zoomAt(this.stage.cursor ? this.view.toView(this.stage.cursor.x, this.stage.cursor.y) : this.#middle(), factor);
  }

  zoomAt(at, factor) {
    this.view.zoomAt(at.x, at.y, factor);
    this.viewMoved();
  }

  zoomToObject() {
    const box = this.isOpen && rle.bounds(this.work.answers.final(this.work.active), this.work.item.height);
    if (box) this.view.showBox(box);
    this.viewMoved();
  }

  pan(dx, dy) {
    this.view.pan(dx, dy);
    this.viewMoved();
  }

  holdPan(on) {
    this.pointer.panning = on;
    this.canvas.classList.toggle("fc-grab", on);
  }

  #middle() {
    return { x: this.view.width / 2, y: this.view.height / 2 };
  }

  viewMoved() {
    this.stage.draw();
    this.toolbar.refresh();
  }

  hover(at) {
    this.stage.hover = at;
    this.tools.editor.hover(at);
    if (this.stage.brush) this.stage.draw();
    this.toolbar.showPixel(at && this.work ? this.work.valueAt(this.view.toImage(at.x, at.y)) : null);
  }

  setWindow(window, { settle = true } = {}) {
    if (!this.work || sameWindow(window, this.work.window)) return;
    this.work.window = window;
    this.stage.setWindow(window, this.display.extra);
    this.panel.refresh();
    if (settle) this.settleWindow();
  }

  dragWindow(dx, dy) {
    if (this.work) this.setWindow(draggedWindow(this.work.window, dx, dy, this.work.item.window), { settle: false });
  }

  autoWindow() {
    if (!this.work) return;
    const a = this.view.clampToImage(this.view.toImage(0, 0));
    const b = this.view.clampToImage(this.view.toImage(this.view.width, this.view.height));
    const box = [Math.floor(a.x), Math.floor(a.y), Math.ceil(b.x), Math.ceil(b.y)];
    this.setWindow(autoWindow(this.work.picture.samples, this.work.picture, box) ?? this.work.window);
  }

  resetWindow() {
    this.display.choose("image");
  }

  /** The model looks through the new window once it stands still. */
  settleWindow() {
    this.display.keepOwn(this.work.window);
    clearTimeout(this.#windowTimer);
    this.#windowTimer = setTimeout(() => {
      if (!this.isOpen) return;
      this.flow.noteChange();
      this.ensure();
    }, WINDOW_SETTLES_MS);
  }

  moveCursor(dx, dy) {
    if (!this.isOpen || this.tools.editor.nudge(dx, dy)) return;
    delete this.canvas.dataset.by;
    const { width, height } = this.work.item;
    const from = this.stage.cursor ?? { x: Math.floor(width / 2) + 0.5, y: Math.floor(height / 2) + 0.5 };
    const inside = (v, size) => Math.min(size - 0.5, Math.max(0.5, v));
    this.stage.cursor = { x: inside(from.x + dx, width), y: inside(from.y + dy, height) };
    this.stage.draw();
    this.tools.penTo(this.stage.cursor);
    const [x, y] = [Math.floor(this.stage.cursor.x), Math.floor(this.stage.cursor.y)];
    this.messages.announce(t("say.at", { x, y }));
    this.toolbar.showPixel(this.work.valueAt(this.stage.cursor));
  }

  leaveCursor() {
    this.stage.cursor = this.stage.corner = null;
    this.stage.draw();
  }

  openSkip() {
    if (this.isOpen) this.skipMenu.open();
  }

  toggleHelp() {
    this.help.toggle();
  }

  escape() {
    if (this.help.isOpen) return this.help.toggle();
    if (this.day.escape()) return;
    if (!this.tools.escape()) this.leaveCursor();
  }
}
