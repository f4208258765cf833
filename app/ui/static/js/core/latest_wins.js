/**
 * One request in the air. Of those that wait, only the newest of each key stays, so a burst of clicks costs a few
 * requests and never builds a backlog; a request for another key is not lost. A replaced one resolves to null.
 */
export class LatestWins {
  #send;
  #waiting = new Map();
  #busy = false;

  constructor(send) {
    this.#send = send;
  }

  get busy() {
    return this.#busy || this.#waiting.size > 0;
  }

  push(key, job) {
    return new Promise((resolve, reject) => {
      this.#waiting.get(key)?.resolve(null);
      this.#waiting.delete(key);
      this.#waiting.set(key, { job, resolve, reject });
      this.#pump();
    });
  }

  /** Forgets all that waits; what is in the air still comes back. */
  drop() {
    for (const { resolve } of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
  }

  async #pump() {
    if (this.#busy || !this.#waiting.size) return;
    const [key, { job, resolve, reject }] = this.#waiting.entries().next().value;
    this.#waiting.delete(key);
    this.#busy = true;
    try {
      resolve(await this.#send(job));
    } catch (error) {
      reject(error);
    } finally {
      this.#busy = false;
      this.#pump();
    }
  }
}
