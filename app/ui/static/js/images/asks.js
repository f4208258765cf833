/** What else can be asked for the images that are chosen: a second reader, gold, or no longer gold. */
import { call } from "../net/api.js";
import { t } from "../texts.js";

/** onTold(text) hears what became of it; context() gives the project's id, the ids and who asks. */
export class Asks {
  constructor(part, { context, onTold }) {
    Object.assign(this, { box: part.asks, context, onTold });
    const asks = { askSecond: () => this.#second(), askGold: () => this.#gold(true), askPlain: () => this.#gold(false) };
    for (const [name, ask] of Object.entries(asks)) {
      part[name].addEventListener("click", async () => {
        this.box.open = false;
        this.box.querySelector("summary").focus();
        this.onTold(await ask().catch((error) => error.message));
      });
    }
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.box.open = false;
    });
    this.box.addEventListener("focusout", (event) => {
      if (!this.box.contains(event.relatedTarget)) this.box.open = false;
    });
  }

  enable(on) {
    this.box.toggleAttribute("inert", !on);
  }

  async #second() {
    const { projectId, ids, annotator } = this.context();
    const { asked, n_asked_before: before } = await call(`projects/${projectId}/second-reads`, { method: "POST", body: { item_ids: ids, annotator } });
    const line = t("reads.asked", { count: asked.length });
    return before ? `${line} ${t("reads.askedBefore", { count: before })}` : line;
  }

  async #gold(gold) {
    const { projectId, ids, annotator } = this.context();
    const { items } = await call(`projects/${projectId}/gold`, { method: "PUT", body: { item_ids: ids, annotator, gold } });
    return t("reads.goldNow", { count: items.length });
  }
}
