/** What is seen of one image: its grey values through the window, the masks' fillings and their borders. */
import { union } from "../core/live_mask.js";
import { bitsTile, boxAtLevel, clearTile, fillTile, Pyramid, shared, tileFor } from "../core/tiles.js";
import { paintSamples, tableSize, windowTable } from "../core/windowing.js";
import { bitsBorder, colourWord, Layer, runsBorder } from "./layers.js";

const EXACT_FROM = 6; // screen pixels an image pixel: from here on borders follow the pixels

export class Raster {
  base = new Layer();
  #othersLayer = new Layer();
  #activeLayer = new Layer();
  #tile = null;
  #pyramid;
  #table = null;
  #overview = null; // made when it is asked for
  #others = []; // [{counts, colour, border}]
  #active = null; // {bits, colour, border}
  #painted = null; // box of the active layer that is not empty
  #due = { base: true, others: true, active: true, touched: null }; // what the next frame paints anew

  constructor(picture) {
    this.picture = picture;
    this.#pyramid = new Pyramid(picture);
  }

  /** Grey values go through the window from here on; `extra` is what `windowTable` knows beside level and width. */
  setWindow(window, extra = {}) {
    this.#table = windowTable({ ...window, ...extra }, tableSize(this.picture.dtype));
    this.#due.base = true;
    this.#overview = null;
  }

  /** [{counts, colour}] of the objects that are not being worked on. */
  setOthers(objects) {
    const { height } = this.picture;
    this.#others = objects.map(({ counts, colour }) => ({ counts, colour, border: runsBorder(counts, height) }));
    this.#due.others = true;
  }

  /** The object being worked on: a bitmap whose set pixels lie in `bounds` (null: none); `touched` limits the repainting. */
  setActive(bits, colour, bounds, touched = null) {
    this.#active = { bits, colour, border: bounds && bitsBorder(bits, this.picture.width, bounds) };
    if (touched) this.#due.touched = union(this.#due.touched, touched);
    else this.#due.active = true;
  }

  /** Paints what has changed, and what the view has come to show. */
  follow(view, ratio) {
    const due = this.#due;
    const tile = tileFor(view, ratio, this.#tile);
    if (tile !== this.#tile) {
      this.#tile = tile;
      for (const layer of [this.base, this.#othersLayer, this.#activeLayer]) layer.take(tile);
      this.#painted = tile.box;
      Object.assign(due, { base: true, others: true, active: true });
    }
    if (due.base && this.#table) this.#paintBase();
    if (due.others) this.#paintOthers();
    if (due.active || due.touched) this.#paintActive(due.active ? null : due.touched);
    this.#due = { base: false, others: false, active: false, touched: null };
  }

  #paintBase() {
    const { level, box } = this.#tile;
    const { samples, width, channels } = this.#pyramid.level(level);
    paintSamples(samples, channels, this.#table, this.base.words, width, box);
    this.base.flush();
  }

  #paintOthers() {
    const layer = this.#othersLayer;
    layer.words.fill(0);
    for (const { counts, colour, border } of this.#others) {
      if (!this.#clipped(border.box)) continue;
      fillTile(counts, this.picture.height, this.#tile, layer.words, colourWord(colour));
    }
    layer.flush();
  }

  #paintActive(touched) {
    if (!this.#active) return;
    const layer = this.#activeLayer;
    const { bits, colour, border } = this.#active;
    const now = border && this.#clipped(border.box);
    if (!touched && this.#painted) {
      clearTile(this.#tile, this.#painted, layer.words);
      layer.flush(this.#painted);
    }
    const part = touched ? this.#clipped(touched) : now;
    if (part) {
      const { width, height } = this.picture;
      bitsTile(bits, width, height, this.#tile, part, layer.words, colourWord(colour));
      layer.flush(part);
    }
    this.#painted = now;
  }

  /** A box of image pixels as what the tile holds of it, null when that is nothing. */
  #clipped(box) {
    return shared(boxAtLevel(box, this.#tile.level), this.#tile.box);
  }

  /** The whole image in a small canvas, its longest side from `px` to twice as long (or its own, where it is shorter). */
  overview(px) {
    if (this.#overview) return this.#overview.canvas;
    const { width, height } = this.picture;
    const level = Math.max(0, Math.floor(Math.log2(Math.max(width, height) / px)));
    const { samples, width: across, height: down, channels } = this.#pyramid.level(level);
    this.#overview = new Layer();
    this.#overview.take({ level, box: [0, 0, across, down] });
    paintSamples(samples, channels, this.#table, this.#overview.words, across, [0, 0, across, down]);
    this.#overview.flush();
    return this.#overview.canvas;
  }

  drawImage(g, scale, ratio) {
    g.imageSmoothingEnabled = scale * ratio < 3;
    g.imageSmoothingQuality = "low"; // the level is at most twice as fine as the screen
    this.base.draw(g);
  }

  /** style: {filled, opacity, stale, activeShown}. Under a transform to image pixels. */
  drawMasks(g, view, { filled, opacity, stale, activeShown }) {
    const { scale } = view;
    g.imageSmoothingEnabled = scale < 1;
    if (filled) {
      g.globalAlpha = opacity * 0.75;
      if (this.#others.length) this.#othersLayer.draw(g);
      g.globalAlpha = opacity * (stale ? 0.5 : 1);
      if (activeShown && this.#painted) this.#activeLayer.draw(g);
    }
    const level = scale < EXACT_FROM ? this.#tile.level : null;
    g.lineJoin = "round";
    g.globalAlpha = 0.9;
    g.lineWidth = 1.5 / scale;
    for (const { border, colour } of this.#others) {
      if (!border.isSeen(view)) continue;
      g.strokeStyle = colour;
      g.stroke(border.path(level));
    }
    const border = activeShown && this.#active?.border;
    if (border) {
      g.globalAlpha = stale ? 0.4 : 1;
      for (const [width, style] of [[4, "#ffffffb0"], [2, this.#active.colour]]) {
        g.lineWidth = width / scale;
        g.strokeStyle = style;
        g.stroke(border.path(level));
      }
    }
    g.globalAlpha = 1;
  }
}
