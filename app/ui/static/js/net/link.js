/** Knows whether the server can be reached and whether we are logged in; while not, asks again until it is so. */
import { call } from "./api.js";

const FIRST_WAIT_MS = 700;
const LONGEST_WAIT_MS = 5000;

export class Link {
  state = "up"; // up | down | login
  #listeners = new Set();
  #timer = null;
  #wait = FIRST_WAIT_MS;

  constructor({ ping = () => call("projects", { timeoutSeconds: 8 }) } = {}) {
    this.ping = ping;
  }

  /** listener(state) on every change; returns what removes it. */
  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes an error's news; true when it is an outage or a lapsed login, which end by themselves or by a login. */
  report(error) {
    const state = error.needsLogin ? "login" : error.isOutage ? "down" : null;
    if (!state) return false;
    this.#set(state);
    this.#watch();
    return true;
  }

  close() {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #set(state) {
    if (state === this.state) return;
    this.state = state;
    for (const listener of [...this.#listeners]) listener(state);
  }

  #watch() {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(async () => {
      try {
        await this.ping();
        this.#timer = null;
        this.#wait = FIRST_WAIT_MS;
        this.#set("up");
      } catch (error) {
        this.#timer = null;
        this.#wait = Math.min(LONGEST_WAIT_MS, this.#wait * 1.5);
        this.#set(error.needsLogin ? "login" : "down");
        this.#watch();
      }
    }, this.#wait);
  }
}
