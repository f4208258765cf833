/** Asks the server for masks: newest question first to go, answers kept under the exact question they answer. */
import { answerFromWire } from "../core/answers.js";
import { LatestWins } from "../core/latest_wins.js";
import { askKey, hasPrompts } from "../core/sheet.js";
import { call } from "../net/api.js";

export class Predictor {
  #queue = new LatestWins((job) => this.#send(job));
  #flying = new Map(); // question -> promise of whether it was answered
  #rev = 0;
  item = null;
  answers = null;
  lastMs = null;

  /** onAnswer() when a mask came; onError(error) when a question failed; onBusy(busy). */
  constructor({ send = call, onAnswer, onError, onBusy = () => {} }) {
    Object.assign(this, { send, onAnswer, onError, onBusy });
  }

  open(item, answers) {
    this.#queue.drop();
    this.#flying.clear();
    this.item = item;
    this.answers = answers;
  }

  /** Resolves to true once the object's present prompts have an answer, to false when they got none. */
  ask(object) {
    if (!hasPrompts(object) || this.answers.of(object)) return Promise.resolve(true);
    const key = askKey(object);
    let flight = this.#flying.get(key);
    if (!flight) {
      flight = this.#ask(object, key).finally(() => {
        if (this.#flying.get(key) === flight) this.#flying.delete(key);
        this.onBusy(this.#queue.busy);
      });
      this.#flying.set(key, flight);
      this.onBusy(true);
    }
    return flight;
  }

  async #ask(object, key) {
    const { item, answers } = this;
    const rev = ++this.#rev;
    const started = performance.now();
    const body = {
      rev,
      object_id: object.id,
      points: object.points,
      box: object.box,
      scribbles: object.scribbles,
      window: object.window,
      logits_id: object.logitsId,
    };
    try {
      const reply = await this.#queue.push(object.id, { item, body });
      if (!reply || reply.rev !== rev || item !== this.item) return false;
      answers.put(key, answerFromWire(reply));
      this.lastMs = performance.now() - started;
      this.onAnswer(object.id);
      return true;
    } catch (error) {
      if (item === this.item) this.onError(error, object);
      return false;
    }
  }

  #send({ item, body }) {
    return this.send(`items/${item.id}/predict`, { method: "POST", body });
  }
}
