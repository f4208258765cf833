/** The active object's mask as an outline of few corners: dragged, put in on an edge, deleted; written as hand edits. */
import { cornerAt, edgeAt, movedCorner, outlineOf, withCorner, withoutCorner, writeOutline } from "../core/outline.js";
import * as sheets from "../core/sheet.js";
import { t } from "../texts.js";
import { Picking, REACH_PX } from "./picking.js";
import { paintOutline } from "./prompt_marks.js";

export class PolygonEditor extends Picking {
  #known = new WeakMap(); // run lengths -> outline: a step of undo brings its corners back
  #preview = null;
  #objectId = null;

  get isOn() {
    const { app } = this;
    return app.isOpen && app.tool === "polygon" && app.work.answers.isCurrent(app.work.active);
  }

  /** {rings, tolerance} of the active object's mask as it is now. */
  get outline() {
    const { work } = this.app;
    const counts = work.answers.final(work.active);
    let outline = this.#known.get(counts);
    if (!outline) this.#known.set(counts, (outline = outlineOf(work.live.bits, work.item.width, work.item.height)));
    return outline;
  }

  refresh() {
    const { id } = this.app.work.active;
    const isThere = (place) => this.outline.rings[place.ring]?.[place.index] !== undefined;
    if (!this.isOn || id !== this.#objectId || (this.picked && !isThere(this.picked))) this.picked = this.hovered = null;
    this.#objectId = id;
  }

  find = (at, reach) => cornerAt(this.outline.rings, at, reach);
  all = () => (this.isOn ? this.outline.rings.flatMap((corners, ring) => corners.map((_, index) => ({ ring, index }))) : []);
  nameOf = () => t("marks.corner");

  placeOf({ ring, index }) {
    const [x, y] = (this.#preview?.rings ?? this.outline.rings)[ring][index];
    return { x, y };
  }

  moved(place, dx, dy) {
    const { rings } = this.outline;
    const [x, y] = rings[place.ring][place.index];
    const { width, height } = this.app.work.item;
    const to = [Math.min(width, Math.max(0, x + dx)), Math.min(height, Math.max(0, y + dy))];
    return { rings: movedCorner(rings, place, to), place };
  }

  without = (place) => ({ rings: withoutCorner(this.outline.rings, place), place });

  preview(change) {
    this.#preview = change;
    this.app.stage.draw();
  }

  /** A change of the outline is a change of the pixels around it, and of nothing else. */
  commit({ rings, place }, step, { amend = false } = {}) {
    const { work } = this.app;
    const { tolerance, rings: before } = this.outline;
    const touched = writeOutline(work.live, before, rings, place, tolerance);
    const outline = { rings, tolerance };
    if (!touched) this.#known.set(work.answers.final(work.active), outline);
    else {
      const sheet = sheets.setEdits(work.sheet, work.live.edits());
      this.#known.set(work.answers.final(sheets.active(sheet)), outline);
      this.keep(sheet, step === "move" ? "corner" : "uncorner", amend);
    }
    this.app.stage.draw();
  }

  /** Every press is ours: on a corner, on an edge (a corner more), or beside both (nothing). */
  begin(at, reach, negative) {
    if (!this.isOn) return { move() {}, end() {} };
    const corner = this.find(at, reach);
    if (corner) return this.drag(corner, at, () => this.#click(corner, negative));
    const edge = negative ? null : edgeAt(this.outline.rings, at, reach);
    if (edge) this.#insert(edge, edge.at);
    else this.pick(null);
    return edge ? this.drag(this.picked, at, () => {}) : { move() {}, end() {} };
  }

  /** A corner on an edge changes no pixel: nothing to undo yet. */
  #insert({ ring, index }, at) {
    const { rings, tolerance } = this.outline;
    const { work } = this.app;
    this.#known.set(work.answers.final(work.active), { rings: withCorner(rings, { ring, index }, at), tolerance });
    this.pick({ ring, index });
  }

  #click(corner, negative) {
    this.pick(corner);
    if (negative) this.remove();
  }

  /** Enter: a corner more in the middle of the edge before the picked one. */
  split() {
    const { picked } = this;
    if (!picked || !this.isOn) return;
    const ring = this.outline.rings[picked.ring];
    const [[ax, ay], [bx, by]] = [ring.at(picked.index - 1), ring[picked.index]];
    this.#insert(picked, [(ax + bx) / 2, (ay + by) / 2]);
  }

  hover(at) {
    super.hover(at);
    const { app } = this;
    const free = this.isOn && at && !this.hovered;
    const edge = free && edgeAt(this.outline.rings, app.view.toImage(at.x, at.y), REACH_PX.mouse / app.view.scale);
    app.canvas.classList.toggle("fc-on-edge", Boolean(edge));
  }

  paint(g, view) {
    if (!this.isOn) return;
    paintOutline(g, view, this.#preview?.rings ?? this.outline.rings, (ring, index) => this.how({ ring, index }));
  }
}
