/** The project's images in turn, its counts and the annotator's name: how much of the round is done, and by whom. */
import { call, post } from "../net/api.js";
import { Seat } from "../net/seat.js";
import { t } from "../texts.js";

export class Queue {
  #round = null; // {number, total}
  project = null;
  wanted = null; // id of the image that was asked for by hand

  constructor({ vault, onChange }) {
    this.vault = vault;
    this.onChange = onChange;
    this.seat = new Seat({ scope: vault.scope });
  }

  get annotator() {
    let name = this.vault.read("annotator");
    if (!name) {
      name = `annotator-${Math.random().toString(36).slice(2, 6)}`;
      this.vault.write("annotator", name);
    }
    return name;
  }

  set annotator(name) {
    this.vault.write("annotator", name.trim().slice(0, 100) || null);
  }

  async open(projectId) {
    this.#round = null;
    this.project = { id: projectId };
    return this.refresh();
  }

  /** Leases the image that was asked for, or else the next one that is not open in another tab; null for none. */
  async next() {
    const { wanted } = this;
    this.wanted = null;
    if (wanted) {
      const item = await post(`items/${wanted}/lease`, { annotator: this.annotator });
      if (await this.seat.take(wanted)) return item;
      throw new Error(t("images.elsewhere", item));
    }
    for (const exclude = []; ; ) {
      const item = await post(`projects/${this.project.id}/next`, { annotator: this.annotator, exclude });
      if (!item) this.seat.leave();
      if (!item || (await this.seat.take(item.id))) return item;
      exclude.push(item.id);
    }
  }

  async refresh() {
    const { id } = this.project;
    const project = await call(`projects/${id}`);
    if (project.round && this.#round?.number !== project.round) {
      const { rounds } = await call(`projects/${id}/rounds`);
      const last = rounds.at(-1);
      this.#round = last ? { number: last.number, total: last.n_selected } : null;
    }
    if (this.project?.id === id) {
      this.project = project;
      this.onChange();
    }
    return project;
  }

  /** Leases this very image, whatever its state; another tab that has it open keeps it. */
  async take(itemId) {
    if (!(await this.seat.take(itemId))) throw new Error(t("day.otherTab"));
    return post(`items/${itemId}/lease`, { annotator: this.annotator });
  }

  /** One more is done; the server's own count follows with the next image. One that was done before counts no more. */
  countOne({ state }) {
    const { counts } = this.project;
    if (counts?.leased && state === "leased") counts.leased--;
    this.onChange();
  }

  /** {round, done, total} of the present round, null before the first. */
  get progress() {
    const { counts } = this.project ?? {};
    if (!this.#round || !counts) return null;
    const left = counts.queued + counts.leased;
    const total = Math.max(this.#round.total, left);
    return { round: this.#round.number, done: total - left, total };
  }
}
