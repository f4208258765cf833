/** Tells the server now and then that the item is still being worked on. */
import { post } from "./api.js";

const BEAT_MS = 20_000;

export class Lease {
  #timer = null;

  constructor({ link, onLost }) {
    this.link = link;
    this.onLost = onLost;
  }

  open(item) {
    this.close();
    const left = Date.parse(item.lease.expires_at) - Date.now();
    const every = left > 0 ? Math.max(2000, Math.min(BEAT_MS, left / 3)) : BEAT_MS;
    this.#timer = setInterval(() => this.beat(item), every);
  }

  async beat(item) {
    try {
      const { expires_at } = await post(`items/${item.id}/heartbeat`, { lease_token: item.lease.token });
      item.lease.expires_at = expires_at;
    } catch (error) {
      if (!this.link.report(error) && error.status === 409) this.onLost(error);
    }
  }

  close() {
    clearInterval(this.#timer);
  }
}
