/** A quiet line under the progress: my images today, seconds an image, time left at my pace. */
import { paceText } from "../core/pace.js";
import { startOfDay } from "../core/recent.js";
import { call } from "../net/api.js";
import { t } from "../texts.js";

export class Pace {
  #asked = 0;

  constructor(element, app, { queue, link }) {
    Object.assign(this, { element, app, queue, link });
  }

  async imageChanged() {
    const asked = ++this.#asked;
    const { project } = this.app;
    if (!project) return;
    const query = new URLSearchParams({ annotator: this.queue.annotator, since: startOfDay(new Date()).toISOString() });
    const pace = await call(`projects/${project.id}/pace?${query}`).catch((error) => void this.link.report(error));
    if (!pace || asked !== this.#asked) return;
    const text = paceText(pace);
    this.element.hidden = !text;
    this.element.textContent = text ? t(`day.pace.${text.key}`, text.values) : "";
    this.element.title = t("day.paceTitle", { count: pace.n_measured });
  }
}
