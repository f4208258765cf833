/** The work on one image: its sheet with undo and redo, the model's answers, the live mask, seconds and clicks. */
import { Answers } from "../core/answers.js";
import { splitParts } from "../core/components.js";
import { History } from "../core/history.js";
import { touches } from "../core/labeled_window.js";
import { LiveMask } from "../core/live_mask.js";
import { isAsSaved, withSaved } from "../core/reopened.js";
import * as rle from "../core/rle.js";
import * as sheets from "../core/sheet.js";
import { Shelf } from "../core/shelf.js";
import { sameWindow } from "../core/windowing.js";
import { packAnnotation, packDraft, unpackDraft } from "../core/wire.js";

const SPECK_PX = 4; // smaller parts of a starting mask are noise

export class Work {
  offered = null; // {count, confidence} of what the head suggests, the least sure object counts; `least` Dice 9 times in 10, or null
  #shown = { id: null, base: null }; // the mask that stays in sight while the next answer is on its way

  constructor(item, picture, clock, classId) {
    Object.assign(this, { item, picture, seen: picture, clock, clicks: 0 });
    this.window = { level: item.window.level, width: item.window.width };
    this.answers = new Answers(item.width, item.height);
    this.live = new LiveMask(item.width, item.height);
    this.history = new History(sheets.newSheet(classId));
    this.shelf = new Shelf();
  }

  get sheet() {
    return this.history.present;
  }

  get active() {
    return sheets.active(this.sheet);
  }

  get touched() {
    return this.history.canUndo || this.clicks > 0;
  }

  /** Unfinished work; a step back shows what was saved since it was begun. */
  restore(draft, annotation = null) {
    const back = unpackDraft(draft, this.answers);
    if (!back) return false;
    if (annotation) this.reopen(annotation);
    if (annotation) this.history.push(back.sheet, "kept");
    else this.history = new History(back.sheet);
    this.shelf.restore(draft.shelf);
    if (back.window) this.window = back.window;
    this.clicks = back.clicks;
    this.clock.start(back.seconds);
    return true;
  }

  /** Starting masks, each connected part an object of its own: one alone is active at once, so that the next click corrects it. */
  offer(suggestion, task) {
    if (task === "classification") {
      if (!suggestion.label) return 0;
      this.history = new History(sheets.setLabel(this.sheet, suggestion.label.name));
      this.offered = { count: 1, confidence: suggestion.label.confidence };
      return 1;
    }
    const { width, height } = this.item;
    const objects = suggestion.objects.flatMap((object) =>
      splitParts(object.mask.counts, height, width, { minPixels: SPECK_PX }).map((counts) => ({ ...object, mask: { counts } })),
    );
    const offered = sheets.withStart(this.sheet, { objects });
    const count = objects.length;
    this.history = new History(count === 1 ? sheets.select(offered, offered.objects[0].id) : offered);
    const confidence = Math.min(...objects.map((o) => o.mean_confidence));
    if (count) this.offered = { count, confidence, least: suggestion.lower_bound ?? null };
    return count;
  }

  /** An annotation made before, opened again in the window that it was made in. */
  reopen(annotation) {
    const sheet = sheets.setLabel(withSaved(this.sheet, annotation.objects), annotation.label);
    this.history = new History(sheets.setWindow(sheet, annotation.labeled_window ?? null));
    if (annotation.window) this.window = annotation.window;
  }

  /** True when something changed; a sheet that is the same object is no change, and what is locked stays as it is. */
  commit(sheet, label) {
    if (!sheet || sheet === this.sheet || !this.shelf.allows(this.sheet, sheet)) return false;
    const changed = sheet.activeId === this.sheet.activeId && sheets.active(sheet) !== this.active;
    if (changed) this.shelf.hidden.delete(sheet.activeId); // one sees what one does
    this.history.push(sheet, label);
    return true;
  }

