/** Thumbnails in a grid: mouse or keys move, choose and open. One tile is in the order of tabs, arrows reach the rest. */
import { make } from "../dom.js";
import { BASE } from "../net/api.js";
import { t } from "../texts.js";

export const thumbnail = (itemId) => new URL(`items/${itemId}/thumbnail`, BASE).href;

export class Gallery {
  #last = null; // where a range begins

  /** `chosen` is a set of ids; onOpen(id), onLike(item), onChosen(). */
  constructor(list, { chosen, onOpen, onLike, onChosen }) {
    Object.assign(this, { list, chosen, onOpen, onLike, onChosen });
    list.addEventListener("click", (event) => this.#click(event));
    list.addEventListener("keydown", (event) => this.#key(event));
    list.addEventListener("focusin", (event) => this.#roam(event.target.closest(".fc-tile")));
  }

  get tiles() {
    return [...this.list.querySelectorAll(".fc-tile")];
  }

  /** Shows images, each an item as the API lists it. */
  show(items) {
    this.#fill(items.map((item) => this.#tile(item)));
  }

  /** Shows pairs of images that look alike. */
  showPairs(pairs) {
    const group = ({ first, second, cosine }) =>
      make("div", { class: "fc-pair", role: "group", "aria-label": t("images.pair", { cosine }) }, this.#tile(first), this.#tile({ ...second, cosine }));
    this.#fill(pairs.map(group));
  }

  refresh() {
    for (const tile of this.tiles) tile.setAttribute("aria-selected", this.chosen.has(Number(tile.dataset.id)));
  }

  /** Who was at work in the gallery stays there: at the same image where it is still shown. */
  #fill(children) {
    const held = this.list.contains(document.activeElement) ? document.activeElement.dataset.id : null;
    this.list.replaceChildren(...children);
    this.#last = null;
    this.list.scrollTop = 0;
    const tiles = this.tiles;
    this.#roam(tiles[0]);
    if (held) (tiles.find((tile) => tile.dataset.id === held) ?? tiles[0])?.focus();
    this.refresh();
  }

  #tile(item) {
    const notes = noteOf(item);
    const tile = make(
      "div",
      { class: "fc-tile", role: "option", tabindex: "-1", "data-id": item.id, "data-state": item.state, "aria-label": [item.name, ...notes].join(", "), title: item.name },
      make("img", { src: thumbnail(item.id), alt: "", loading: "lazy", draggable: "false" }),
      make("span", { class: "fc-tick", "aria-hidden": "true", title: t("images.choose") }),
      make("span", { class: "fc-like", "aria-hidden": "true", text: t("images.like") }),
      make("span", { class: "fc-tile-name", text: item.name.split("/").at(-1) }),
      make("span", { class: "fc-quiet", text: notes.join(" · ") }),
    );
    tile.item = item;
    return tile;
  }

  #roam(tile) {
    if (!tile) return;
    for (const other of this.tiles) other.tabIndex = other === tile ? 0 : -1;
  }

  #click(event) {
    const tile = event.target.closest(".fc-tile");
    if (!tile) return;
    tile.focus();
    if (event.target.closest(".fc-like")) return this.onLike(tile.item);
    if (event.shiftKey) return this.#range(tile);
    if (event.target.closest(".fc-tick") || event.ctrlKey || event.metaKey) return this.#toggle(tile);
    this.onOpen(tile.item.id);
  }

  #key(event) {
    const tile = event.target.closest(".fc-tile");
    if (!tile || event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      Enter: () => this.onOpen(tile.item.id),
      " ": () => (event.shiftKey ? this.#range(tile) : this.#toggle(tile)),
      m: () => this.onLike(tile.item),
      ArrowLeft: () => this.#step(tile, -1),
      ArrowRight: () => this.#step(tile, 1),
      ArrowUp: () => this.#step(tile, -this.#across()),
      ArrowDown: () => this.#step(tile, this.#across()),
      Home: () => this.tiles[0].focus(),
      End: () => this.tiles.at(-1).focus(),
    };
    const act = acts[event.key] ?? acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  #step(tile, by) {
    const tiles = this.tiles;
    tiles[tiles.indexOf(tile) + by]?.focus();
  }

  /** Tiles in a row. */
  #across() {
    const tiles = this.tiles;
    const below = tiles.findIndex((tile) => tile.offsetTop > tiles[0].offsetTop);
    return below < 0 ? tiles.length : below;
  }

  #toggle(tile) {
    const { id } = tile.item;
    if (!this.chosen.delete(id)) this.chosen.add(id);
    this.#last = tile;
    this.onChosen();
  }

  #range(tile) {
    const tiles = this.tiles;
    const ends = [tiles.indexOf(this.#last ?? tile), tiles.indexOf(tile)].sort((a, b) => a - b);
    for (const one of tiles.slice(ends[0], ends[1] + 1)) this.chosen.add(one.item.id);
    this.#last = tile;
    this.onChosen();
  }
}

/** What stands under an image: how alike, what it is, how far it is, how doubtful. */
export function noteOf(item) {
  const notes = [];
  if (item.cosine !== undefined) notes.push(t("images.alike", { cosine: item.cosine.toFixed(3) }));
  notes.push(item.classes.length ? item.classes.join(", ") : t(`images.states.${item.state}`));
  if (item.is_audit) notes.push(t("images.auditTag"));
  if (item.uncertainty !== null && item.state !== "labeled") notes.push(t("images.doubt", { value: item.uncertainty.toFixed(2) }));
  return notes;
}
