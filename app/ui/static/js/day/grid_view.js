/** How the grid looks: tiles with a picture and the class given or suggested, and a line with what can be done. */
import { keyLabel } from "../canvas/menus.js";
import { ready, selected } from "../core/label_grid.js";
import { make } from "../dom.js";
import { t } from "../texts.js";
import { thumbnail } from "./rows.js";

export class GridView {
  #nodes = new Map(); // item id -> tile: pictures are not made anew when a class changes

  constructor(element, { onPick, onOpen, onAccept, onClose }) {
    Object.assign(this, { element, onPick, onOpen });
    const button = (text, key, run, kind = "") => {
      const node = make("button", { type: "button", class: `fc-button fc-small ${kind}` }, make("span", { text }), make("kbd", { text: key }));
      node.addEventListener("click", run);
      return node;
    };
    this.line = make("p", { role: "status" });
    const keys = make("p", { class: "fc-quiet", text: t("grid.keys") });
    this.acceptButton = button("", "A", onAccept, "fc-primary");
    this.tiles = make("div", { class: "fc-grid-tiles", role: "listbox", "aria-label": t("grid.label"), "aria-multiselectable": "true" });
    element.replaceChildren(
      make("header", {}, make("div", {}, this.line, keys), make("span", { class: "fc-grow" }), button(t("grid.close"), keyLabel("Escape"), onClose), this.acceptButton),
      this.tiles,
    );
  }

  get isShown() {
    return !this.element.hidden && this.element.offsetParent !== null;
  }

  get columns() {
    return getComputedStyle(this.tiles).gridTemplateColumns.split(" ").length;
  }

  hide() {
    this.element.hidden = true;
    this.#nodes.clear();
    this.tiles.replaceChildren();
  }

  show(grid, { item, classes }) {
    this.element.hidden = false;
    const count = ready(grid).length;
    this.line.textContent = t("grid.line", { total: grid.ids.length, count });
    this.acceptButton.disabled = !count;
    this.acceptButton.firstChild.textContent = t("grid.accept", { count });
    const chosen = new Set(selected(grid));
    const nodes = grid.ids.map((id, index) => {
      const node = this.#tile(id, item(id));
      node.onclick = (event) => this.onPick(index, event.shiftKey);
      node.setAttribute("aria-selected", String(chosen.has(id)));
      node.tabIndex = index === grid.cursor ? 0 : -1;
      this.#showLabel(node, grid.labels[id], classes);
      return node;
    });
    const same = nodes.length === this.tiles.children.length && nodes.every((node, i) => node === this.tiles.children[i]);
    if (!same) this.tiles.replaceChildren(...nodes);
    const cursor = nodes[grid.cursor];
    if (!document.activeElement?.matches("input, textarea")) cursor?.focus({ preventScroll: true });
    cursor?.scrollIntoView({ block: "nearest" });
  }

  #tile(id, item) {
    if (!this.#nodes.has(id)) {
      const picture = make("img", { src: thumbnail(id), alt: "", draggable: "false" });
      const node = make("div", { class: "fc-grid-tile", role: "option", "data-item": id, title: item.name }, picture, make("span", { class: "fc-label" }));
      node.addEventListener("dblclick", () => this.onOpen());
      this.#nodes.set(id, node);
    }
    return this.#nodes.get(id);
  }

  #showLabel(node, entry, classes) {
    const chip = node.lastChild;
    const found = classes.find(({ name }) => name === entry?.label);
    chip.dataset.by = found ? entry.by : "nobody";
    chip.style.setProperty("--swatch", found?.color ?? "transparent");
    const percent = Math.round((entry?.confidence ?? 0) * 100);
    const suffix = entry?.by === "model" ? t("grid.sure", { percent }) : "";
    chip.replaceChildren(make("span", { class: "fc-swatch" }), make("span", { class: "fc-name", text: found ? found.name : t("grid.noLabel") }), suffix);
    node.setAttribute("aria-label", `${node.title}: ${chip.textContent}`);
  }
}