  #context() {
    const object = this.active;
    const startBox = object.start ? rle.bounds(this.answers.final(object), this.item.height) : null;
    return { logitsId: this.answers.feedback(object), startBox };
  }

  /** The sheet as a click would make it. */
  withPoint(point) {
    return sheets.patchActive(sheets.addPoint(this.sheet, point, this.#context()), { window: this.window });
  }

  addPoint(point) {
    return this.commit(this.withPoint(point), point.label ? "point+" : "point-");
  }

  addScribble(stroke) {
    const sheet = sheets.addScribble(this.sheet, stroke, this.#context());
    return this.commit(sheets.patchActive(sheet, { window: this.window }), stroke.label ? "scribble+" : "scribble-");
  }

  setBox(a, b) {
    const sheet = sheets.setBox(this.sheet, a, b);
    return sheet !== null && this.commit(sheets.patchActive(sheet, { window: this.window }), "box");
  }

  /** Another of the model's masks: `choice` counts from 0. */
  choose(choice) {
    return choice !== this.answers.chosen(this.active) && this.commit(sheets.setChoice(this.sheet, choice), "choice");
  }

  /** False, and said why, when undo or redo would change what is locked. */
  mayStep(direction) {
    const state = this.history.next(direction);
    return !state || this.shelf.allows(this.sheet, state);
  }

  /** True, else said why not, when the active object may be changed. */
  get isFree() {
    return this.shelf.isFree(this.active);
  }

  /** Model and eye look through the same window: the active object's question follows it, unless it was settled before. */
  followWindow() {
    const object = this.active;
    if (!sheets.hasPrompts(object) || isAsSaved(object)) return;
    if (sameWindow(object.window, this.window) || this.shelf.locked.has(object.id)) return;
    this.history.amend(sheets.patchActive(this.sheet, { window: this.window, logitsId: null, choice: null }));
  }

  /** Brings the live mask to the active object; strokes in the making are kept. Returns whether it is stale. */
  loadLive({ keepStrokes = false } = {}) {
    const object = this.active;
    const current = this.answers.isCurrent(object);
    let base = this.answers.base(object);
    if (!current && this.#shown.id === object.id) base = this.#shown.base;
    else this.#shown = { id: object.id, base };
    if (keepStrokes) this.live.rebase(base);
    else this.live.load(base, object.edits);
    return !current;
  }

  /** Objects in sight beside the active one. */
  others() {
    return sheets.filled(this.sheet).filter((o) => o.id !== this.sheet.activeId && !this.shelf.hidden.has(o.id));
  }

  /** Objects whose mask is not that of their prompts yet. */
  pending() {
    return this.sheet.objects.filter((o) => !this.answers.isCurrent(o));
  }

  /** Nothing drawn that would be saved. */
  hasNothing() {
    const outside = new Set(this.outside());
    return sheets.filled(this.sheet).every((o) => outside.has(o) || !rle.area(this.answers.final(o)));
  }

  /** Objects that lie outside the window that alone is labeled. */
  outside() {
    const box = sheets.windowOf(this.sheet);
    if (!box) return [];
    return sheets.filled(this.sheet).filter((o) => rle.area(this.answers.final(o)) && !touches(this.answers.final(o), box, this.item.height));
  }

  /** Begins with a window: the part that another reader labeled alone. */
  startIn(box) {
    this.history = new History(sheets.setWindow(this.sheet, box));
  }

  objectAt({ x, y }) {
    const [px, py] = [Math.floor(x), Math.floor(y)];
    const { width, height } = this.item;
    if (px < 0 || py < 0 || px >= width || py >= height) return null;
    const hits = sheets.filled(this.sheet).filter((o) => !this.shelf.hidden.has(o.id) && rle.contains(this.answers.final(o), height, px, py));
    return hits.sort((a, b) => rle.area(this.answers.final(a)) - rle.area(this.answers.final(b)))[0]?.id ?? null;
  }

  valueAt({ x, y }) {
    const { samples, channels, width, height } = this.seen;
    const [px, py] = [Math.floor(x), Math.floor(y)];
    if (px < 0 || py < 0 || px >= width || py >= height) return null;
    const at = (py * width + px) * channels;
    return { x: px, y: py, value: this.#ownUnit(samples.subarray(at, at + channels)) };
  }

  /** Values as people know them: those of a volume in its file's own unit, such as HU. */
  #ownUnit(values) {
    const { slope, intercept } = this.item.volume ?? { slope: 1, intercept: 0 };
    return Array.from(values, (value) => Number((slope * value + intercept).toPrecision(5))).join(" ");
  }

  draft() {
    const { sheet, answers, window, clicks } = this;
    const packed = packDraft({ sheet, answers, window, clicks, seconds: this.clock.seconds, savedAt: Date.now() });
    return { ...packed, shelf: this.shelf.pack() };
  }

  annotation(submissionId) {
    const { item, sheet, answers, window, clicks } = this;
    return packAnnotation({ item, sheet, answers, window, clicks, seconds: this.clock.seconds, submissionId });
  }
}
