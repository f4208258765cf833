/** The window of a crowded image that alone is labeled: proposed by the server, drawn, moved, resized; all else is dimmed. */
import { handleAt, handlePlace, movedHandle, WHOLE, windowBetween } from "../core/labeled_window.js";
import * as sheets from "../core/sheet.js";
import { call } from "../net/api.js";
import { t } from "../texts.js";
import { Picking } from "./picking.js";

const DIM = "#0000008c";
const HANDLE_PX = 4;
const HANDLES = [0, 1, 2, 3, 4, 5, 6, 7];

export class WindowEditor extends Picking {
  #preview = null;
  #before = "prompt"; // the tool to go back to
  #asking = null; // the work whose window is on its way

  get isOn() {
    const { app } = this;
    return app.isOpen && app.tool === "window" && this.box !== null;
  }

  /** A window belongs to the image, whatever object is locked. */
  get mayChange() {
    return true;
  }

  get box() {
    return this.app.work && sheets.windowOf(this.app.work.sheet);
  }

  refresh() {
    if (!this.isOn) this.picked = this.hovered = null;
  }

  find(at, reach) {
    const handle = handleAt(this.box, at, reach);
    return handle === null ? null : this.#named(handle);
  }

  #named = (index) => ({ kind: "window", index });
  all = () => (this.isOn ? [WHOLE, ...HANDLES].map(this.#named) : []);
  nameOf = ({ index }) => (index === WHOLE ? t("windows.whole") : index < 4 ? t("windows.corner") : t("windows.side"));
  placeOf = ({ index }) => handlePlace(this.#preview ?? this.box, index === WHOLE ? 1 : index);
  moved = ({ index }, dx, dy) => movedHandle(this.box, index, dx, dy, this.app.work.item);
  without = () => null;

  preview(box) {
    this.#preview = box;
    this.app.stage.draw();
  }

  commit(box, _step, { amend = false } = {}) {
    const { app } = this;
    const left = this.box !== null && box === null;
    this.keep(sheets.setWindow(app.work.sheet, box), "window", amend);
    if (box) this.#tell(box);
    if (left) app.messages.say(t("windows.gone"));
  }

  #tell(box) {
    const { app } = this;
    const count = app.work.outside().length;
    const [width, height] = [box[2] - box[0], box[3] - box[1]];
    const text = t("windows.set", { width, height });
    app.messages.say(count ? `${text}. ${t("windows.outside", { count })}` : text);
  }

  /** The command: takes the tool up, with a proposal where there is no window; in the tool it drops window and tool. */
  toggle() {
    const { app } = this;
    if (!app.isOpen || app.isClassification) return;
    if (app.tool !== "window") {
      this.#before = app.tool;
      app.setTool("window");
      if (this.box) return this.pick(this.#named(WHOLE));
      return this.#propose(app.work);
    }
    if (this.box) this.commit(null);
    app.setTool(this.#before);
  }

  async #propose(work) {
    const { app } = this;
    if (this.#asking === work) return;
    this.#asking = work;
    try {
      const { window, n_objects: count } = await call(`items/${work.item.id}/window`);
      const isLate = app.work !== work || !app.isOpen || app.tool !== "window" || this.box !== null;
      if (isLate) return;
      if (!window) return app.messages.say(t("windows.notCrowded", { count }));
      this.commit(window);
      this.pick(this.#named(WHOLE));
    } catch (error) {
      if (!app.link.report(error)) app.messages.say(t("windows.refused", { detail: error.message }), { bad: true });
    } finally {
      this.#asking = null;
    }
  }

  /** A press on the window moves it or a side; beside it, it draws another. */
  begin(at, reach) {
    const found = this.box && this.find(at, reach);
    if (found) return this.drag(found, at, () => this.pick(found));
    const { app } = this;
    const { work } = app;
    let box = null;
    return {
      move: (to) => {
        box = windowBetween(at, to, work.item);
        this.preview(box);
      },
      end: (done) => {
        this.preview(null);
        if (done && box && app.work === work && app.isOpen) this.commit(box);
      },
    };
  }

  /** Two corners, set by keyboard. */
  drawn(a, b) {
    const box = windowBetween(a, b, this.app.work.item);
    if (box) this.commit(box);
    else this.app.messages.say(t("say.boxSmall"));
  }

  paint(g, view) {
    const box = this.#preview ?? this.box;
    if (!box) return;
    const [a, b] = [view.toView(box[0], box[1]), view.toView(box[2], box[3])];
    const [c, d] = [view.toView(0, 0), view.toView(view.imageWidth, view.imageHeight)];
    const path = new Path2D();
    path.rect(c.x, c.y, d.x - c.x, d.y - c.y);
    path.rect(a.x, a.y, b.x - a.x, b.y - a.y);
    g.fillStyle = DIM;
    g.fill(path, "evenodd");
    for (const [width, style] of [[3.5, "#000000c0"], [1.5, "#ffd84d"]]) {
      g.lineWidth = width;
      g.strokeStyle = style;
      g.strokeRect(a.x, a.y, b.x - a.x, b.y - a.y);
    }
    if (this.isOn) for (const handle of HANDLES) this.#paintHandle(g, view, box, handle);
  }

  #paintHandle(g, view, box, handle) {
    const at = handlePlace(box, handle);
    const { x, y } = view.toView(at.x, at.y);
    const strong = this.how(this.#named(handle)) !== "" || this.how(this.#named(WHOLE)) === "picked";
    const size = strong ? HANDLE_PX + 1 : HANDLE_PX;
    g.lineWidth = 1.5;
    g.fillStyle = strong ? "#ffd84d" : "#ffffff";
    g.strokeStyle = "#000000c0";
    g.fillRect(x - size, y - size, 2 * size, 2 * size);
    g.strokeRect(x - size, y - size, 2 * size, 2 * size);
  }
}
