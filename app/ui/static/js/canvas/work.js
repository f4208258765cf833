/** The work on one image: its sheet with undo and redo, the model's answers, the live mask, seconds and clicks. */
import { Answers } from "../core/answers.js";
import { splitParts } from "../core/components.js";
import { History } from "../core/history.js";
import { LiveMask } from "../core/live_mask.js";
import * as rle from "../core/rle.js";
import * as sheets from "../core/sheet.js";
import { sameWindow } from "../core/windowing.js";
import { packAnnotation, packDraft, unpackDraft } from "../core/wire.js";

const SPECK_PX = 4; // smaller parts of a starting mask are noise

export class Work {
  offered = null; // {count, confidence} of what the head suggests, the least sure object counts
  #shown = { id: null, base: null }; // the mask that stays in sight while the next answer is on its way

  constructor(item, picture, clock, classId) {
    Object.assign(this, { item, picture, clock, clicks: 0 });
    this.window = { level: item.window.level, width: item.window.width };
    this.answers = new Answers(item.width, item.height);
    this.live = new LiveMask(item.width, item.height);
    this.history = new History(sheets.newSheet(classId));
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
    if (count) this.offered = { count, confidence: Math.min(...objects.map((o) => o.mean_confidence)) };
    return count;
  }

  /** An annotation made before, opened again. */
  reopen(annotation) {
    const objects = annotation.objects.map((o) => ({ class_id: o.class_id, mask: o.mask, saved: o }));
    const offered = sheets.withStart(this.sheet, { objects });
    this.history = new History(sheets.setLabel(offered, annotation.label));
  }

  /** True when something changed; a sheet that is the same object is no change. */
  commit(sheet, label) {
    if (!sheet || sheet === this.sheet) return false;
    this.history.push(sheet, label);
    return true;
  }

  addPoint(point) {
    const object = this.active;
    const startBox = object.start ? rle.bounds(this.answers.final(object), this.item.height) : null;
    const sheet = sheets.addPoint(this.sheet, point, { logitsId: this.answers.feedback(object), startBox });
    return this.commit(sheets.patchActive(sheet, { window: this.window }), point.label ? "point+" : "point-");
  }

  setBox(a, b) {
    const sheet = sheets.setBox(this.sheet, a, b);
    return sheet !== null && this.commit(sheets.patchActive(sheet, { window: this.window }), "box");
  }

  cycleChoice() {
    const object = this.active;
    const count = this.answers.candidateCount(object);
    if (count < 2) return null;
    const chosen = (this.answers.chosen(object) + 1) % count;
    this.commit(sheets.setChoice(this.sheet, chosen), "choice");
    return { chosen: chosen + 1, count };
  }

  /** Model and eye look through the same window: the active object's question follows it. */
  followWindow() {
    const object = this.active;
    if (!sheets.hasPrompts(object) || sameWindow(object.window, this.window)) return;
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

  others() {
    return sheets.filled(this.sheet).filter((o) => o.id !== this.sheet.activeId);
  }

  /** Objects whose mask is not that of their prompts yet. */
  pending() {
    return this.sheet.objects.filter((o) => !this.answers.isCurrent(o));
  }

  hasNothing() {
    return sheets.filled(this.sheet).every((o) => !rle.area(this.answers.final(o)));
  }

  objectAt({ x, y }) {
    const [px, py] = [Math.floor(x), Math.floor(y)];
    const { width, height } = this.item;
    if (px < 0 || py < 0 || px >= width || py >= height) return null;
    const hits = sheets.filled(this.sheet).filter((o) => rle.contains(this.answers.final(o), height, px, py));
    return hits.sort((a, b) => rle.area(this.answers.final(a)) - rle.area(this.answers.final(b)))[0]?.id ?? null;
  }

  valueAt({ x, y }) {
    const { samples, channels, width, height } = this.picture;
    const [px, py] = [Math.floor(x), Math.floor(y)];
    if (px < 0 || py < 0 || px >= width || py >= height) return null;
    const at = (py * width + px) * channels;
    return { x: px, y: py, value: Array.from(samples.subarray(at, at + channels)).join(" ") };
  }

  draft() {
    const { sheet, answers, window, clicks } = this;
    return packDraft({ sheet, answers, window, clicks, seconds: this.clock.seconds, savedAt: Date.now() });
  }

  annotation(submissionId) {
    const { item, sheet, answers, window, clicks } = this;
    return packAnnotation({ item, sheet, answers, window, clicks, seconds: this.clock.seconds, submissionId });
  }
}
