/** One image, one tab: a lock of the browser, which lets go of it by itself when the tab closes.
 *
 * The tabs of one browser are one annotator, so the server would give them the same image. Without Web Locks (plain HTTP
 * over a network) it does, as it does for one name in two browsers: there it refuses the second answer.
 */
export class Seat {
  #itemId = null;
  #letGo = () => {};

  constructor({ scope, locks = globalThis.navigator?.locks }) {
    this.scope = scope;
    this.locks = locks;
  }

  /** Takes the seat at an image and leaves the one before; false when another tab sits there. */
  async take(itemId) {
    if (this.#itemId === itemId || !this.locks) return true;
    this.leave();
    const taken = await new Promise((resolve) => {
      const hold = (lock) => {
        resolve(lock !== null);
        return lock && new Promise((letGo) => (this.#letGo = letGo));
      };
      const name = `${this.scope}item:${itemId}`;
      this.locks.request(name, { ifAvailable: true }, hold).catch(() => resolve(true)); // locks are forbidden here
    });
    if (taken) this.#itemId = itemId;
    return taken;
  }

  leave() {
    this.#letGo();
    this.#letGo = () => {};
    this.#itemId = null;
  }
}
