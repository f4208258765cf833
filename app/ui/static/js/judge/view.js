/** How deciding looks: a list of what waits, the image with both readings, the numbers and the acts with their keys. */
import { imageRow } from "../day/rows.js";
import { make } from "../dom.js";
import { t } from "../texts.js";
import { JudgePicture } from "./picture.js";

export const ACTS = [
  ["a", "A"],
  ["b", "B"],
  ["union", "U"],
  ["intersection", "I"],
  ["redo", "R"],
];
const OF_LABELS = ["a", "b", "redo"];

export const distanceText = ({ distance, unit }) => (distance === null ? "–" : `${distance.toFixed(1)} ${unit}`);

export class JudgeView {
  constructor(element, { onAct, onOpen, onObjects, onClose }) {
    Object.assign(this, { element, onOpen, onObjects });
    const button = (text, key, run, kind = "") => {
      const node = make("button", { type: "button", class: `fc-button fc-small ${kind}` }, make("span", { text }), make("kbd", { text: key }));
      node.addEventListener("click", run);
      return node;
    };
    this.title = make("p", { role: "status" });
    this.numbers = make("p", { class: "fc-quiet" });
    this.canvas = make("canvas", { role: "img", "aria-label": t("judge.picture") });
    this.list = make("ul", { class: "fc-image-rows" });
    this.pairs = make("ul", { class: "fc-pairs" });
    this.labels = make("p", { class: "fc-sides" });
    this.acts = Object.fromEntries(ACTS.map(([act, key]) => [act, button(t(`judge.acts.${act}`), key, () => onAct(act), act.length > 1 ? "" : `fc-side-${act}`)]));
    this.objects = button(t("judge.byObject"), "O", onObjects);
    const chip = (side) => make("span", {}, make("i", { class: `fc-side-mark fc-side-${side}` }), t(`judge.only.${side}`));
    this.legend = make("p", { class: "fc-sides" }, chip("a"), chip("b"), chip("other"));
    this.parts = make("p", { class: "fc-quiet", text: t("judge.parts") });
    this.picture = new JudgePicture(this.canvas);
    this.masks = button(t("judge.masks"), "H", () => this.picture.toggleMasks());
    this.near = button(t("judge.near"), "G", () => this.picture.toggleClose());
    this.content = [
      make("header", {}, make("div", {}, this.title, this.numbers), make("span", { class: "fc-grow" }), this.labels, make("div", {}, this.legend, this.parts), make("span", { class: "fc-grow" }), this.masks, this.near, button(t("judge.close"), "Esc", onClose)),
      make("div", { class: "fc-judge-body" }, make("nav", { "aria-label": t("judge.waiting") }, this.list), make("div", { class: "fc-judge-image" }, this.canvas), this.pairs),
      make("div", { class: "fc-judge-acts" }, ...Object.values(this.acts), this.objects),
    ];
  }

  get isShown() {
    return !this.element.hidden && this.element.offsetParent !== null;
  }

  hide() {
    this.element.hidden = true;
    this.element.replaceChildren();
    this.picture.clear();
  }

  /** `waiting` as the API lists it; `seen` the two readings of the one in sight, null while none is. */
  show(waiting, seen, { isClassification, classes }) {
    this.element.hidden = false;
    if (!this.element.firstChild) this.element.append(...this.content);
    this.title.textContent = seen ? seen.name : t("judge.none");
    this.numbers.textContent = seen ? this.#numbersOf(seen, isClassification) : t("judge.noneHint");
    const rows = waiting.map((one) => {
      const line = isClassification ? t("judge.otherLabels") : t("judge.line", { dice: one.score.toFixed(2), distance: distanceText(one) });
      const row = imageRow({ id: one.item_id, name: one.name, line }, () => this.onOpen(one.item_id));
      row.firstChild.setAttribute("aria-current", String(one.item_id === seen?.item_id));
      return row;
    });
    this.list.replaceChildren(...rows);
    for (const [act, node] of Object.entries(this.acts)) node.hidden = !seen || (isClassification && !OF_LABELS.includes(act));
    this.masks.hidden = this.near.hidden = this.legend.hidden = isClassification || !seen;
    this.parts.hidden = !seen?.a.labeled_window && !seen?.b.labeled_window;
    this.labels.hidden = !isClassification || !seen;
    if (isClassification && seen) {
      const side = (name) => make("span", {}, make("i", { class: `fc-side-mark fc-side-${name}` }), t("judge.says", { side: name.toUpperCase(), label: seen[name].label }));
      this.labels.replaceChildren(side("a"), side("b"));
    }
    this.#showPairs(isClassification ? [] : (seen?.pairs ?? []), classes);
  }

  #numbersOf(seen, isClassification) {
    if (isClassification) return t("judge.otherLabels");
    return t("judge.numbers", { dice: seen.score.toFixed(2), distance: distanceText(seen) });
  }

  /** One pair needs no list: the acts decide it. */
  #showPairs(pairs, classes) {
    this.pairs.hidden = this.objects.hidden = pairs.length < 2;
    const rows = pairs.map((pair, index) => {
      const { name } = classes.find(({ id }) => id === pair.class_id);
      const label = t("judge.pair", { name, number: index + 1 });
      const options = ["a", "b", "union", "intersection", "none"].map((act) => make("option", { value: act, text: t(`judge.choices.${act}`) }));
      const choice = make("select", { "aria-label": label }, ...options);
      choice.value = pair.a === null ? "b" : "a";
      const told = pair.a === null ? t("judge.alone", { side: "B" }) : pair.b === null ? t("judge.alone", { side: "A" }) : t("judge.dice", { dice: pair.dice.toFixed(2) });
      const row = make("li", {}, make("span", { text: label }), make("span", { class: "fc-quiet", text: told }), choice);
      for (const event of ["focusin", "mouseenter"]) row.addEventListener(event, () => this.onPair?.(pair));
      for (const event of ["focusout", "mouseleave"]) row.addEventListener(event, () => this.onPair?.(null));
      return row;
    });
    this.pairs.replaceChildren(...rows);
  }

  /** What is chosen for each pair, in their order. */
  get chosen() {
    return [...this.pairs.querySelectorAll("select")].map((choice) => choice.value);
  }
}
