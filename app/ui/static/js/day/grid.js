/** Many alike: a grid of queued images, classes by key for one or a range, one key accepts all that have one. */
import { bindScreenKeys } from "../canvas/keys.js";
import { WorkClock } from "../core/clock.js";
import * as tiles from "../core/label_grid.js";
import { uuid } from "../dom.js";
import { call } from "../net/api.js";
import { t } from "../texts.js";
import { Hold } from "./hold.js";
import { GridView } from "./grid_view.js";

const COUNT = 24;

export class Grid {
  #grid = tiles.newGrid([]);
  #submissions = new Map(); // item id -> submission id: a repeat after an outage is the same submission
  #busy = false;
  #project = null; // whose images these are
  #listening = new AbortController();
  #opened = 0;
  isOpen = false;

  constructor(part, app, { queue, vault, link }) {
    Object.assign(this, { app, queue, vault, link, classes: part.classes, clock: new WorkClock() });
    this.view = new GridView(part.grid, {
      onPick: (index, extend) => this.#change(tiles.moveTo(this.#grid, index, { extend })),
      onOpen: () => this.#openLarge(),
      onAccept: () => this.accept(),
      onClose: () => this.toggle(),
    });
    this.hold = new Hold({ queue, link, scope: vault.scope, onLost: (ids) => this.#lost(ids) });
    const { signal } = this.#listening;
    bindScreenKeys((name) => this.#command(name), {
      isActive: () => this.isOpen && this.view.isShown,
      onRun: (run) => {
        this.clock.touch();
        if (!this.#busy) run();
      },
      signal,
    });
    const seen = () => (document.hidden ? this.clock.pause() : this.clock.resume());
    document.addEventListener("visibilitychange", seen, { signal });
    this.classes.addEventListener("click", (event) => this.#clickedClass(event), { capture: true, signal });
  }

  close() {
    this.#listening.abort();
  }

  get #name() {
    return `grid:${this.#project.id}`;
  }

  async toggle() {
    const { app } = this;
    if (this.isOpen) {
      await this.#close();
      return app.flow.next();
    }
    if (!app.project || (app.work && !app.isOpen)) return;
    if (!app.isClassification) return app.messages.say(t("grid.onlyLabels"));
    this.isOpen = true;
    this.#project = app.project;
    await app.flow.close();
    app.messages.clear();
    await this.#load();
  }

  /** An image was opened beside the grid: the project has changed, or the annotator. */
  imageChanged() {
    if (this.isOpen) this.#close();
  }

  async #close() {
    this.isOpen = false;
    this.#opened++;
    this.#keep();
    this.view.hide();
    await this.hold.release();
    this.#grid = tiles.newGrid([]);
  }

  /** Fills the grid up with the next images; classes that were given before a reload are back. */
  async #load() {
    const opened = ++this.#opened;
    this.#busy = true;
    try {
      await this.hold.fill(COUNT);
      if (opened !== this.#opened) return;
      const kept = this.vault.read(this.#name) ?? { labels: {}, seconds: 0 };
      this.#grid = tiles.newGrid(this.hold.ids, kept.labels);
      this.clock.start(kept.seconds);
      this.#busy = false;
      const next = this.#grid.ids.findIndex((id) => !kept.labels[id]);
      this.#change(tiles.moveTo(this.#grid, Math.max(0, next)));
      if (!this.#grid.ids.length) return this.toggle(); // the queue is empty: the page says so
      this.queue.refresh().catch((error) => this.link.report(error));
      await this.#suggestions(opened);
    } catch (error) {
      this.#busy = false;
      if (!this.link.report(error)) this.app.messages.say(error.message, { bad: true });
    }
  }

  async #suggestions(opened) {
    for (const id of this.#grid.ids.filter((id) => this.hold.item(id)?.has_suggestion && !this.#grid.labels[id])) {
      const { label = null } = await call(`items/${id}/suggestion`).catch(() => ({}));
      if (opened !== this.#opened) return;
      if (label) this.#change(tiles.suggest(this.#grid, id, label), { keep: false });
    }
  }

  #change(grid, { keep = true } = {}) {
    this.#grid = grid;
    if (keep) this.#keep();
    this.classes.inert = false;
    this.view.show(grid, { item: (id) => this.hold.item(id), classes: this.#project.classes });
  }

  /** What a person decided stays in this browser until it is accepted. */
  #keep() {
    const own = Object.entries(this.#grid.labels).filter(([, { by }]) => by === "person");
    if (own.length) this.vault.write(this.#name, { labels: Object.fromEntries(own), seconds: this.clock.seconds });
    else this.vault.remove(this.#name);
  }

  #lost(ids) {
    this.#change(tiles.without(this.#grid, ids));
    this.app.messages.say(t("grid.lost", { count: ids.length }), { bad: true });
  }

  async accept() {
    const ids = tiles.ready(this.#grid);
    if (this.#busy) return;
    if (!ids.length) return this.app.messages.say(t("grid.noLabels"));
    this.#busy = true;
    const { done, refused, outage, unbooked } = await this.#send(ids);
    this.hold.drop([...done, ...refused]);
    this.#grid = tiles.without(this.#grid, [...done, ...refused]);
    this.clock.start(unbooked);
    this.#keep();
    this.#busy = false;
    if (outage) return this.#change(this.#grid);
    if (refused.length) this.app.messages.say(t("grid.refused", { count: refused.length }), { bad: true });
    else this.app.messages.say(t("grid.saved", { count: done.length }));
    await this.#load();
  }

  /** Sends one after the other; stops at an outage, after which what was not sent is still in the grid. */
  async #send(ids) {
    const { outbox, trigger } = this.app.flow;
    const seconds = tiles.shares(this.clock.seconds, ids.length);
    const [done, refused] = [[], []];
    for (const [i, id] of ids.entries()) {
      try {
        const { version } = await outbox.submit(id, this.#annotation(id, seconds[i]));
        done.push(id);
        trigger("saved", { item_id: id, version });
      } catch (error) {
        const unbooked = seconds.slice(i + 1).reduce((sum, part) => sum + part, 0);
        if (this.link.report(error)) return { done, refused, outage: true, unbooked };
        refused.push(id);
      }
    }
    return { done, refused, outage: false, unbooked: 0 };
  }

  #annotation(id, seconds) {
    const { lease, version } = this.hold.item(id);
    const { label, clicks } = this.#grid.labels[id];
    if (!this.#submissions.has(id)) this.#submissions.set(id, uuid());
    const submission_id = this.#submissions.get(id);
    return { submission_id, lease_token: lease.token, base_version: version, label, objects: [], window: null, seconds, clicks };
  }

  /** The image under the cursor alone and large; Shift L comes back to the grid with all classes as they were. */
  async #openLarge() {
    const id = this.#grid.ids[this.#grid.cursor];
    if (id === undefined) return;
    await this.#close();
    await this.app.flow.next(() => this.queue.take(id));
  }

  /** The panel's classes are the grid's, too, while it is open. */
  #clickedClass(event) {
    if (!this.isOpen) return;
    event.stopPropagation();
    const id = Number(event.target.closest("[data-class]")?.dataset.class);
    const chosen = this.#project.classes.find((entry) => entry.id === id);
    this.clock.touch();
    if (chosen && !this.#busy) this.#change(tiles.label(this.#grid, chosen.name));
  }

  #command(name) {
    const columns = this.view.columns;
    const key = name.replace("Shift+", "");
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -Infinity, End: Infinity };
    const grid = this.#grid;
    if (key in steps) return () => this.#change(tiles.move(grid, steps[key], { extend: name !== key }));
    const chosen = /^[1-9]$/.test(name) && this.#project.classes[Number(name) - 1];
    if (chosen) return () => this.#change(tiles.label(grid, chosen.name));
    return {
      A: () => this.accept(),
      Enter: () => this.#openLarge(),
      Delete: () => this.#change(tiles.unlabel(grid)),
      Backspace: () => this.#change(tiles.unlabel(grid)),
      Escape: () => this.toggle(),
      "Shift+L": () => this.toggle(),
    }[name];
  }
}
