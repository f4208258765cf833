/** The map with what is around its canvas: how it is coloured, the legend, and the picture under the pointer. */
import { colouring, ways } from "../core/colouring.js";
import { make } from "../dom.js";
import { call } from "../net/api.js";
import { t } from "../texts.js";
import { thumbnail } from "./gallery.js";
import { EmbeddingMap } from "./map.js";

const HOVER_MS = 120;
const CLOSER = 1.5;

export class Plane {
  #map = null;
  #timer = 0;
  #names = new Map();

  constructor(part, { vault, onOpen, onChoose }) {
    Object.assign(this, { part, vault });
    this.canvas = new EmbeddingMap(part.canvas, { onOpen, onChoose, onHover: (...seen) => this.#tell(...seen) });
    part.way.addEventListener("input", () => {
      vault.write("images:way", part.way.value);
      this.#colour();
    });
    part.lasso.addEventListener("click", () => {
      this.canvas.mode = this.canvas.mode === "lasso" ? "move" : "lasso";
      part.lasso.setAttribute("aria-pressed", this.canvas.mode === "lasso");
    });
    part.closer.addEventListener("click", () => this.canvas.zoom(CLOSER));
    part.farther.addEventListener("click", () => this.canvas.zoom(1 / CLOSER));
    part.whole.addEventListener("click", () => this.canvas.fit());
  }

  show(map, project) {
    const { part } = this;
    this.#map = map;
    this.project = project;
    const offered = ways(map);
    const wanted = this.vault.read("images:way");
    part.way.replaceChildren(...offered.map((way) => make("option", { value: way, text: t(`images.ways.${way}`) })));
    part.way.value = offered.includes(wanted) ? wanted : "state";
    part.vacant.hidden = map.item_ids.length > 0;
    part.vacant.textContent = t("images.vacant");
    const [first, second] = map.shares.map((share) => Math.round(100 * share));
    const basis = map.item_ids.length ? t("images.basis", { count: map.item_ids.length, first, second }) : "";
    part.basis.textContent = map.n_missing && basis ? `${basis} ${t("images.missing", { count: map.n_missing })}` : basis;
    part.canvas.setAttribute("aria-label", t("images.mapOf", { count: map.item_ids.length }));
    this.canvas.show(map);
    this.#colour();
  }

  close() {
    clearTimeout(this.#timer);
    this.canvas.close();
  }

  #colour() {
    const { part } = this;
    const colours = colouring(this.#map, part.way.value, this.project.classes);
    this.canvas.colour(colours);
    part.legend.replaceChildren(...colours.legend.map((entry) => {
      const swatch = make("span", { class: "fc-swatch", "aria-hidden": "true" });
      swatch.style.setProperty("--swatch", entry.colour);
      return make("li", {}, swatch, make("span", { text: nameOf(part.way.value, entry) }), make("span", { class: "fc-quiet", text: String(entry.count) }));
    }));
  }

  #tell(place, at) {
    const { tip } = this.part;
    clearTimeout(this.#timer);
    tip.hidden = true;
    if (place < 0) return;
    const itemId = this.#map.item_ids[place];
    const [picture, name, note] = tip.children;
    this.#timer = setTimeout(async () => {
      if (!this.#names.has(itemId)) this.#names.set(itemId, await call(`items/${itemId}`).then((item) => item.name, () => ""));
      if (this.canvas.hovered !== place) return;
      picture.src = thumbnail(itemId);
      name.textContent = this.#names.get(itemId).split("/").at(-1);
      note.textContent = t(`images.states.${this.#map.state_names[this.#map.states[place]]}`);
      const { width, height } = this.canvas.view;
      tip.style.left = `${Math.min(at.x + 14, Math.max(0, width - 160))}px`;
      tip.style.top = `${at.y > height / 2 ? at.y - 178 : at.y + 14}px`;
      tip.hidden = false;
    }, HOVER_MS);
  }
}

/** A line of the legend: a name out of the data, one of ours, or both. */
export function nameOf(way, { name, text }) {
  if (way === "state") return t(`images.states.${name}`);
  return name ? t(`images.legend.${name}`, { text }) : text;
}
