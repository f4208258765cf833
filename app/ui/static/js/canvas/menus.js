/** The two small windows over the stage: why to skip, and the list of keys. */
import { make } from "../dom.js";
import { t } from "../texts.js";

const REASONS = ["bad", "unsure", "other"];

export class SkipMenu {
  constructor(element, app) {
    this.element = element;
    this.app = app;
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("focusout", (event) => {
      if (!element.contains(event.relatedTarget)) this.close();
    });
  }

  open() {
    const rows = [...REASONS.map((reason, i) => this.#row(String(i + 1), t(`skip.${reason}`), t(`skip.${reason}`)))];
    rows.push(this.#row("S", t("skip.none"), ""));
    this.element.replaceChildren(make("h2", { text: t("skip.title") }), make("p", { text: t("skip.why"), class: "fc-quiet" }), ...rows);
    this.element.hidden = false;
    rows.at(-1).focus();
  }

  close() {
    this.element.hidden = true;
  }

  #row(key, text, reason) {
    const button = make("button", { type: "button", class: "fc-row", "data-key": key }, make("span", { class: "fc-name", text }), make("kbd", { text: key }));
    button.addEventListener("click", () => this.#choose(reason));
    return button;
  }

  #choose(reason) {
    this.close();
    this.app.canvas.focus({ preventScroll: true });
    this.app.flow.skip(reason);
  }

  #key(event) {
    event.stopPropagation();
    const rows = [...this.element.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) rows[(rows.indexOf(document.activeElement) + step + rows.length) % rows.length].focus();
    else if (event.key === "Escape") this.close();
    else {
      const row = rows.find((button) => button.dataset.key === event.key.toUpperCase());
      if (!row) return;
      row.click();
    }
    event.preventDefault();
    if (event.key === "Escape") this.app.canvas.focus({ preventScroll: true });
  }
}

export class Help {
  constructor(element, commands, app) {
    this.element = element;
    this.app = app;
    const groups = ["work", "objects", "draw", "look", "volume"].map((group) => this.#group(group, commands));
    const close = make("button", { type: "button", class: "fc-button fc-small", text: t("help.close") });
    close.addEventListener("click", () => this.toggle());
    element.replaceChildren(
      make("header", {}, make("h2", { text: t("help.title") }), close),
      make("div", { class: "fc-help-groups" }, ...groups, this.#mouse()),
    );
  }

  get isOpen() {
    return !this.element.hidden;
  }

  toggle() {
    this.element.hidden = !this.element.hidden;
    if (this.isOpen) this.element.querySelector("button").focus();
    else this.app.canvas.focus({ preventScroll: true });
  }

  #group(group, commands) {
    const rows = commands.filter((command) => command.group === group).map((command) => {
      const keys = (command.shown ?? command.keys).map((key) => make("kbd", { text: keyLabel(key) }));
      return make("div", {}, make("dt", {}, ...keys), make("dd", { text: t(`commands.${command.id}`) }));
    });
    return make("section", {}, make("h3", { text: t(`help.${group}`) }), make("dl", {}, ...rows));
  }

  #mouse() {
    const lines = ["click", "right", "drag", "mark", "rightDrag", "wheel", "volumeWheel", "pick"].map((line) => make("li", { text: t(`help.mouseLines.${line}`) }));
    return make("section", {}, make("h3", { text: t("help.mouse") }), make("ul", {}, ...lines));
  }
}

export function keyLabel(key) {
  const parts = key.split("+").filter(Boolean);
  if (parts.length > 1) return parts.map(keyLabel).join(" ");
  const known = t(`keys.${key}`);
  return known === `keys.${key}` ? key : known;
}
