/** One line of news over the stage, read out by screen readers; bad news stays until something changes. */
import { make } from "../dom.js";

const GOOD_MS = 3500;

export class Messages {
  #timer = null;

  constructor(element, spoken) {
    this.element = element;
    this.spoken = spoken;
  }

  /** For screen readers only: what is plain to see anyway. */
  announce(text) {
    this.spoken.textContent = text;
  }

  /** action = {text, run} or {text, href} adds a button or a link. */
  say(text, { bad = false, sticky = bad, action = null } = {}) {
    clearTimeout(this.#timer);
    this.element.replaceChildren(make("span", { text }));
    if (action?.href) this.element.append(make("a", { text: action.text, href: action.href, target: "_blank" }));
    if (action?.run) {
      const button = make("button", { text: action.text, type: "button", class: "fc-button fc-small" });
      button.addEventListener("click", action.run);
      this.element.append(button);
    }
    this.element.classList.toggle("fc-bad", bad);
    this.element.classList.add("fc-shown");
    this.isBad = bad;
    if (!sticky) this.#timer = setTimeout(() => this.clear(), GOOD_MS);
  }

  clear() {
    clearTimeout(this.#timer);
    this.element.classList.remove("fc-shown", "fc-bad");
    this.isBad = false;
  }

  /** The annotator goes on: what was said before has been heard. */
  calm() {
    this.clear();
  }
}
