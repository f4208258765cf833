/** The objects of the image as a list: choose, name, hide, lock, delete. A row is touched only when what it says has changed. */
import * as rle from "../core/rle.js";
import { NAME_LENGTH, filled, hasPrompts } from "../core/sheet.js";
import { icon, make } from "../dom.js";
import { t } from "../texts.js";

const GOOD = 85; // percent of estimated quality
const FAIR = 65;
const areas = new WeakMap();

/** Pixels of run lengths, counted once. */
function areaOf(counts) {
  if (!areas.has(counts)) areas.set(counts, rle.area(counts));
  return areas.get(counts);
}

/** "disc 2": the object's class, and which of its class it is in the list. */
export function objectName(app, object) {
  const same = filled(app.work.sheet).filter((o) => o.classId === object.classId);
  return t("panel.object", { name: app.classOf(object.classId)?.name ?? "?", number: same.indexOf(object) + 1 });
}

export class ObjectList {
  #rows = new Map(); // id -> {key, node, selected}
  #typing = null; // id of the object whose name is being typed

  constructor(element, app) {
    this.element = element;
    this.app = app;
    element.addEventListener("click", (event) => this.#click(event));
    element.addEventListener("dblclick", (event) => event.target.closest("[data-act=pick]") && this.edit(event.target.closest("[data-id]").dataset.id));
    element.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Shows the objects of the work, null for none. */
  show(work) {
    const rows = work ? this.#facts(work) : [];
    const kept = new Set(rows.map(({ id }) => id));
    for (const [id, { node }] of this.#rows) {
      if (kept.has(id)) continue;
      node.remove();
      this.#rows.delete(id);
    }
    let before = null;
    for (const facts of rows) {
      const node = this.#row(facts);
      const place = before ? before.nextSibling : this.element.firstChild;
      if (node !== place) this.element.insertBefore(node, place);
      before = node;
    }
  }

  /** The row as it should be: the known one while it says the same. */
  #row(facts) {
    const key = JSON.stringify(facts);
    const known = this.#rows.get(facts.id);
    if (known && (known.key === key || this.#typing === facts.id)) return known.node;
    const focused = known?.node.contains(document.activeElement) ? document.activeElement.dataset.act : null;
    const node = this.#make(facts);
    known?.node.replaceWith(node);
    this.#rows.set(facts.id, { key, node, selected: facts.selected });
    if (focused) node.querySelector(`[data-act=${focused}]`).focus({ preventScroll: true });
    if (facts.selected && !known?.selected) queueMicrotask(() => node.scrollIntoView({ block: "nearest" }));
    return node;
  }

  #facts(work) {
    const numbers = new Map();
    const outside = new Set(work.outside());
    return filled(work.sheet).map((object) => {
      const number = (numbers.get(object.classId) ?? 0) + 1;
      numbers.set(object.classId, number);
      const quality = work.answers.of(object)?.quality ?? (hasPrompts(object) ? null : object.confidence);
      return {
        id: object.id,
        name: t("panel.object", { name: this.app.classOf(object.classId)?.name ?? "?", number }),
        own: object.name ?? null,
        colour: this.app.colourOf(object),
        selected: object.id === work.sheet.activeId,
        current: work.answers.isCurrent(object),
        pixels: areaOf(work.answers.final(object)),
        percent: quality === null ? null : Math.round(quality * 100),
        note: outside.has(object) ? "outside" : noteOf(object),
        hidden: work.shelf.hidden.has(object.id),
        locked: work.shelf.locked.has(object.id),
      };
    });
  }

  #make(facts) {
    const { id, name, selected, hidden, locked } = facts;
    const pick = make("button", { type: "button", class: "fc-pick", "aria-pressed": String(selected), "data-object": id, "data-act": "pick" });
    pick.title = t("panel.area", { pixels: facts.pixels.toLocaleString("en") });
    pick.append(make("span", { class: "fc-swatch", style: `--swatch:${facts.colour}` }), make("span", { class: "fc-name", text: name }));
    if (facts.own) pick.append(make("span", { class: "fc-own-name", text: facts.own, title: facts.own }));
    if (facts.note) pick.append(make("span", { class: "fc-tag", text: t(`panel.${facts.note}`) }));
    if (!facts.current) pick.append(make("span", { class: "fc-quiet", text: t("panel.waiting") }));
    if (facts.percent !== null) {
      const level = facts.percent >= GOOD ? "good" : facts.percent >= FAIR ? "fair" : "poor";
      pick.append(make("span", { class: "fc-quality", "data-level": level, text: t("panel.quality", facts), title: t("panel.qualityTitle") }));
    }
    const act = (name, image, label, on) => {
      const button = make("button", { type: "button", class: "fc-icon-button", "data-act": name, "aria-label": label, title: label }, icon(image));
      if (on !== undefined) button.setAttribute("aria-pressed", String(on));
      return button;
    };
    const remove = act("remove", "x", t("panel.removeObject", { name }));
    remove.disabled = locked;
    const buttons = [
      pick,
      act("hide", hidden ? "eye-off" : "eye", t("look.hideObject", { name }), hidden),
      act("lock", locked ? "lock" : "unlock", t("look.lockObject", { name }), locked),
      remove,
    ];
    if (!selected) for (const button of buttons.slice(1)) button.tabIndex = -1; // the keys go from row to row
    return make("div", { class: "fc-object", role: "listitem", "data-hidden": hidden, "data-id": id }, ...buttons);
  }

  /** A field in the place of the row's button: Enter and leaving it keep the name, Escape does not. */
  edit(id) {
    const object = this.app.work.sheet.objects.find((o) => o.id === id);
    const pick = this.#rows.get(id)?.node.querySelector("[data-act=pick]");
    if (!pick || !this.app.work.shelf.isFree(object)) return;
    const name = t("panel.renameObject", { name: objectName(this.app, object) });
    const field = make("input", { type: "text", class: "fc-own-field", "data-act": "pick", "aria-label": name, placeholder: name, maxlength: NAME_LENGTH, value: object.name ?? "" });
    const end = (keep, stay = true) => {
      if (this.#typing !== id) return;
      this.#typing = null;
      const row = this.#rows.get(id);
      if (row) row.key = null; // to be made anew
      if (keep) this.app.objects.setName(id, field.value);
      else this.app.refresh();
      if (stay) this.#rows.get(id)?.node.querySelector("[data-act=pick]").focus({ preventScroll: true });
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (!["Enter", "Escape"].includes(event.key) || event.isComposing) return;
      event.preventDefault(); // else Enter would press the button that gets the focus
      end(event.key === "Enter");
    });
    field.addEventListener("blur", () => end(true, false));
    this.#typing = id;
    pick.replaceWith(field);
    field.focus();
    field.select();
  }

  #click(event) {
    const button = event.target.closest("button[data-act]");
    if (!button) return;
    const { id } = button.closest("[data-id]").dataset;
    const { app } = this;
    const run = { pick: () => app.selectObject(id), hide: () => app.objects.hide(id), lock: () => app.objects.lock(id), remove: () => app.removeObject(id) };
    run[button.dataset.act]();
  }

  /** Up, down, Home and End go from object to object while the list has the focus. */
  #key(event) {
    const { app } = this;
    if (event.key === "F2" && event.target.closest("[data-id]")) {
      event.preventDefault();
      event.stopPropagation();
      return this.edit(event.target.closest("[data-id]").dataset.id);
    }
    if (!app.work || event.altKey || event.ctrlKey || event.metaKey) return;
    const ids = filled(app.work.sheet).map((object) => object.id);
    const at = ids.indexOf(event.target.closest("[data-id]")?.dataset.id);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: ids.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const id = ids[Math.min(ids.length - 1, Math.max(0, to))];
    app.selectObject(id);
    this.#rows.get(id).node.querySelector("[data-act=pick]").focus({ preventScroll: true });
  }
}

const noteOf = (object) => (object.edits ? "edited" : object.start && !object.saved && !hasPrompts(object) ? "suggested" : null);
