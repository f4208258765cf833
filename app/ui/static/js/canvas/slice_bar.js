/** The bar above a slice: slider with marks, where one is, the way back, and masks for the neighbours. */
import { runsOf } from "../core/slices.js";
import { make } from "../dom.js";
import { t } from "../texts.js";

const SHAPES = { accepted: 1, draft: 0.6, offered: 0.35, skipped: 0.18 }; // share of the height: told apart without colour

export class SliceBar {
  #marks = [];

  constructor(root, slices) {
    this.slices = slices;
    this.part = Object.fromEntries([...root.querySelectorAll(".fc-slices [data-part], [data-part^=slice]")].map((node) => [node.dataset.part, node]));
    const { sliceSlider, sliceMarks } = this.part;
    sliceSlider.addEventListener("input", () => slices.goTo(sliceSlider.valueAsNumber - 1));
    for (const n of [1, 3, 5, 10, 20]) this.part.sliceReach.append(make("option", { value: n, text: t("slices.reach", { n }) }));
    this.part.sliceReach.value = slices.app.prefs.carry ?? 3;
    this.part.sliceReach.addEventListener("change", () => slices.app.setPreference("carry", this.reach));
    new ResizeObserver(() => this.#paint()).observe(sliceMarks);
  }

  get reach() {
    return Number(this.part.sliceReach.value);
  }

  /** `place`: the item's own place in its volume; null hides the bar. */
  open(place) {
    this.part.slices.hidden = !place;
    this.#marks = [];
    if (!place) return this.show();
    this.place = place;
    this.part.sliceSlider.max = place.n_slices;
    this.part.sliceCarry.hidden = this.part.sliceReach.hidden = this.slices.app.isClassification;
    this.show();
    this.#paint();
  }

  /** `marks`: one a slice, see `markOf`. */
  mark(marks) {
    this.#marks = marks;
    this.#paint();
  }

  busy(on) {
    this.part.sliceCarry.disabled = on;
  }

  /** Where one is. */
  show() {
    const { slices, part } = this;
    part.sliceAway.hidden = !slices.isAway;
    if (!slices.count) return;
    const at = { slice: slices.index + 1, count: slices.count, own: slices.own + 1, plane: t(`slices.planes.${this.place.plane}`) };
    part.sliceSlider.value = slices.index + 1;
    part.sliceSlider.setAttribute("aria-valuetext", t("slices.at", at));
    part.sliceText.textContent = t("slices.where", at);
    part.sliceAwayText.textContent = t("slices.away", at);
    this.#paint();
  }

  #paint() {
    const canvas = this.part.sliceMarks;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width || !this.slices.count) return;
    const ratio = devicePixelRatio || 1;
    Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    const g = canvas.getContext("2d");
    g.scale(ratio, ratio);
    const style = getComputedStyle(canvas);
    const across = width / this.slices.count;
    for (const { mark, from, to } of runsOf(this.#marks)) {
      g.fillStyle = style.getPropertyValue(`--fc-mark-${mark}`);
      const tall = height * SHAPES[mark];
      for (let i = from; i < to; i++) g.fillRect(i * across, height - tall, Math.max(1, across - (across > 3 ? 1 : 0)), tall);
    }
    const own = (this.slices.own + 0.5) * across;
    g.fillStyle = style.color;
    g.beginPath();
    for (const [x, y] of [[own - 4, 0], [own + 4, 0], [own, 5]]) g.lineTo(x, y);
    g.fill();
  }
}
