/** From image to image: next, accept, skip; drafts, leases, outages. Nothing that was drawn is ever lost. */
import { newerDraft } from "../core/wire.js";
import { uuid } from "../dom.js";
import { BASE, call, post } from "../net/api.js";
import { DraftKeeper } from "../net/draft_keeper.js";
import { Lease } from "../net/lease.js";
import { Outbox } from "../net/outbox.js";
import { Pictures } from "../net/pictures.js";
import { t } from "../texts.js";
import { fillWork } from "./start.js";
import { Work } from "./work.js";

const AHEAD = 2;

export class Flow {
  #busy = null; // "loading" | "accepting" | "skipping"
  #emptyAsked = false;
  #submission = null; // {work, id}: a repeat after an outage is the same submission
  #gone = null; // work on an image that is someone else's now
  #generation = 0;

  /** trigger(event, data) tells the page's Python; `idle` shows what to do when there is no image. */
  constructor(app, { vault, link, trigger, idle, queue }) {
    Object.assign(this, { app, vault, link, trigger, idle, queue });
    this.pictures = new Pictures();
    this.outbox = new Outbox({ vault });
    const onLost = () => this.#isDeciding || this.#leaseLost(); // deciding tells by itself
    this.keeper = new DraftKeeper({ vault, link, onLost, onState: (state) => app.toolbar.showDraft(state) });
    this.lease = new Lease({ link, onLost });
    link.onChange((state) => this.#linkChanged(state));
  }

  get annotator() {
    return this.queue.annotator;
  }

  get #isDeciding() {
    return ["accepting", "skipping"].includes(this.#busy);
  }

  async close() {
    this.#generation++;
    this.idle.hide();
    await this.leave();
  }

  /** Puts the present image aside, keeping what was done on it; resolves when it is free for others. */
  async leave() {
    const { work } = this.app;
    this.lease.close();
    this.queue.seat.leave();
    if (!work) return;
    const release = () => post(`items/${work.item.id}/release`, { lease_token: work.item.lease.token }).catch(() => {});
    const done = work.touched ? this.keeper.flush() : release();
    this.keeper.close({ keepLocal: work.touched });
    this.app.show(null);
    await done;
  }

  async openProject(projectId) {
    this.leave();
    this.#busy = null;
    this.app.project = projectId ? await this.queue.open(projectId) : null;
    this.app.panel.projectChanged();
    this.app.toolbar.projectChanged();
    if (!projectId) return this.idle.show(null);
    await this.#sendWaiting();
    await this.next();
  }

  /** Puts the present image aside and opens another; false while the present one is on its way to the server. */
  async open(take) {
    if (this.#isDeciding || this.#submission) return false;
    await this.leave();
    await this.next(take);
    return true;
  }

  /** Opens the next image, or says why there is none. */
  async next(take = () => this.queue.next()) {
    const generation = ++this.#generation;
    this.#busy = "loading";
    this.idle.hide();
    try {
      const item = await take();
      if (generation !== this.#generation) return;
      if (item) await this.#open(item, generation);
      else await this.#nothing();
    } catch (error) {
      if (generation !== this.#generation) return;
      this.app.show(null);
      if (this.link.report(error)) this.idle.showOutage(() => this.next());
      else this.#loadFailed(error);
    } finally {
      if (generation === this.#generation) this.#busy = null;
    }
  }

  async #open(item, generation) {
    const draft = item.kept ?? newerDraft(item.draft, this.keeper.local(item));
    const [picture, suggestion] = await Promise.all([
      this.pictures.get(item.id),
      item.has_suggestion && !draft ? call(`items/${item.id}/suggestion`).catch(() => null) : null,
    ]);
    if (generation !== this.#generation) return;
    const { app } = this;
    app.clock.start();
    const classId = app.work?.active.classId ?? app.project.classes[0].id;
    const work = new Work(item, picture, app.clock, app.classOf(classId) ? classId : app.project.classes[0].id);
    this.#emptyAsked = false;
    this.keeper.open(item, () => work.draft());
    app.messages.clear();
    app.messages.announce(t("say.loaded", item));
    fillWork(app, work, draft, suggestion);
    app.show(work);
    if (document.hidden) app.clock.pause();
    this.lease.open(item);
    app.toolbar.showDraft(null);
    this.queue.refresh().catch((error) => this.link.report(error));
    post(`items/${item.id}/prepare`, { window: work.window }).catch(() => {});
    this.trigger("task_changed", { item_id: item.id, project_id: item.project_id });
    this.#lookAhead(item);
  }

  async #lookAhead(item) {
    const query = `annotator=${encodeURIComponent(this.annotator)}`;
    const { items } = await call(`projects/${item.project_id}/upcoming?${query}`).catch(() => ({ items: [] }));
    for (const id of items.filter((other) => other !== item.id).slice(0, AHEAD)) await this.pictures.prefetch(id);
  }

  async #nothing() {
    this.app.show(null);
    this.app.toolbar.showDraft(null);
    this.app.project = await this.queue.refresh();
    this.trigger("queue_empty", { project_id: this.app.project.id });
    this.idle.show(this.app.project, () => this.next());
  }

  #loadFailed(error) {
    const action = { text: t("say.retry"), run: () => this.next() };
    this.app.messages.say(t("say.loadFailed", { detail: error.message }), { bad: true, action });
  }

  noteChange() {
    this.#emptyAsked = false;
    this.keeper.note();
  }

  async accept() {
    const { app } = this;
    if (!app.work || this.#busy || this.#gone === app.work) return;
    const { work } = app;
    this.#busy = "accepting";
    try {
      if (!(await this.#mayAccept(work))) return;
      app.isOpen = false;
      await this.#submit(work);
    } finally {
      if (this.#busy === "accepting") this.#busy = null;
      this.#reopen(work);
    }
  }

  /** False while the work is on its way, or no longer ours. */
  mayChange(work) {
    return this.#submission?.work !== work && this.#gone !== work;
  }

  /** Changes are welcome again where they may be made. */
  #reopen(work) {
    if (this.app.work === work) this.app.isOpen = this.mayChange(work) && !this.app.slices.isAway;
  }

  async #mayAccept(work) {
    const { app } = this;
    if (app.isClassification) {
      if (!work.sheet.label) app.messages.say(t("say.noLabel"));
      return work.sheet.label !== null;
    }
    if (work.pending().length) {
      app.messages.say(t("say.waitMask"));
      await Promise.all(work.pending().map((object) => app.predictor.ask(object)));
      if (app.work !== work) return false;
      if (work.pending().length) {
        app.messages.say(t("say.notCurrent"), { bad: true });
        app.ensure();
        return false;
      }
    }
    if (!work.hasNothing() || this.#emptyAsked) return true;
    this.#emptyAsked = true;
    app.messages.say(t("say.emptyAgain"), { sticky: true });
    return false;
  }

  async #submit(work) {
    if (this.#submission?.work !== work) this.#submission = { work, id: uuid() };
    try {
      await this.keeper.settle();
      const receipt = await this.outbox.submit(work.item.id, work.annotation(this.#submission.id));
      this.#submission = null;
      await this.#decided(work, t("say.saved"), "saved", { version: receipt.version });
    } catch (error) {
      if (this.link.report(error)) return; // the outbox sends it once the link is back
      this.#submission = null;
      this.keeper.note();
      if (error.code === "lease_lost") return this.#leaseLost();
      if (error.code === "version_conflict") return this.#moveOn(t("say.version"));
      this.app.messages.say(t("say.notSaved", { detail: error.message }), { bad: true });
    }
  }

  async skip(reason) {
    const { work } = this.app;
    if (!work || this.#busy) return;
    this.#busy = "skipping";
    try {
      await this.keeper.settle();
      await post(`items/${work.item.id}/skip`, { lease_token: work.item.lease.token, reason });
      await this.#decided(work, t("say.skipped"), "skipped");
    } catch (error) {
      if (error.code === "lease_lost") return this.#leaseLost();
      if (!this.link.report(error)) this.app.messages.say(t("say.notSkipped", { detail: error.message }), { bad: true });
    } finally {
      if (this.#busy === "skipping") this.#busy = null;
    }
  }

  /** The server has the answer: puts the image away, says so here and to the page's Python, opens the next. */
  async #decided(work, text, event, facts = {}) {
    this.keeper.close({ keepLocal: false });
    this.lease.close();
    this.queue.countOne(work.item);
    this.app.messages.announce(text);
    this.trigger(event, { item_id: work.item.id, ...facts });
    await this.next();
  }

  /** Tries to get the very image back; when someone else has it, the work stays in this browser. */
  async #leaseLost() {
    const { work, messages } = this.app;
    if (!work || this.#submission) return;
    try {
      const item = await post(`items/${work.item.id}/lease`, { annotator: this.annotator });
      if (item.version !== work.item.version) return this.#moveOn(t("say.version"));
      work.item.lease = item.lease;
      this.lease.open(work.item);
      this.keeper.note();
      messages.say(t("say.leaseAgain"));
    } catch (error) {
      if (!this.link.report(error)) this.#moveOn(t("say.leaseLost"));
    }
  }

  #moveOn(text) {
    this.lease.close();
    this.#gone = this.app.work;
    this.app.isOpen = false;
    this.app.toolbar.showDraft("local");
    if (this.#gone.touched) this.keeper.keepLocally({ always: true }); // the server's draft may be gone by now
    this.keeper.close({ keepLocal: true });
    this.app.messages.say(text, { bad: true, action: { text: t("say.next"), run: () => this.next() } });
  }

  async #linkChanged(state) {
    const { messages, work } = this.app;
    this.app.toolbar.showLink(state);
    if (state === "down") return messages.say(t("say.keptOffline"), { bad: true });
    if (state === "login") {
      const action = { text: t("say.logIn"), href: new URL("../login", BASE).href };
      return messages.say(t("say.keptLogin"), { bad: true, action });
    }
    messages.say(t("say.back"));
    if (this.#submission?.work === work && work) return this.#resubmit(work);
    await this.#sendWaiting();
    this.keeper.flush();
    if (work) this.lease.beat(work.item);
    this.app.ensure();
  }

  async #resubmit(work) {
    this.#busy = "accepting";
    await this.#submit(work);
    if (this.#busy === "accepting") this.#busy = null;
    this.#reopen(work);
  }

  /** What was accepted before a reload and has not reached the server. */
  async #sendWaiting() {
    const count = this.outbox.waiting.length;
    if (!count) return;
    try {
      const refused = await this.outbox.flush();
      for (const { error } of refused) this.app.messages.say(t("say.refused", { detail: error.message }), { bad: true });
      if (!refused.length) this.app.messages.say(t("say.sent", { count }));
    } catch (error) {
      this.link.report(error);
    }
  }
}
