/** The row of filters over the gallery; what was chosen comes back with the project, also after a reload. */
import { make } from "../dom.js";
import { t } from "../texts.js";

const WAIT_MS = 300;
const STATES = ["unqueued", "queued", "leased", "labeled", "skipped"];

export class Filters {
  #timer = 0;

  /** onChange() after a change; the vault keeps the choice. */
  constructor(root, { vault, onChange }) {
    this.fields = Object.fromEntries([...root.querySelectorAll("[data-filter]")].map((node) => [node.dataset.filter, node]));
    this.groups = root.querySelector("[data-part=groups]");
    this.vault = vault;
    for (const field of Object.values(this.fields)) {
      field.addEventListener("input", () => {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#changed(onChange), field.tagName === "SELECT" ? 0 : WAIT_MS);
      });
    }
  }

  #changed(onChange) {
    this.vault.write(this.#place, this.values);
    onChange();
  }

  get #place() {
    return `images:${this.project.id}`;
  }

  /** What is chosen, without what is left open. */
  get values() {
    const pairs = Object.entries(this.fields).map(([name, field]) => [name, field.value.trim()]);
    return Object.fromEntries(pairs.filter(([, value]) => value));
  }

  /** Offers what this project has; a choice that it no longer has is dropped. */
  open(project) {
    const kept = this.project?.id === project.id ? this.values : this.vault.read(`images:${project.id}`) ?? {};
    this.project = project;
    const { fields } = this;
    const all = ["", t("images.all")];
    const rounds = Array.from({ length: project.round }, (_, i) => String(project.round - i));
    offer(fields.state, [all, ...STATES.map((state) => [state, t(`images.states.${state}`)])]);
    offer(fields.class, [all, ...project.classes.map((c) => [c.name, c.name])]);
    offer(fields.round, [all, ...rounds.map((number) => [number, number])]);
    offer(fields.audit, [all, ...["false", "true"].map((value) => [value, t(`images.audits.${value}`)])]);
    const orders = project.model_id ? ["import", "newest", "uncertainty"] : ["import", "newest"];
    offer(fields.order, orders.map((order) => [order, t(`images.orders.${order}`)]));
    for (const [name, field] of Object.entries(fields)) {
      field.value = kept[name] ?? (name === "order" ? "import" : "");
      if (field.selectedIndex < 0) field.selectedIndex = 0;
    }
  }

  offerGroups(names) {
    this.groups.replaceChildren(...names.slice(0, 500).map((value) => make("option", { value })));
    this.fields.group.closest("label").hidden = !names.length;
  }
}

function offer(select, options) {
  select.replaceChildren(...options.map(([value, text]) => make("option", { value, text })));
}
