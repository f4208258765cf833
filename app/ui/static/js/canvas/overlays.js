/** Layers under the masks, off until asked for: how unsure the head is of each pixel, and its starting masks. */
import { heatPixels, SCALE } from "../core/colours.js";
import { make } from "../dom.js";
import { call } from "../net/api.js";
import { t } from "../texts.js";
import { runsBorder } from "./layers.js";

const OPACITY = 0.85;

export class Overlays {
  #heat = null; // canvas at the head's resolution
  #starts = []; // [{path, colour}]
  #work = null;

  constructor(root, app) {
    this.app = app;
    this.legend = root.querySelector("[data-part=legend]");
    const bar = make("span", { class: "fc-scale", style: `background:linear-gradient(90deg,${SCALE.join()})` });
    this.legend.append(make("span", { text: t("look.sure") }), bar, make("span", { text: t("look.unsure") }));
    app.stage.underlays.push((g, view) => this.#paint(g, view));
  }

  /** Takes what a newly shown image has; null for no image. */
  open(work) {
    this.#work = work;
    this.#heat = null;
    this.#starts = [];
    for (const layer of ["heat", "starts"]) if (work && this.app.prefs[layer]) this.#load(layer);
    this.#show();
  }

  toggle(layer) {
    const { app } = this;
    if (!app.work || app.isClassification) return;
    app.setPreference(layer, !app.prefs[layer]);
    if (app.prefs[layer]) this.#load(layer, { say: true });
    this.#show();
  }

  async #load(layer, { say = false } = {}) {
    const work = this.#work;
    const there = layer === "heat" ? work.item.has_uncertainty : work.item.has_suggestion;
    if (!there) {
      if (say) this.app.messages.say(t(`look.none.${layer}`));
      return;
    }
    try {
      const made = layer === "heat" ? await fetchHeat(work.item) : await this.#fetchStarts(work.item);
      if (this.#work !== work) return;
      if (layer === "heat") this.#heat = made;
      else this.#starts = made;
      this.#show();
    } catch (error) {
      if (!this.app.link.report(error)) this.app.messages.say(t("look.layerFailed", { detail: error.message }), { bad: true });
    }
  }

  async #fetchStarts(item) {
    const { objects } = await call(`items/${item.id}/suggestion`);
    return objects.map((object) => ({
      border: runsBorder(object.mask.counts, item.height),
      colour: this.app.colourOf({ classId: object.class_id }),
    }));
  }

  #show() {
    this.legend.hidden = !(this.#heat && this.app.prefs.heat);
    this.app.stage.draw();
  }

  #paint(g, view) {
    const { heat, starts } = this.app.prefs;
    const { width, height } = this.#work?.item ?? {};
    if (heat && this.#heat) {
      g.imageSmoothingEnabled = true;
      g.globalAlpha = OPACITY;
      g.drawImage(this.#heat, 0, 0, width, height);
      g.globalAlpha = 1;
    }
    if (!starts) return;
    const { level } = this.app.stage.base.tile;
    for (const { border, colour } of this.#starts) {
      for (const [stroke, style, dash] of [[3, "#000000b0", []], [1.75, colour, [6, 4]]]) {
        g.lineWidth = stroke / view.scale;
        g.strokeStyle = style;
        g.setLineDash(dash.map((length) => length / view.scale));
        g.stroke(border.path(level));
      }
    }
    g.setLineDash([]);
  }
}

async function fetchHeat(item) {
  const answer = await call(`items/${item.id}/uncertainty`, { raw: true });
  const bitmap = await createImageBitmap(await answer.blob(), { colorSpaceConversion: "none" });
  const { width, height } = bitmap;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const g = canvas.getContext("2d");
  g.drawImage(bitmap, 0, 0);
  const grey = g.getImageData(0, 0, width, height).data.filter((_, i) => i % 4 === 0);
  g.putImageData(new ImageData(heatPixels(grey), width, height), 0, 0);
  return canvas;
}
