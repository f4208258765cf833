/** Counts seconds of work: only while the page is visible, and not after a long time without any input. */
export class WorkClock {
  #seconds = 0;
  #since = null;
  #lastInput;

  constructor({ now = () => performance.now(), idleSeconds = 120 } = {}) {
    this.now = now;
    this.idleSeconds = idleSeconds;
    this.#lastInput = now();
  }

  start(seconds = 0) {
    this.#seconds = seconds;
    this.#since = this.#lastInput = this.now();
  }

  pause() {
    this.#seconds = this.seconds;
    this.#since = null;
  }

  resume() {
    this.#since ??= this.now();
    this.#lastInput = this.now();
  }

  /** A sign of life; a pause longer than `idleSeconds` before it counts as `idleSeconds`. */
  touch() {
    if (this.#since !== null) {
      this.#seconds = this.seconds;
      this.#since = this.now();
    }
    this.#lastInput = this.now();
  }

  get seconds() {
    if (this.#since === null) return this.#seconds;
    const end = Math.min(this.now(), this.#lastInput + this.idleSeconds * 1000);
    return this.#seconds + Math.max(0, end - this.#since) / 1000;
  }
}
