/** How grey values are shown: presets of the window, gamma and inversion. The choice stays for the project's next images. */
import { presetsOf, presetWindow } from "../core/presets.js";
import { sameWindow } from "../core/windowing.js";
import { make } from "../dom.js";
import { t } from "../texts.js";

const PLAIN = { preset: "image", invert: false, gamma: 1 };
const GAMMA_STEP = 1.15;
const GAMMA_RANGE = [0.25, 4];

export class Display {
  #chosen = { ...PLAIN };

  constructor(root, app) {
    this.app = app;
    const part = (name) => root.querySelector(`[data-part=${name}]`);
    Object.assign(this, { menu: part("preset"), gammaSlider: part("gamma"), invertBox: part("invert") });
    this.menu.addEventListener("change", () => this.choose(this.menu.value));
    this.gammaSlider.addEventListener("input", () => this.setGamma(2 ** this.gammaSlider.valueAsNumber));
    this.invertBox.addEventListener("change", () => this.invert());
  }

  /** What `windowTable` needs beside level and width. */
  get extra() {
    const { invert, gamma } = this.#chosen;
    return { invert, gamma };
  }

  get #key() {
    return `display:${this.app.project.id}`;
  }

  /** The project's choice for a newly opened image, unless a window was set on it before. */
  open(work) {
    this.#chosen = { ...PLAIN, ...this.app.vault.read(this.#key) };
    const { preset, own } = this.#chosen;
    if (sameWindow(work.window, work.item.window)) {
      const fits = own && own.dtype === work.item.dtype;
      const kept = preset === "own" ? fits && { level: own.level, width: own.width } : presetWindow(preset, work.item, work.picture);
      work.window = kept || work.window;
    }
    this.menu.replaceChildren(
      ...[...presetsOf(work.item), "own"].map((name) => make("option", { value: name, text: t(`look.presets.${name}`) })),
    );
    this.menu.lastChild.hidden = true; // it cannot be chosen, only be so
    this.show();
  }

  choose(name) {
    const { app } = this;
    const window = app.work && presetWindow(name, app.work.item, app.work.picture);
    if (!window) return;
    app.setWindow(window);
    this.#keep({ preset: name });
    app.messages.say(t("look.window", { name: t(`look.presets.${name}`) }));
  }

  next() {
    if (!this.app.work) return;
    const names = presetsOf(this.app.work.item);
    this.choose(names[(names.indexOf(this.#chosen.preset) + 1) % names.length]);
  }

  /** A window set by hand is the choice from now on. */
  keepOwn({ level, width }) {
    this.#keep({ preset: "own", own: { level, width, dtype: this.app.work.item.dtype } });
  }

  invert() {
    if (!this.app.work) return;
    this.#keep({ invert: !this.#chosen.invert });
    this.#repaint();
  }

  gammaStep(step) {
    this.setGamma(this.#chosen.gamma * GAMMA_STEP ** step);
  }

  setGamma(gamma) {
    if (!this.app.work) return;
    const near = Math.abs(Math.log(gamma)) < Math.log(GAMMA_STEP) / 2 ? 1 : gamma;
    this.#keep({ gamma: Math.min(GAMMA_RANGE[1], Math.max(GAMMA_RANGE[0], near)) });
    this.#repaint();
    this.app.messages.announce(t("look.gammaIs", { gamma: this.#chosen.gamma.toFixed(2) }));
  }

  #repaint() {
    this.app.stage.setWindow(this.app.work.window, this.extra);
  }

  #keep(change) {
    Object.assign(this.#chosen, change);
    this.app.vault.write(this.#key, this.#chosen);
    this.show();
  }

  show() {
    const { preset, invert, gamma } = this.#chosen;
    const known = [...this.menu.options].some((option) => option.value === preset);
    this.menu.value = known ? preset : "image";
    this.gammaSlider.value = Math.log2(gamma);
    this.gammaSlider.setAttribute("aria-valuetext", gamma.toFixed(2));
    this.invertBox.checked = invert;
  }
}
