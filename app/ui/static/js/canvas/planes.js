/** Three small planes of the volume with a cross at the place in question: the pointer's, else the middle of the slice. */
import { cut, fromPlane, onPlane, planesOf, sizeOf } from "../core/planes.js";
import { paintSamples, tableSize, windowTable } from "../core/windowing.js";
import { make } from "../dom.js";
import { call } from "../net/api.js";
import { t } from "../texts.js";

const SIDE = 124; // CSS px

export class Planes {
  #small = null; // {id, samples, shape, dtype}
  #views = []; // [{plane, canvas, shown}]
  #place = [0.5, 0.5, 0.5]; // along slices, rows, columns
  #frame = 0;

  constructor(root, app) {
    this.app = app;
    this.box = root.querySelector("[data-part=planes]");
    this.button = root.querySelector("[data-command=planes]");
    app.stage.overlays.push(() => this.#soon());
  }

  toggle() {
    if (!this.app.slices.count) return;
    this.app.setPreference("planes", !this.app.prefs.planes);
    this.follow();
  }

  /** The image, the slice or the volume has changed. */
  async follow() {
    const { slices, work } = this.app;
    const isOpen = Boolean(slices.count && this.app.prefs.planes);
    this.button.setAttribute("aria-pressed", isOpen);
    this.box.hidden = !isOpen;
    if (!slices.volume || !isOpen) return;
    if (this.#small?.id !== slices.volume.id) {
      try {
        await this.#load(slices.volume);
      } catch (error) {
        this.app.link.report(error);
        return;
      }
      if (this.app.work !== work) return;
    }
    this.#soon();
  }

  async #load(volume) {
    const answer = await call(`volumes/${volume.id}/overview`, { raw: true });
    const shape = ["depth", "height", "width"].map((side) => Number(answer.headers.get(`x-${side}`)));
    const dtype = answer.headers.get("x-dtype");
    const buffer = await answer.arrayBuffer();
    const samples = dtype === "uint16" ? new Uint16Array(buffer) : new Uint8Array(buffer);
    this.#small = { id: volume.id, samples, shape, dtype };
    const full = [volume.n_slices, volume.height, volume.width];
    this.#views = planesOf(volume.axes).map((plane) => this.#view(plane, sizeOf(plane, full, volume.spacing_mm, SIDE)));
    this.box.replaceChildren(...this.#views.map(({ figure }) => figure));
  }

  #view(plane, { width, height }) {
    const canvas = make("canvas", { role: "img", "aria-label": t("slices.planeLabel", { plane: t(`slices.planes.${plane.name}`) }), style: `width:${width}px;height:${height}px` });
    const ratio = devicePixelRatio || 1;
    Object.assign(canvas, { width: width * ratio, height: height * ratio });
    const go = (event) => {
      if (event.type === "pointerdown") canvas.setPointerCapture(event.pointerId);
      else if (!event.buttons) return;
      const box = canvas.getBoundingClientRect();
      const part = (at, size) => Math.min(1, Math.max(0, at / size));
      this.#goTo(fromPlane(plane, { x: part(event.clientX - box.left, box.width), y: part(event.clientY - box.top, box.height) }, this.#place));
    };
    for (const name of ["pointerdown", "pointermove"]) canvas.addEventListener(name, go);
    const letters = Object.entries(plane.edges).map(([edge, text]) => make("span", { class: "fc-edge", "data-edge": edge, text }));
    const figure = make("figure", {}, make("div", {}, canvas, ...letters), make("figcaption", { text: t(`slices.planes.${plane.name}`) }));
    return { plane, canvas, figure, picture: document.createElement("canvas"), shown: "" };
  }

  #goTo(place) {
    const { slices } = this.app;
    this.#place = place;
    slices.goTo(Math.floor(place[0] * slices.count));
    this.#soon();
  }

  #soon() {
    if (!this.box.hidden && this.#small && this.app.slices.count) this.#frame ||= requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    this.#frame = 0;
    const { slices, stage, work, view, display } = this.app;
    if (!work || this.#small?.id !== slices.volume?.id) return;
    const at = stage.cursor ?? (stage.hover && view.toImage(stage.hover.x, stage.hover.y));
    if (at && at.x >= 0 && at.y >= 0 && at.x < view.imageWidth && at.y < view.imageHeight) {
      this.#place = [0, at.y / view.imageHeight, at.x / view.imageWidth];
    }
    this.#place[0] = (slices.index + 0.5) / slices.count;
    const look = { ...work.window, ...display.extra };
    for (const shown of this.#views) this.#paintOne(shown, look);
  }

  #paintOne(shown, look) {
    const { plane, canvas, picture } = shown;
    const small = this.#small;
    const key = JSON.stringify([small.id, Math.floor(this.#place[plane.along] * small.shape[plane.along]), look]);
    if (key !== shown.shown) {
      shown.shown = key;
      const { samples, width, height } = cut(small, plane, this.#place[plane.along]);
      Object.assign(picture, { width, height });
      const image = new ImageData(width, height);
      paintSamples(samples, 1, windowTable(look, tableSize(small.dtype)), new Uint32Array(image.data.buffer), width, [0, 0, width, height]);
      picture.getContext("2d").putImageData(image, 0, 0);
    }
    const g = canvas.getContext("2d");
    g.imageSmoothingQuality = "medium";
    g.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const { x, y } = onPlane(plane, this.#place);
    const [cx, cy] = [x * canvas.width, y * canvas.height];
    for (const [line, style] of [[3, "#000000a0"], [1, "#ffd84d"]]) {
      g.lineWidth = line * (devicePixelRatio || 1);
      g.strokeStyle = style;
      g.beginPath();
      g.moveTo(cx, 0);
      g.lineTo(cx, canvas.height);
      g.moveTo(0, cy);
      g.lineTo(canvas.width, cy);
      g.stroke();
    }
  }
}
