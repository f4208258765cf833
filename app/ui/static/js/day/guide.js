/** The project's guidelines over a corner of the image; work goes on beside them. */
import { make } from "../dom.js";
import { call } from "../net/api.js";
import { t } from "../texts.js";
import { guideElements } from "./guide_text.js";

export class Guide {
  constructor(element, app, { link }) {
    Object.assign(this, { element, app, link });
    this.body = make("div", { class: "fc-guide-text", tabindex: 0 });
    const close = make("button", { type: "button", class: "fc-button fc-small", text: t("help.close") });
    close.addEventListener("click", () => this.escape());
    element.replaceChildren(make("header", {}, make("h2", { text: t("guide.title") }), close), this.body);
  }

  /** Reads them anew: someone may have changed them on the Project tab. */
  async toggle() {
    if (this.escape() || !this.app.project) return;
    const { id } = this.app.project;
    const project = await call(`projects/${id}`).catch((error) => void this.link.report(error));
    if (!project || this.app.project?.id !== id) return;
    const text = project.guidelines.trim();
    this.body.replaceChildren(...(text ? guideElements(text) : [make("p", { class: "fc-quiet", text: t("guide.none") })]));
    this.element.hidden = false;
    this.body.focus({ preventScroll: true });
  }

  projectChanged() {
    this.element.hidden = true;
  }

  escape() {
    if (this.element.hidden) return false;
    this.element.hidden = true;
    this.app.canvas.focus({ preventScroll: true });
    return true;
  }
}
