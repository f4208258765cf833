/** Many images held at once: leased together, kept by one heartbeat, given back together. One tab, one seat an image. */
import { call, post } from "../net/api.js";
import { Seat } from "../net/seat.js";

const BEAT_MS = 60_000;

export class Hold {
  #items = new Map(); // id -> {item, seat}
  #timer = null;

  /** onLost(ids) when someone else has images that were held here. */
  constructor({ queue, link, scope, onLost }) {
    Object.assign(this, { queue, link, scope, onLost });
  }

  item(id) {
    return this.#items.get(id)?.item;
  }

  get ids() {
    return [...this.#items.keys()];
  }

  /** Leases images until `count` are held or the queue ends; those that another tab has open are left to it. */
  async fill(count) {
    const { id } = this.queue.project;
    const elsewhere = [];
    while (this.#items.size < count) {
      const body = { annotator: this.queue.annotator, n: count - this.#items.size, exclude: [...elsewhere, ...this.ids] };
      const { items } = await post(`projects/${id}/batch`, body);
      if (!items.length) break;
      for (const item of items) {
        const seat = new Seat({ scope: this.scope });
        if (await seat.take(item.id)) this.#items.set(item.id, { item, seat });
        else elsewhere.push(item.id);
      }
    }
    this.#beatEvery();
  }

  #beatEvery() {
    clearInterval(this.#timer);
    const ends = Math.min(...[...this.#items.values()].map(({ item }) => Date.parse(item.lease.expires_at)));
    const every = Math.max(2000, Math.min(BEAT_MS, (ends - Date.now()) / 3));
    if (this.#items.size) this.#timer = setInterval(() => this.beat(), every);
  }

  async beat() {
    const leases = [...this.#items.values()].map(({ item }) => ({ item_id: item.id, lease_token: item.lease.token }));
    if (!leases.length) return;
    try {
      const { lost } = await post(`projects/${this.queue.project.id}/heartbeats`, { leases });
      const gone = lost.filter((id) => this.#items.has(id)); // what was answered meanwhile is no loss
      this.drop(gone);
      if (gone.length) this.onLost(gone);
    } catch (error) {
      this.link.report(error);
    }
  }

  /** These are done or gone: nothing is to be given back. */
  drop(ids) {
    for (const id of ids) {
      this.#items.get(id)?.seat.leave();
      this.#items.delete(id);
    }
  }

  /** Gives all back. */
  async release() {
    clearInterval(this.#timer);
    const held = [...this.#items.values()].map(({ item }) => item);
    const give = (item) => call(`items/${item.id}/release`, { method: "POST", body: { lease_token: item.lease.token } }).catch(() => {});
    await Promise.all(held.map(give));
    this.drop(this.ids);
  }
}
