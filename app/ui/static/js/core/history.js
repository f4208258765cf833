/** Undo and redo of immutable states. `amend` changes the present one without making a step. */
export class History {
  #past = [];
  #future = [];

  constructor(state, limit = 300) {
    this.present = state;
    this.limit = limit;
  }

  push(state, label = "") {
    this.#past.push({ state: this.present, label });
    if (this.#past.length > this.limit) this.#past.shift();
    this.#future = [];
    this.present = state;
  }

  amend(state) {
    this.present = state;
  }

  /** The label of the step taken back, or null when there was none. */
  undo() {
    const step = this.#past.pop();
    if (!step) return null;
    this.#future.push({ state: this.present, label: step.label });
    this.present = step.state;
    return step.label;
  }

  redo() {
    const step = this.#future.pop();
    if (!step) return null;
    this.#past.push({ state: this.present, label: step.label });
    this.present = step.state;
    return step.label;
  }

  /** The state that "undo" or "redo" would bring, or null. */
  next(direction) {
    return (direction === "undo" ? this.#past : this.#future).at(-1)?.state ?? null;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }
}
