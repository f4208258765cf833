/** Beside the stage: how far the round is, classes, objects, and how to look. */
import * as rle from "../core/rle.js";
import { active, filled, hasPrompts, isBlank } from "../core/sheet.js";
import { icon, make } from "../dom.js";
import { t } from "../texts.js";

export class Panel {
  #listed = "";

  constructor(root, app, queue) {
    Object.assign(this, { root, app, queue });
    this.part = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
    const slider = (name, change) => this.part[name].addEventListener("input", () => change(this.part[name].valueAsNumber));
    slider("opacity", (value) => app.setPreference("opacity", value));
    slider("level", (level) => app.setWindow({ ...app.work.window, level }));
    slider("width", (width) => app.setWindow({ ...app.work.window, width: Math.max(1, width) }));
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
    this.part.name.replaceChildren(make("bdi", { dir: "ltr", text: name }));
    this.part.name.title = name;
    this.part.reason.textContent = work?.item.reason ?? "";
    this.part.opacity.value = prefs.opacity;
    this.part.oneKey.checked = prefs.oneKey;
    if (!work) {
      this.#listed = "";
      for (const button of this.part.classes.children) button.setAttribute("aria-pressed", "false");
      for (const name of ["candidates", "fresh", "hint"]) this.part[name].hidden = true;
      return this.part.objects.replaceChildren();
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

  /** The list is rebuilt only when something in it changed. */
  #objects(work) {
    const rows = [...filled(work.sheet)].map((object) => this.#facts(work, object));
    const candidates = work.answers.candidateCount(work.active);
    const key = JSON.stringify([rows, candidates, work.answers.chosen(work.active), work.sheet.activeId]);
    if (key === this.#listed) return;
    this.#listed = key;
    this.part.objects.replaceChildren(...rows.map((facts) => this.#objectRow(facts)));
    this.part.hint.hidden = rows.length > 0;
    this.part.fresh.hidden = rows.length === 0 || !isBlank(work.active);
    const chosen = (work.answers.chosen(work.active) ?? 0) + 1;
    this.part.candidates.hidden = candidates < 2;
    this.part.candidates.textContent = candidates > 1 ? t("panel.candidates", { chosen, count: candidates }) : "";
    this.part.objects.querySelector("[aria-pressed=true]")?.scrollIntoView({ block: "nearest" });
  }

  #facts(work, object) {
    const answer = work.answers.of(object);
    const sameClass = filled(work.sheet).filter((o) => o.classId === object.classId);
    const quality = answer?.quality ?? (hasPrompts(object) ? null : object.confidence);
    return {
      id: object.id,
      name: this.app.classOf(object.classId)?.name ?? "?",
      colour: this.app.colourOf(object),
      number: sameClass.indexOf(object) + 1,
      selected: object.id === work.sheet.activeId,
      current: work.answers.isCurrent(object),
      pixels: rle.area(work.answers.final(object)),
      percent: quality === null ? null : Math.round(quality * 100),
      note: object.edits ? "edited" : object.start && !object.saved && !hasPrompts(object) ? "suggested" : null,
    };
  }

  #objectRow(facts) {
    const name = t("panel.object", facts);
    const pick = make("button", { type: "button", class: "fc-pick", "aria-pressed": String(facts.selected), "data-object": facts.id });
    pick.title = t("panel.area", { pixels: facts.pixels.toLocaleString("en") });
    pick.append(make("span", { class: "fc-swatch", style: `--swatch:${facts.colour}` }), make("span", { class: "fc-name", text: name }));
    if (facts.note) pick.append(make("span", { class: "fc-tag", text: t(`panel.${facts.note}`) }));
    if (!facts.current) pick.append(make("span", { class: "fc-quiet", text: t("panel.waiting") }));
    if (facts.percent !== null) {
      const level = facts.percent >= 85 ? "good" : facts.percent >= 65 ? "fair" : "poor";
      const text = t("panel.quality", facts);
      pick.append(make("span", { class: "fc-quality", "data-level": level, text, title: t("panel.qualityTitle") }));
    }
    pick.addEventListener("click", () => this.app.selectObject(facts.id));
    const remove = make("button", { type: "button", class: "fc-icon-button", "aria-label": t("panel.removeObject", { name }) }, icon("x"));
    remove.addEventListener("click", () => this.app.removeObject(facts.id));
    return make("div", { class: "fc-object", role: "listitem" }, pick, remove);
  }
}
