/**
 * What the editors of single places have in common: one is hovered, one is picked; a drag, arrow keys, Del, a button. The
 * editor says what there is: `isOn`, `find(at, reach)`, `all()`, `placeOf(pick)`, `nameOf(pick)`, `moved(pick, dx, dy)`
 * and `without(pick)` (a change, or null), `preview(change)`, and `commit(change, step, {amend})`.
 */
import { t } from "../texts.js";

/** CSS pixels around a press in which something is found: for a mouse so few that points can be set close together. */
export const REACH_PX = { mouse: 5, pen: 7, touch: 16 };
const SLOP = 4; // CSS px: less is a click, more is a drag

export const same = (a, b) => a?.kind === b?.kind && a?.ring === b?.ring && a?.index === b?.index;

export class Picking {
  picked = null;
  hovered = null;
  #nudged = null; // the sheet after arrow keys: the next one goes on in the same step of undo

  constructor(app) {
    this.app = app;
  }

  /** False, and said why, where what there is may not be changed. */
  get mayChange() {
    return this.app.work.isFree;
  }

  /** Returns whether that changed anything. */
  pick(pick) {
    const changed = !same(pick, this.picked);
    this.picked = pick;
    if (changed) this.#nudged = null;
    this.app.stage.draw();
    return changed;
  }

  how(pick) {
    return same(pick, this.picked) ? "picked" : same(pick, this.hovered) ? "hovered" : "";
  }

  hover(at) {
    const { app } = this;
    const found = this.isOn && at ? this.find(app.view.toImage(at.x, at.y), REACH_PX.mouse / app.view.scale) : null;
    if (same(found, this.hovered)) return;
    this.hovered = found;
    app.canvas.classList.toggle("fc-on-mark", found !== null);
    app.stage.draw();
  }

  /** The gesture of a press at `at` on what is there: a drag moves it; `clicked()` says what a click does. */
  drag(pick, at, clicked) {
    const { app } = this;
    const { work } = app;
    const { sheet } = work;
    let change = null;
    let dragged = false;
    return {
      move: (to) => {
        dragged ||= Math.hypot(to.x - at.x, to.y - at.y) * app.view.scale > SLOP;
        if (!dragged) return;
        this.picked = pick;
        change = this.moved(pick, to.x - at.x, to.y - at.y);
        this.preview(change);
      },
      end: (done) => {
        this.preview(null);
        if (app.work !== work || !app.isOpen || !done) return;
        if (!dragged) clicked();
        else if (change && work.sheet === sheet) this.commit(change, "move");
      },
    };
  }

  /** Picks the next or the one before; round the end. */
  step(direction) {
    const { app } = this;
    if (!app.isOpen || app.isClassification) return;
    const all = this.all();
    if (!all.length) return app.messages.say(t("say.noMarks"));
    const now = this.picked ? all.findIndex((one) => same(one, this.picked)) : direction < 0 ? 0 : -1;
    const next = (now + direction + all.length) % all.length;
    app.leaveCursor();
    this.pick(all[next]);
    app.messages.say(t("say.mark", { name: this.nameOf(all[next]), number: next + 1, count: all.length }));
  }

  /** Arrow keys move what is picked; false when nothing is. */
  nudge(dx, dy) {
    const { app, picked } = this;
    if (!picked || !app.isOpen) return false;
    if (!this.mayChange) return true;
    const { sheet } = app.work;
    const change = this.moved(picked, dx, dy);
    if (change) this.commit(change, "move", { amend: sheet === this.#nudged });
    if (app.work.sheet !== sheet) this.#nudged = app.work.sheet;
    return true;
  }

  /** Deletes what is picked; false when nothing is. */
  remove() {
    const { app, picked } = this;
    if (!picked || !app.isOpen) return false;
    if (!this.mayChange) return true;
    const change = this.without(picked);
    this.picked = this.hovered = null;
    app.canvas.classList.remove("fc-on-mark");
    this.commit(change, "unmark");
    return true;
  }

  /** One more sheet in the history, or the present one amended. */
  keep(sheet, step, amend) {
    const { app } = this;
    const { work } = app;
    if (amend) work.history.amend(sheet);
    else {
      work.clicks++;
      work.commit(sheet, step);
    }
    app.changed();
  }
}
