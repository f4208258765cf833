/** The head's suggestion, for a look: accept it as it is, correct it, or throw it away. Gone with the first change. */
import { filled } from "../core/sheet.js";
import { t } from "../texts.js";

/** The offered object that the head is least sure of; null where nothing is offered. */
export function leastSure(objects) {
  const offered = objects.filter((object) => object.start && object.confidence !== null);
  return offered.reduce((least, object) => (least && least.confidence <= object.confidence ? least : object), null);
}

/** What the masks are worth at least, nine times in ten, rounded down; null where nothing can be promised. */
export function leastDice(bound) {
  return bound ? (Math.floor(bound * 100 + 1e-6) / 100).toFixed(2) : null;
}

export class Verify {
  constructor(element, app) {
    Object.assign(this, { element, app });
    this.text = element.querySelector("[data-part=verifyText]");
  }

  get #isOffered() {
    const { work } = this.app;
    return Boolean(work?.offered) && !work.history.canUndo;
  }

  refresh() {
    this.element.hidden = !this.#isOffered;
    if (this.element.hidden) return;
    const { offered, sheet } = this.app.work;
    const percent = Math.round(offered.confidence * 100);
    const text = t(`verify.${sheet.label ? "label" : "objects"}`, { ...offered, name: sheet.label, percent });
    const least = leastDice(offered.least);
    this.text.textContent = least === null ? text : t("verify.bound", { text, least });
    this.element.querySelector("[data-command=correct]").hidden = sheet.label !== null;
  }

  /** Selects the object that the head is least sure of, close up: the next click corrects it. */
  correct() {
    const { app } = this;
    const least = app.isOpen && !app.isClassification && leastSure(filled(app.work.sheet));
    if (!least) return;
    app.selectObject(least.id);
    app.setTool("prompt");
    app.zoomToObject();
    this.element.hidden = true;
  }
}
