/**
 * Tools that work by gestures. A gesture is {move(at), end(done), paint?(g, view)} in image coordinates: it starts with a
 * press, or with Enter at the crosshair, and changes the work only when it ends well. Paints what belongs to them all.
 */
import { icon, make } from "../dom.js";
import { t } from "../texts.js";
import { Lasso } from "./lasso.js";
import { MarkEditor } from "./mark_editor.js";
import { PolygonEditor } from "./polygon_editor.js";
import { Scribble } from "./scribble.js";
import { WindowEditor } from "./window_editor.js";

const BESIDE = 12; // CSS px between what is picked and its button
const LINES = { scribble: Scribble, lasso: Lasso };

export class Tools {
  #gesture = null;
  #pen = null; // the gesture that the crosshair draws

  constructor(app) {
    this.app = app;
    this.marks = new MarkEditor(app);
    this.polygon = new PolygonEditor(app);
    this.window = new WindowEditor(app);
    const label = t("tools.removeMark");
    this.button = make("button", { type: "button", class: "fc-unmark", "aria-label": label, title: label, hidden: true }, icon("x"));
    this.button.addEventListener("click", () => {
      this.editor.remove();
      app.canvas.focus({ preventScroll: true });
    });
    app.canvas.after(this.button);
    app.stage.painter = this;
  }

  /** Who has the arrow keys, Del and what is under the pointer. */
  get editor() {
    return { polygon: this.polygon, window: this.window }[this.app.tool] ?? this.marks;
  }

  /** The gesture that a press at `at` starts, or null where the pointer's own rules hold. `reach` is in image pixels. */
  begin(at, { negative, reach }) {
    this.#dropPen();
    this.#gesture = this.#make(at, negative, reach);
    return this.#gesture;
  }

  #make(at, negative, reach) {
    const { app } = this;
    if (app.isClassification) return null;
    if (app.tool === "window") return this.window.begin(at, reach);
    if (!app.work.isFree) return null;
    if (app.tool === "prompt") return negative ? null : this.marks.begin(at, reach);
    if (app.tool === "polygon") return this.polygon.begin(at, reach, negative);
    return LINES[app.tool] ? new LINES[app.tool](app, at, negative) : null;
  }

  end(gesture, done) {
    this.#gesture = null;
    gesture.end(done);
    this.app.stage.draw();
  }

  /** Enter at the crosshair puts a pen down and lifts it; false for tools without one. */
  penAt(at, negative) {
    const pen = this.#pen;
    this.#pen = null;
    if (pen) this.end(pen, true);
    else if (LINES[this.app.tool]) this.#pen = this.begin(at, { negative, reach: 0 });
    else return false;
    return true;
  }

  penTo(at) {
    this.#pen?.move(at);
  }

  #dropPen() {
    const pen = this.#pen;
    this.#pen = null;
    if (pen) this.end(pen, false);
    return pen !== null;
  }

  /** What Escape takes back here first: a line in the making, then what is picked. */
  escape() {
    return this.#dropPen() || this.editor.pick(null);
  }

  /** The tool, the object or the image is another one. */
  left() {
    this.#dropPen();
    for (const editor of [this.marks, this.polygon, this.window]) {
      editor.pick(null);
      editor.hover(null);
    }
  }

  refresh() {
    this.editor.refresh();
    this.app.stage.draw();
  }

  paint(g, view) {
    const { picked } = this.editor;
    this.button.hidden = !this.app.work || !picked || this.#gesture !== null;
    if (!this.app.work || this.app.isClassification) return;
    this.window.paint(g, view);
    this.marks.paint(g, view);
    this.polygon.paint(g, view);
    this.#gesture?.paint?.(g, view);
    if (this.button.hidden) return;
    const { x, y } = this.editor.placeOf(picked);
    const at = view.toView(x, y);
    this.button.style.translate = `${at.x + BESIDE}px ${at.y - BESIDE}px`;
  }
}
