/** Keeps the unfinished work on one item: at once in this browser, a second later on the server. */
import { call } from "./api.js";

const LOCAL_MS = 60;
const SERVER_MS = 1000;
const KEEPALIVE_BYTES = 60_000;

export class DraftKeeper {
  #item = null;
  #pack = null;
  #localTimer = null;
  #serverTimer = null;
  #unsent = null;
  #sending = Promise.resolve();

  /** onState("saving" | "saved" | "local" | "full"); onLost(error) when the lease is gone. */
  constructor({ vault, link, send = call, onState = () => {}, onLost = () => {} }) {
    Object.assign(this, { vault, link, send, onState, onLost });
  }

  #name(item) {
    return `draft:${item.id}:${item.version}`;
  }

  /** The draft of this item that the server has not confirmed, or null. */
  local(item) {
    return this.vault.read(this.#name(item));
  }

  /** pack() makes the draft when it is needed. */
  open(item, pack) {
    this.#item = item;
    this.#pack = pack;
    this.#unsent = null;
  }

  note() {
    if (!this.#item) return;
    clearTimeout(this.#localTimer);
    clearTimeout(this.#serverTimer);
    this.#localTimer = setTimeout(() => this.keepLocally(), LOCAL_MS);
    this.#serverTimer = setTimeout(() => this.flush(), SERVER_MS);
    this.onState("saving");
  }

  /** What has changed since it was last kept; `always` keeps what the server has confirmed, too. */
  keepLocally({ always = false } = {}) {
    if (!this.#item || (this.#localTimer === null && !always)) return;
    clearTimeout(this.#localTimer);
    this.#localTimer = null;
    this.#unsent = this.#pack();
    if (!this.vault.write(this.#name(this.#item), this.#unsent)) this.onState("full");
  }

  /** Sends what the server has not seen; called again when the link is back. */
  flush() {
    clearTimeout(this.#serverTimer);
    this.keepLocally();
    const item = this.#item;
    const draft = this.#unsent;
    if (item && draft) this.#sending = this.#sending.then(() => this.#put(item, draft, false));
    return this.#sending;
  }

  /** The item is about to be decided: sends nothing more, and resolves when what is on its way has arrived. */
  settle() {
    clearTimeout(this.#serverTimer);
    this.keepLocally();
    return this.#sending;
  }

  /** The page goes away: one last try that outlives it (browsers allow 64 kB); the local copy stays in any case. */
  flushOnLeave() {
    clearTimeout(this.#serverTimer);
    this.keepLocally();
    const fits = this.#unsent && JSON.stringify(this.#unsent).length < KEEPALIVE_BYTES;
    if (this.#item && fits) this.#put(this.#item, this.#unsent, true);
  }

  async #put(item, draft, keepalive) {
    try {
      const body = { lease_token: item.lease.token, draft };
      await this.send(`items/${item.id}/draft`, { method: "PUT", body, keepalive });
      if (this.vault.read(this.#name(item))?.saved_at === draft.saved_at) this.vault.remove(this.#name(item));
      if (this.#unsent === draft) this.#unsent = null;
      if (this.#item === item && !this.#unsent) this.onState("saved");
    } catch (error) {
      this.onState("local");
      if (!this.link.report(error) && this.#item === item && error.status === 409) this.onLost(error);
    }
  }

  /** The item is done (keepLocal = false) or left for another: no more saving. */
  close({ keepLocal }) {
    if (keepLocal) this.keepLocally();
    clearTimeout(this.#localTimer);
    clearTimeout(this.#serverTimer);
    this.#localTimer = null;
    if (this.#item && !keepLocal) this.vault.remove(this.#name(this.#item));
    this.#item = this.#pack = this.#unsent = null;
  }
}
