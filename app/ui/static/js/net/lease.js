/** Tells the server now and then that the item is still being worked on. */
import { post } from "./api.js";

const BEAT_MS = 20_000;

export class Lease {
  #timer = null;
  #item = null;

  /** onLost(error) when the open image is someone else's now. */
  constructor({ link, onLost, send = post }) {
    Object.assign(this, { link, onLost, send });
  }

  open(item) {
    this.close();
    this.#item = item;
    const left = Date.parse(item.lease.expires_at) - Date.now();
    const every = left > 0 ? Math.max(2000, Math.min(BEAT_MS, left / 3)) : BEAT_MS;
    this.#timer = setInterval(() => this.beat(item), every);
  }

  async beat(item) {
    try {
      const { expires_at } = await this.send(`items/${item.id}/heartbeat`, { lease_token: item.lease.token });
      item.lease.expires_at = expires_at;
    } catch (error) {
      const isLost = !this.link.report(error) && error.status === 409;
      if (isLost && item === this.#item) this.onLost(error); // what was answered or left meanwhile is no loss
    }
  }

  close() {
    clearInterval(this.#timer);
    this.#item = null;
  }
}
