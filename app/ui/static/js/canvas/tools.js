/**
 * Tools that work by gestures. A gesture is {move(at), end(done), paint(g, view)} in image coordinates: it starts with a
 * press, or with Enter at the crosshair, and changes the work only when it ends well.
 */
import { MarkEditor } from "./mark_editor.js";
import { Scribble } from "./scribble.js";

export class Tools {
  #pen = null; // the gesture that the crosshair draws

  constructor(app) {
    this.app = app;
    this.marks = new MarkEditor(app);
  }

  /** The gesture that a press at `at` starts, or null where the pointer's own rules hold. `reach` is in image pixels. */
  begin(at, { negative, reach }) {
    this.#dropPen();
    const gesture = this.#make(at, negative, reach);
    this.app.stage.gesture = gesture;
    return gesture;
  }

  #make(at, negative, reach) {
    const { app } = this;
    if (app.isClassification || !app.work.isFree) return null;
    if (app.tool === "prompt") return negative ? null : this.marks.begin(at, reach);
    if (app.tool === "scribble") return new Scribble(app, at, negative);
    return null;
  }

  end(gesture, done) {
    this.app.stage.gesture = null;
    gesture.end(done);
    this.app.stage.draw();
  }

  /** Enter at the crosshair puts a pen down and lifts it; false for tools without one. */
  penAt(at, negative) {
    const pen = this.#pen;
    if (pen) {
      this.#pen = null;
      this.end(pen, true);
      return true;
    }
    if (this.app.tool !== "scribble") return false;
    this.#pen = this.begin(at, { negative, reach: 0 });
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

  /** What Escape takes back here first: a line in the making, then the picked mark. */
  escape() {
    return this.#dropPen() || this.marks.pick(null);
  }

  /** The tool, the object or the image is another one. */
  left() {
    this.#dropPen();
    this.marks.pick(null);
  }
}
