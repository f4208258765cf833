/** The masks that the model offers for the active object, side by side with its own estimate of each. */
import { make } from "../dom.js";
import { t } from "../texts.js";

export class Choices {
  #shown = [];

  constructor(element, app) {
    Object.assign(this, { element, app });
  }

  /** While an answer is on its way the last choice stays in sight, out of reach: nothing jumps. */
  refresh(work) {
    const object = work?.active;
    const current = Boolean(object) && work.answers.isCurrent(object);
    this.element.inert = !current;
    if (object && !current) return;
    const offered = object ? work.answers.candidates(object) : [];
    this.element.hidden = offered.length < 2;
    if (this.element.hidden) return;
    this.#fill(offered);
    const chosen = work.answers.chosen(object);
    this.#buttons().forEach((button, i) => button.setAttribute("aria-pressed", String(i === chosen)));
  }

  #fill(offered) {
    if (offered === this.#shown) return;
    this.#shown = offered;
    const buttons = offered.map(({ predictedIou }, i) => {
      const facts = { number: i + 1, iou: predictedIou.toFixed(2) };
      const button = make("button", { type: "button", "aria-label": t("choices.mask", facts), title: t("choices.mask", facts) });
      button.append(make("b", { text: facts.number }), make("span", { text: facts.iou }));
      button.addEventListener("click", () => this.app.chooseCandidate(i));
      return button;
    });
    this.element.querySelector("[role=group]").replaceChildren(...buttons);
  }

  #buttons() {
    return [...this.element.querySelectorAll("button")];
  }
}
