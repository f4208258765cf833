/** The active object's prompts one by one: found under the pointer, picked, moved, deleted; with the mouse and by keys. */
import { handlesOf, hasMark, markAt, marksOf, movedMark, placeOf, sameMark, withoutMark } from "../core/marks.js";
import * as sheets from "../core/sheet.js";
import { icon, make } from "../dom.js";
import { t } from "../texts.js";

const SLOP = 4; // CSS px: less is a click, more is a drag
const REACH = 9; // CSS px around the pointer in which a mark is found
const BESIDE = 12; // CSS px between a mark and its button

export class MarkEditor {
  picked = null;
  hovered = null;
  #objectId = null;
  #nudged = null; // the sheet after arrow keys: the next one goes on in the same step of undo

  constructor(app) {
    this.app = app;
    const label = t("tools.removeMark");
    this.button = make("button", { type: "button", class: "fc-unmark", "aria-label": label, title: label, hidden: true }, icon("x"));
    this.button.addEventListener("click", () => {
      this.remove();
      app.canvas.focus({ preventScroll: true });
    });
    app.canvas.after(this.button);
    app.stage.onFrame = () => this.#place();
  }

  /** What the stage paints of an object; a picked mark that is no longer there is let go. */
  show(object) {
    if (object.id !== this.#objectId || (this.picked && !hasMark(object, this.picked))) this.picked = null;
    if (this.hovered && !hasMark(object, this.hovered)) this.hovered = null;
    this.#objectId = object.id;
    this.#paint(object);
  }

  #paint(object) {
    const { points, box, scribbles } = object;
    const { picked, hovered } = this;
    const boxed = [picked, hovered].some((mark) => mark?.kind === "box" || mark?.kind === "handle");
    this.app.stage.setMarks({ points, box, scribbles, handles: boxed && box ? handlesOf(box) : [], picked, hovered });
  }

  #place() {
    const { app, picked } = this;
    this.button.hidden = !picked || !app.work || app.stage.gesture !== null;
    if (this.button.hidden) return;
    const { x, y } = placeOf(app.work.active, picked);
    const at = app.view.toView(x, y);
    this.button.style.translate = `${at.x + BESIDE}px ${at.y - BESIDE}px`;
  }

  /** Returns whether that changed anything. */
  pick(mark) {
    const changed = !sameMark(mark, this.picked);
    this.picked = mark;
    if (changed && this.app.work) this.#paint(this.app.work.active);
    return changed;
  }

  hover(at) {
    const { app } = this;
    const edits = app.tool === "prompt" && app.isOpen && !app.isClassification && at !== null;
    const mark = edits ? markAt(app.work.active, app.view.toImage(at.x, at.y), REACH / app.view.scale) : null;
    if (sameMark(mark, this.hovered)) return;
    this.hovered = mark;
    app.canvas.classList.toggle("fc-on-mark", mark !== null);
    if (app.work) this.#paint(app.work.active);
  }

  /** A press on a mark: a drag moves it, a click picks it. A click on the box's line is a click on the image. */
  begin(at, reach) {
    const { app } = this;
    const { work } = app;
    const object = work.active;
    const mark = markAt(object, at, reach);
    if (!mark) {
      this.pick(null);
      return null;
    }
    let change = null;
    let dragged = false;
    return {
      move: (to) => {
        dragged ||= Math.hypot(to.x - at.x, to.y - at.y) * app.view.scale > SLOP;
        if (!dragged) return;
        this.picked = mark;
        change = movedMark(object, mark, to.x - at.x, to.y - at.y, work.item);
        this.#paint({ ...object, ...change });
      },
      end: (done) => {
        if (app.work !== work || !app.isOpen) return;
        if (!dragged && done && mark.kind === "box") return app.addPoint(at, 1);
        if (!dragged && done) this.pick(mark);
        if (done && change && work.active === object) this.#commit(change, "move");
        else this.show(work.active);
      },
      paint: () => {},
    };
  }

  #commit(change, step) {
    const { work } = this.app;
    work.clicks++;
    if (work.commit(sheets.setPrompts(work.sheet, change), step)) this.app.changed();
  }

  /** Picks the next or the one before; round the end. */
  step(direction) {
    const { app } = this;
    if (!app.isOpen || app.isClassification) return;
    const marks = marksOf(app.work.active);
    if (!marks.length) return app.messages.say(t("say.noMarks"));
    const now = this.picked ? marks.findIndex((mark) => sameMark(mark, this.picked)) : direction < 0 ? 0 : -1;
    const next = (now + direction + marks.length) % marks.length;
    app.leaveCursor();
    this.pick(marks[next]);
    app.messages.say(t("say.mark", { name: this.#name(marks[next]), number: next + 1, count: marks.length }));
  }

  #name({ kind, index }) {
    const { points, scribbles } = this.app.work.active;
    const sign = { point: points, stroke: scribbles }[kind]?.[index].label;
    return t(`marks.${kind}${sign === undefined ? "" : sign ? "+" : "-"}`);
  }

  /** Arrow keys move what is picked; false when nothing is. */
  nudge(dx, dy) {
    const { app, picked } = this;
    if (!picked || !app.isOpen) return false;
    if (!app.work.isFree) return true;
    const { work } = app;
    const change = movedMark(work.active, picked, dx, dy, work.item);
    if (!change) return true;
    if (work.sheet === this.#nudged) {
      work.history.amend(sheets.setPrompts(work.sheet, change));
      app.changed();
    } else this.#commit(change, "move");
    this.#nudged = work.sheet;
    return true;
  }

  /** Deletes what is picked; false when nothing is. */
  remove() {
    const { app, picked } = this;
    if (!picked || !app.isOpen) return false;
    if (!app.work.isFree) return true;
    this.picked = this.hovered = null;
    app.canvas.classList.remove("fc-on-mark");
    this.#commit(withoutMark(app.work.active, picked), "unmark");
    return true;
  }
}
