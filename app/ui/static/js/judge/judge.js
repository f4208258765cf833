/** Deciding between two readers, image by image: who they are is told once it is decided. */
import { bindScreenKeys } from "../canvas/keys.js";
import { WorkClock } from "../core/clock.js";
import { uuid } from "../dom.js";
import { call, post } from "../net/api.js";
import { Pictures } from "../net/pictures.js";
import { t } from "../texts.js";
import { ACTS, JudgeView } from "./view.js";

export class Judge {
  #waiting = [];
  #seen = null; // both readings of the image in sight
  #picture = null;
  #window = null;
  #submissions = new Map(); // what was decided -> submission id: a repeat after an outage is the same decision
  #busy = false;
  #asked = 0;
  #listening = new AbortController();
  isOpen = false;

  constructor(part, app, { queue, link }) {
    Object.assign(this, { app, queue, link, entry: part.judgeOpen, count: part.judgeCount, clock: new WorkClock(), pictures: new Pictures() });
    this.view = new JudgeView(part.judge, {
      onAct: (act) => this.#act(act),
      onOpen: (itemId) => this.#look(itemId),
      onObjects: () => this.#decide("a", this.view.chosen),
      onClose: () => this.toggle(),
    });
    this.view.onPair = (pair) => this.#paint(pair);
    const { signal } = this.#listening;
    bindScreenKeys((name) => this.#command(name), {
      isActive: () => this.isOpen && this.view.isShown,
      onRun: (run, event) => {
        this.clock.touch();
        if (!this.#busy && !event.repeat) run();
      },
      signal,
    });
    const seen = () => (document.hidden ? this.clock.pause() : this.clock.resume());
    document.addEventListener("visibilitychange", seen, { signal });
  }

  close() {
    this.#listening.abort();
    this.view.picture.stop();
  }

  /** An image was opened beside it: the project has changed, or an image is drawn anew. */
  imageChanged() {
    if (this.isOpen) this.#hide();
    this.#read().catch((error) => this.link.report(error));
  }

  imageDone() {
    this.#read().catch((error) => this.link.report(error));
  }

  async toggle() {
    const { app } = this;
    if (this.isOpen) {
      this.#hide();
      return app.flow.next();
    }
    if (!app.project || (app.work && !app.isOpen)) return;
    this.isOpen = true;
    await app.flow.close();
    app.messages.clear();
    await this.#next();
  }

  #hide() {
    this.isOpen = false;
    this.#asked++;
    this.#seen = null;
    this.view.hide();
  }

  /** Reads what waits, and says how much. */
  async #read() {
    const { project } = this.app;
    const { waiting } = project ? await call(`projects/${project.id}/adjudications`) : { waiting: [] };
    if (project?.id !== this.app.project?.id) return;
    this.#waiting = waiting;
    this.entry.hidden = !waiting.length;
    this.count.textContent = t("judge.open", { count: waiting.length });
  }

  async #next() {
    try {
      await this.#read();
      await this.#look(this.#waiting[0]?.item_id ?? null);
    } catch (error) {
      if (!this.link.report(error)) this.app.messages.say(error.message, { bad: true });
    }
  }

  async #look(itemId) {
    const asked = ++this.#asked;
    try {
      const [seen, item, picture] = itemId === null ? [null] : await Promise.all([call(`items/${itemId}/adjudication`), call(`items/${itemId}`), this.pictures.get(itemId)]);
      if (asked !== this.#asked || !this.isOpen) return;
      Object.assign(this, { clock: new WorkClock() }).clock.start();
      this.#seen = seen;
      this.#picture = picture;
      this.#window = item?.window;
      this.#show();
    } catch (error) {
      if (!this.link.report(error)) this.app.messages.say(error.message, { bad: true });
    }
  }

  #show() {
    const { project, isClassification } = this.app;
    this.view.show(this.#waiting, this.#seen, { isClassification, classes: project.classes });
    if (this.#seen) this.#paint();
    else this.view.picture.clear();
  }

  /** The whole image, or one pair of objects alone. */
  #paint(pair = null) {
    if (!this.#seen) return;
    const { a, b } = this.#seen;
    const of = (side) => (pair ? this.#seen[side].objects.filter((_, index) => index === pair[side]) : this.#seen[side].objects);
    this.view.picture.show(this.#picture, this.#window, of("a"), of("b"), { a: a.labeled_window, b: b.labeled_window });
  }

  #act(act) {
    if (!this.#seen || this.view.acts[act].hidden) return;
    return act === "redo" ? this.#redo() : this.#decide(act);
  }

  async #decide(act, objects = null) {
    const seen = this.#seen;
    if (!seen || this.#busy) return;
    this.#busy = true;
    const what = JSON.stringify([seen.item_id, seen.version, seen.second_id, act, objects]);
    if (!this.#submissions.has(what)) this.#submissions.set(what, uuid());
    const { item_id, version: base_version, second_id } = seen;
    const seconds = Math.round(this.clock.seconds * 10) / 10;
    const body = { submission_id: this.#submissions.get(what), base_version, second_id, act, objects, annotator: this.queue.annotator, seconds };
    try {
      const { names } = await post(`items/${item_id}/adjudication`, body);
      this.app.messages.say(t("judge.decided", { ...names, what: t(objects ? "judge.byObject" : `judge.acts.${act}`) }));
    } catch (error) {
      if (!this.link.report(error)) this.app.messages.say(error.message, { bad: true });
      else return;
    } finally {
      this.#busy = false;
    }
    await this.#next();
  }

  /** Nothing drawn, on the canvas; what is accepted there decides. */
  async #redo() {
    const { item_id } = this.#seen;
    this.#hide();
    await this.app.flow.next(async () => {
      if (!(await this.queue.seat.take(item_id))) throw new Error(t("day.otherTab"));
      return post(`items/${item_id}/adjudication/lease`, { annotator: this.queue.annotator });
    });
    if (this.app.work?.item.id === item_id) this.app.messages.say(t("judge.redoing"), { sticky: true });
  }

  #command(name) {
    const act = ACTS.find(([, key]) => key === name)?.[0];
    if (act) return () => this.#act(act);
    const step = { ArrowDown: 1, PageDown: 1, ArrowUp: -1, PageUp: -1 }[name];
    if (step) return () => this.#step(step);
    return {
      O: () => !this.view.objects.hidden && this.#decide("a", this.view.chosen),
      H: () => this.view.picture.toggleMasks(),
      G: () => this.view.picture.toggleClose(),
      Escape: () => this.toggle(),
      "Shift+J": () => this.toggle(),
    }[name];
  }

  #step(step) {
    const at = this.#waiting.findIndex((one) => one.item_id === this.#seen?.item_id);
    const to = this.#waiting[at + step];
    if (to) return this.#look(to.item_id);
  }
}
