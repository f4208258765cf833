/** The active object's prompts one by one: points, strokes, the box and its handles. */
import { handlesOf, hasMark, markAt, marksOf, movedMark, placeOf, withoutMark } from "../core/marks.js";
import * as sheets from "../core/sheet.js";
import { t } from "../texts.js";
import { Picking } from "./picking.js";
import { paintMarks } from "./prompt_marks.js";

export class MarkEditor extends Picking {
  #objectId = null;
  #preview = null;

  get object() {
    return this.app.work.active;
  }

  get isOn() {
    const { app } = this;
    return app.isOpen && app.tool === "prompt" && !app.isClassification;
  }

  /** What is picked and no longer there is let go. */
  refresh() {
    const { object } = this;
    if (object.id !== this.#objectId || (this.picked && !hasMark(object, this.picked))) this.picked = null;
    if (this.hovered && !hasMark(object, this.hovered)) this.hovered = null;
    this.#objectId = object.id;
  }

  find = (at, reach) => markAt(this.object, at, reach);
  all = () => marksOf(this.object);
  placeOf = (mark) => placeOf(this.object, mark);
  moved = (mark, dx, dy) => movedMark(this.object, mark, dx, dy, this.app.work.item);
  without = (mark) => withoutMark(this.object, mark);

  nameOf({ kind, index }) {
    const sign = { point: this.object.points, stroke: this.object.scribbles }[kind]?.[index].label;
    return t(`marks.${kind}${sign === undefined ? "" : sign ? "+" : "-"}`);
  }

  preview(change) {
    this.#preview = change;
    this.app.stage.draw();
  }

  commit(change, step, { amend = false } = {}) {
    this.keep(sheets.setPrompts(this.app.work.sheet, change), step, amend);
  }

  /** A press beside all marks is none of ours; a click on the box's line is a click on the image. */
  begin(at, reach) {
    const mark = this.find(at, reach);
    if (!mark) {
      this.pick(null);
      return null;
    }
    return this.drag(mark, at, () => (mark.kind === "box" ? this.app.addPoint(at, 1) : this.pick(mark)));
  }

  paint(g, view) {
    const { points, box, scribbles } = { ...this.object, ...this.#preview };
    const shown = this.app.stage.rubber ?? box;
    const handled = box && [this.picked, this.hovered].some((mark) => mark?.kind === "box" || mark?.kind === "handle");
    paintMarks(g, view, { points, scribbles, box: shown, handles: handled ? handlesOf(shown) : [] }, (kind, index) => this.how({ kind, index }));
  }
}
