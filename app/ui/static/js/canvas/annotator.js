/** The canvas as a whole: turns commands and pointer actions into changes of the work, and shows the result. */
import { IN, OUT } from "../core/live_mask.js";
import * as sheets from "../core/sheet.js";
import { t } from "../texts.js";
import { Looking } from "./looking.js";
import { Objects } from "./objects.js";
import { Predictor } from "./predictor.js";
import { Slices } from "./slices.js";
import { Tools } from "./tools.js";

const FALLBACK_COLOUR = "#4cc2ff";

export class Annotator extends Looking {
  #othersSeen = [];
  #activeSeen = [];
  negative = false; // presses mean what is not the object: for fingers, which have no right button

  constructor(parts) {
    super(parts);
    this.tools = new Tools(this);
    this.objects = new Objects(this);
    this.slices = new Slices(this);
    this.predictor = new Predictor({
      onAnswer: () => this.refresh(),
      onError: (error) => this.#noMask(error),
      onBusy: (busy) => this.toolbar.showBusy(busy),
    });
  }

  classOf(id) {
    return this.project?.classes.find((c) => c.id === id);
  }

  colourOf(object) {
    return this.classOf(object.classId)?.color ?? FALLBACK_COLOUR;
  }

  /** Shows a loaded image; null empties the stage. */
  show(work) {
    this.work = work;
    this.negative = false;
    this.tools.left();
    this.isOpen = work !== null;
    this.#othersSeen = this.#activeSeen = [];
    this.stage.setPicture(work?.picture ?? null);
    this.gauge.clear();
    this.overlays.open(work);
    this.slices.open(work);
    const label = work ? t("say.loaded", work.item) : t("canvas.noImage");
    this.canvas.setAttribute("aria-label", label);
    this.canvas.setAttribute("aria-roledescription", t("canvas.role"));
    if (!work) {
      this.panel.refresh();
      this.toolbar.refresh();
      this.day.refresh();
      return;
    }
    this.predictor.open(work.item, work.answers);
    this.objects.watch(work);
    this.setTool(this.isClassification ? "contrast" : ["contrast", "ruler", "window"].includes(this.tool) ? "prompt" : this.tool);
    this.display.open(work);
    this.stage.setWindow(work.window, this.display.extra);
    this.ensure();
  }

