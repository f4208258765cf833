/** Beside the stage: how far the round is, classes, objects, and how to look. */
import { active, filled, isBlank } from "../core/sheet.js";
import { make } from "../dom.js";
import { t } from "../texts.js";
import { Choices } from "./choices.js";
import { ObjectList } from "./object_list.js";

export class Panel {
  constructor(root, app, queue) {
    Object.assign(this, { root, app, queue });
    this.part = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
    this.choices = new Choices(this.part.candidates, app);
    this.list = new ObjectList(this.part.objects, app);
    const slider = (name, change) => this.part[name].addEventListener("input", () => change(this.part[name].valueAsNumber));
    slider("opacity", (value) => app.setPreference("opacity", value));
    slider("level", (level) => app.setWindow({ ...app.work.window, level }));
    slider("width", (width) => app.setWindow({ ...app.work.window, width: Math.max(1, width) }));
    for (const layer of ["heat", "starts"]) this.part[layer].addEventListener("change", () => app.overlays.toggle(layer));
    this.part.minimap.addEventListener("change", () => app.setPreference("minimap", this.part.minimap.checked));
    this.part.oneKey.addEventListener("change", () => app.setPreference("oneKey", this.part.oneKey.checked));
    this.part.annotator.value = queue.annotator;
    this.part.annotator.addEventListener("change", () => {
      queue.annotator = this.part.annotator.value;
      this.part.annotator.value = queue.annotator;
      app.flow.leave();
      if (app.project) app.flow.next();
    });
  }

  projectChanged() {
    const { classes = [] } = this.app.project ?? {};
    this.part.classes.replaceChildren(...classes.map((entry, i) => this.#classButton(entry, i + 1)));
    this.part.oneKey.closest("label").hidden = !this.app.isClassification;
    this.part.objectsSection.hidden = this.app.isClassification;
    this.part.opacity.closest("label").hidden = this.app.isClassification;
    this.refresh();
    this.showProgress();
  }

  #classButton({ id, name, color }, number) {
    const button = make("button", { type: "button", class: "fc-row", "data-class": id, "aria-pressed": "false" });
    const swatch = make("span", { class: "fc-swatch", style: `--swatch:${color}` });
    button.append(swatch, make("span", { class: "fc-name", text: name }));
    if (number <= 9) {
      button.append(make("kbd", { text: number }));
      button.setAttribute("aria-keyshortcuts", number);
    }
    button.addEventListener("click", () => this.app.chooseClass(number));
    return button;
  }

  showProgress() {
    const { progress, project } = this.queue;
    const { counts } = project ?? {};
    this.part.progressText.textContent = progress ? t("panel.progress", progress) : "";
    this.part.progress.max = progress?.total || 1;
    this.part.progress.value = progress?.done ?? 0;
    this.part.progress.hidden = !progress;
    if (!progress && counts) {
      const done = counts.labeled + counts.skipped;
      this.part.progressText.textContent = t("panel.progressNone", { done, left: counts.queued + counts.leased });
    }
  }

  refresh() {
    const { work, prefs } = this.app;
    const name = work?.item.name ?? "";
    if (this.part.name.textContent !== name) this.part.name.replaceChildren(make("bdi", { dir: "ltr", text: name }));
    this.part.name.title = name;
    this.part.reason.textContent = work?.item.reason ?? "";
    this.part.opacity.value = prefs.opacity;
    for (const name of ["oneKey", "heat", "starts", "minimap"]) this.part[name].checked = prefs[name];
    this.choices.refresh(this.app.isClassification ? null : work);
    if (!work) {
      for (const button of this.part.classes.children) button.setAttribute("aria-pressed", "false");
      for (const name of ["fresh", "hint"]) this.part[name].hidden = true;
      return this.list.show(null);
    }
    this.#window(work);
    const chosen = this.app.isClassification ? work.sheet.label : active(work.sheet).classId;
    for (const button of this.part.classes.children) {
      const entry = this.app.classOf(Number(button.dataset.class));
      button.setAttribute("aria-pressed", chosen === (this.app.isClassification ? entry?.name : entry?.id));
    }
    if (!this.app.isClassification) this.#objects(work);
  }

  #window({ item, window }) {
    for (const name of ["level", "width"]) {
      const slider = this.part[name];
      slider.min = name === "width" ? 1 : item.window.min;
      slider.max = name === "width" ? Math.max(2, item.window.max - item.window.min) : item.window.max;
      slider.step = item.window.max - item.window.min > 20 ? 1 : 0.1;
      slider.value = window[name];
    }
  }

  #objects(work) {
    const count = filled(work.sheet).length;
    this.list.show(work);
    this.part.hint.hidden = count > 0;
    this.part.fresh.hidden = count === 0 || !isBlank(work.active);
  }
}
