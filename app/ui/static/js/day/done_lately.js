/** My last ten images and work that was kept in this browser, each to be opened again; images with a flag. */
import { keptDrafts, stepTo } from "../core/recent.js";
import { make } from "../dom.js";
import { call } from "../net/api.js";
import { t } from "../texts.js";
import { agoText, imageRow } from "./rows.js";

const LENGTH = 10;
const MOST_FLAGGED = 100;

export class DoneLately {
  #recent = [];
  #kept = []; // {itemId, name: of the draft in the vault, title}
  #flagged = [];
  #asked = 0;
  #only = "mine"; // or "flagged"

  constructor(part, app, { queue, vault, link }) {
    Object.assign(this, { app, queue, vault, link, box: part.done, list: part.doneList, tag: part.keptTag });
    this.box.open = vault.read("done-open") ?? false;
    this.box.addEventListener("toggle", () => {
      vault.write("done-open", this.box.open);
      if (this.box.open) this.#read();
    });
    this.filters = [...this.box.querySelectorAll("[data-only]")];
    for (const button of this.filters) {
      button.addEventListener("click", () => {
        this.#only = button.dataset.only;
        this.#read();
      });
    }
  }

  /** A closed list asks nobody, unless work was kept that people should hear of. */
  imageChanged() {
    if (this.box.open || this.#keptNames().length) this.#read();
    else this.tag.hidden = true;
  }

  imageDone() {
    this.imageChanged();
  }

  #keptNames() {
    return keptDrafts(this.vault.names("draft:"), this.app.work?.item.id);
  }

  /** Opens what was done before (1) or after (-1) the image at hand; past the newest comes the queue again. */
  async step(step) {
    const { app } = this;
    if (!app.project || !(await this.#read())) return;
    const to = stepTo(this.#recent.map((row) => row.item_id), app.work?.item.id, step);
    if (to === null) app.messages.say(t(step > 0 ? "day.noneBefore" : "day.noneAfter"));
    else if (to === "queue") await app.flow.open();
    else await this.#open(to);
  }

  async #open(itemId) {
    if (this.app.work?.item.id === itemId && this.app.isOpen) return;
    await this.app.flow.open(() => this.queue.take(itemId));
  }

  /** Kept work comes back over what was saved since; its old place is emptied once it is kept under the new version. */
  async #openKept({ itemId, name }) {
    const { flow } = this.app;
    const kept = this.vault.read(name);
    await flow.open(async () => ({ ...(await this.queue.take(itemId)), kept }));
    const { work } = this.app;
    if (work?.item.id !== itemId || !work.item.kept || !work.touched) return;
    work.item.kept = null;
    flow.noteChange();
    flow.keeper.keepLocally();
    if (name !== `draft:${itemId}:${work.item.version}`) this.vault.remove(name);
    this.#read();
  }

  /** Reads the lists; false when they could not be read. A later call's answer wins. */
  async #read() {
    const asked = ++this.#asked;
    const { project } = this.app;
    if (!project) return false;
    const query = `annotator=${encodeURIComponent(this.queue.annotator)}&limit=${LENGTH}`;
    const path = `projects/${project.id}`;
    try {
      const [recent, flagged, kept] = await Promise.all([
        call(`${path}/recent?${query}`),
        this.#only === "flagged" ? call(`${path}/items?flagged=true&limit=${MOST_FLAGGED}`) : { items: [] },
        this.#readKept(project.id),
      ]);
      if (asked !== this.#asked) return false;
      this.#recent = recent.items;
      this.#flagged = flagged.items;
      this.#kept = kept;
      this.#paint();
      return true;
    } catch (error) {
      if (!this.link.report(error)) this.app.messages.say(error.message, { bad: true });
      return false;
    }
  }

  /** Work that only this browser has, of this project. */
  async #readKept(projectId) {
    const drafts = this.#keptNames();
    const items = await Promise.all(drafts.map(({ itemId }) => call(`items/${itemId}`).catch(() => null)));
    const own = drafts.map((draft, i) => ({ ...draft, item: items[i] }));
    return own.filter(({ item }) => item?.project_id === projectId).map(({ item, ...draft }) => ({ ...draft, title: item.name }));
  }

  #paint() {
    this.tag.hidden = !this.#kept.length;
    for (const button of this.filters) button.setAttribute("aria-pressed", button.dataset.only === this.#only);
    const current = this.app.work?.item.id;
    const rows =
      this.#only === "flagged"
        ? this.#flagged.map((item) => this.#row({ id: item.id, name: item.name, line: t(`day.state.${item.state}`) }))
        : [
            ...this.#kept.map((kept) =>
              imageRow({ id: kept.itemId, name: kept.title, line: t("day.keptLine"), tags: [t("day.kept")] }, () => this.#openKept(kept)),
            ),
            ...this.#recent.map((row) => this.#row({ id: row.item_id, name: row.name, line: this.#lineOf(row), tags: tagsOf(row) })),
          ];
    const empty = make("li", { class: "fc-quiet", text: t(`day.empty.${this.#only}`) });
    for (const row of rows) row.firstChild.setAttribute("aria-current", String(Number(row.firstChild.dataset.item) === current));
    this.list.replaceChildren(...(rows.length ? rows : [empty]));
  }

  #row(facts) {
    return imageRow(facts, () => this.#open(facts.id));
  }

  #lineOf(row) {
    const what =
      row.done === "skipped"
        ? t(row.skip_reason ? "day.skippedWhy" : "day.skipped", { reason: row.skip_reason })
        : (row.label ?? t(row.n_objects === 1 ? "day.object" : "day.objects", { count: row.n_objects }));
    const by = row.annotator && row.annotator !== this.queue.annotator ? t("day.by", { name: row.annotator }) : "";
    return [what, agoText(row.at), by].filter(Boolean).join(" · ");
  }
}

const tagsOf = (row) => [row.has_draft && t("day.unfinished"), row.flagged && t("day.flag")].filter(Boolean);