  #commit(sheet, label) {
    if (this.isOpen && this.work.commit(sheet, label)) this.changed();
  }

  changed() {
    this.messages.calm();
    this.stage.masksShown = true;
    this.flow.noteChange();
    this.ensure();
  }

  /** Shows the present state and asks for the active object's mask when its prompts have none yet. */
  ensure() {
    if (!this.work) return;
    this.work.followWindow();
    this.refresh();
    if (!this.isClassification) this.predictor.ask(this.work.active);
  }

  refresh() {
    const { work, stage } = this;
    if (!work || this.slices.isAway) return;
    const others = work.others();
    if (others.length !== this.#othersSeen.length || others.some((o, i) => o !== this.#othersSeen[i])) {
      this.#othersSeen = others;
      stage.setOthers(others.map((o) => ({ counts: work.answers.final(o), colour: this.colourOf(o) })));
    }
    const object = work.active;
    stage.activeShown = !work.shelf.hidden.has(object.id);
    const base = work.answers.base(object);
    const seen = [object, base];
    if (seen.some((v, i) => v !== this.#activeSeen[i]) || !this.#activeSeen.length) {
      this.#activeSeen = seen;
      stage.stale = work.loadLive({ keepStrokes: this.pointer.stroking });
      stage.setActive(work.live, this.colourOf(object));
    }
    this.tools.refresh();
    this.panel.refresh();
    this.toolbar.refresh();
    this.day.refresh();
  }

  /** Shows all masks anew, on a stage that had another slice on it. */
  repaint() {
    this.#othersSeen = this.#activeSeen = [];
    this.ensure();
  }

  #noMask(error) {
    if (this.link.report(error)) this.messages.say(t("say.noMaskOutage"), { bad: true });
    else this.messages.say(t("say.noMask", { detail: error.message }), { bad: true });
  }

  /** Asks at the press what a click here will ask: people hold a button for longer than the answer takes. */
  foresee(at, label) {
    const { work } = this;
    if (this.isClassification || !this.view.contains(at) || work.shelf.locked.has(work.active.id)) return;
    this.predictor.ask(sheets.active(work.withPoint({ ...at, label })));
  }

  addPoint(at, label) {
    if (!this.isOpen || this.isClassification || !this.view.contains(at) || !this.work.isFree) return;
    this.work.clicks++;
    if (this.work.addPoint({ ...at, label })) this.changed();
  }

  rubberBox(a, b) {
    this.stage.rubber = [Math.min(a.x, b.x), Math.min(a.y, b.y), Math.max(a.x, b.x), Math.max(a.y, b.y)];
    this.stage.draw();
  }

  finishBox(a, b, done) {
    this.stage.rubber = null;
    this.stage.draw();
    if (!done || !this.isOpen) return;
    if (this.tool === "window") return this.tools.window.drawn(a, b);
    if (!this.work.isFree) return;
    this.work.clicks++;
    if (this.work.setBox(this.view.clampToImage(a), this.view.clampToImage(b))) this.changed();
    else this.messages.say(t("say.boxSmall"));
  }

  stroke(a, b, erase) {
    if (this.work.shelf.locked.has(this.work.active.id)) return;
    const box = this.work.live.stroke(a, b, this.prefs.brush, erase ? OUT : IN);
    if (box) this.stage.setActive(this.work.live, this.colourOf(this.work.active), box);
  }

  finishStroke(erase) {
    if (!this.isOpen || !this.work.isFree) return;
    this.work.clicks++;
    this.#commit(sheets.setEdits(this.work.sheet, this.work.live.edits()), erase ? "eraser" : "brush");
  }

  /** The mask as it was before the stroke that is being drawn. */
  dropStroke() {
    if (!this.work) return;
    this.work.loadLive();
    this.stage.setActive(this.work.live.bits, this.colourOf(this.work.active));
  }

  toggleSign() {
    this.negative = !this.negative;
    this.toolbar.refresh();
  }

  chooseClass(number) {
    const chosen = this.project?.classes[number - 1];
    if (!this.isOpen || !chosen) return;
    if (!this.isClassification) return this.#commit(sheets.setClass(this.work.sheet, chosen.id), "class");
    const again = this.work.sheet.label === chosen.name;
    this.work.clicks++;
    if (!again) this.#commit(sheets.setLabel(this.work.sheet, chosen.name), "label");
    if (again || this.prefs.oneKey) this.accept();
  }

  nextObject() {
    if (!this.isClassification) this.#commit(this.isOpen && sheets.nextObject(this.work.sheet), "next");
  }

  selectObject(id) {
    this.#commit(this.isOpen && sheets.select(this.work.sheet, id), "select");
  }

  stepObject(step) {
    if (this.isOpen && !this.isClassification) this.selectObject(sheets.neighbour(this.work.sheet, step));
  }

  pickAt(at) {
    const id = this.isOpen && !this.isClassification && this.work.objectAt(at);
    if (id) this.selectObject(id);
  }

  /** The picked prompt, else the object. */
  removeOne() {
    if (!this.tools.editor.remove()) this.removeObject();
  }

  removeObject(id = this.work?.active.id) {
    if (!this.isOpen) return;
    const object = this.work.sheet.objects.find((o) => o.id === id);
    if (object && !sheets.isBlank(object)) this.#commit(sheets.remove(this.work.sheet, id), "remove");
  }

  clear() {
    if (this.isOpen && (sheets.filled(this.work.sheet).length || this.work.sheet.label)) {
      const { shelf } = this.work;
      this.#commit(sheets.clear(this.work.sheet, (object) => shelf.locked.has(object.id)), "clear");
    }
  }

  chooseCandidate(choice) {
    if (!this.isOpen || this.isClassification || !this.work.isFree) return;
    const offered = this.work.answers.candidates(this.work.active);
    if (offered.length < 2) return this.messages.say(t("say.oneCandidate"));
    if (this.work.choose(choice)) this.changed();
    const iou = offered[choice].predictedIou.toFixed(2);
    this.messages.announce(t("choices.chosen", { chosen: choice + 1, count: offered.length, iou }));
  }

  stepCandidate(step) {
    const count = this.work?.answers.candidates(this.work.active).length || 1;
    this.chooseCandidate(((this.work?.answers.chosen(this.work.active) ?? 0) + step + count) % count);
  }

  undo() {
    this.#walk("undo", "say.undid", "say.nothingToUndo");
  }

  redo() {
    this.#walk("redo", "say.redid", "say.nothingToRedo");
  }

  #walk(direction, done, nothing) {
    if (!this.isOpen || this.pointer.drawing || !this.work.mayStep(direction)) return;
    const step = this.work.history[direction]();
    if (step === null) return this.messages.say(t(nothing));
    this.changed();
    this.messages.say(t(done, { step: t(`steps.${step}`) }));
  }

  pointAtCursor(negative) {
    if (this.tool === "polygon") return this.tools.polygon.split();
    const at = this.stage.cursor;
    if (at && this.tool === "ruler") return this.gauge.pointAt(at);
    if (!at || !this.isOpen || this.isClassification) return;
    if (this.tool === "prompt") return this.addPoint(at, negative ? 0 : 1);
    if (this.tools.penAt(at, negative) || !this.stage.brush) return;
    const erase = (this.tool === "eraser") !== negative;
    this.stroke(at, at, erase);
    this.finishStroke(erase);
  }

  cornerAtCursor() {
    const { cursor, corner } = this.stage;
    if (!cursor || !this.isOpen || this.isClassification) return;
    this.stage.corner = corner ? null : { ...cursor };
    if (corner) this.finishBox(corner, cursor, true);
    else this.messages.say(t("say.boxCorner"));
    this.stage.draw();
  }

  accept() {
    if (this.slices.isAway) return this.slices.back();
    return this.flow.accept();
  }
}
