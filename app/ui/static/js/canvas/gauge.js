/** Where the pointer is, how long things are: the state line, the scale bar and the ruler. Nothing of it is saved. */
import { distance, roundLength, shortNumber } from "../core/measure.js";
import { t } from "../texts.js";

const BAR_PX = 140; // the longest scale bar
const EDGE_PX = 16;

export class Gauge {
  #ruler = null; // {a, b} in image pixels

  constructor(app) {
    this.app = app;
    app.stage.overlays.push((g, view) => this.#paint(g, view));
  }

  /** [row, column] spacing in mm of the image, null where unknown. */
  get spacing() {
    return this.app.work?.item.spacing_mm ?? null;
  }

  /** The state line for a pixel as `valueAt` gives it. */
  textOf(pixel) {
    if (!pixel) return "";
    const text = t("status.pixel", pixel);
    if (!this.spacing) return text;
    const [row, column] = this.spacing;
    return `${text}  ${t("look.millimetres", { x: ((pixel.x + 0.5) * column).toFixed(1), y: ((pixel.y + 0.5) * row).toFixed(1) })}`;
  }

  clear() {
    this.#ruler = null;
    this.app.stage.draw();
  }

  start(at) {
    this.#ruler = { a: at, b: at };
  }

  moveTo(at) {
    this.#ruler.b = at;
    this.app.stage.draw();
  }

  end() {
    const { a, b } = this.#ruler;
    if (a.x === b.x && a.y === b.y) return this.clear();
    this.app.messages.announce(this.#label());
  }

  /** By keyboard: the first point, then the second. */
  pointAt(at) {
    if (!this.#ruler || this.#ruler.b !== this.#ruler.a) return this.start({ ...at });
    this.moveTo({ ...at });
    this.end();
  }

  #label() {
    const { px, mm } = distance(this.#ruler.a, this.#ruler.b, this.spacing);
    if (mm === null) return t("look.lengthPx", { px: shortNumber(px) });
    return t("look.lengthMm", { px: shortNumber(px), mm: shortNumber(mm) });
  }

  #paint(g, view) {
    if (!this.app.work) return;
    if (this.spacing) this.#scaleBar(g, view);
    if (this.#ruler) this.#paintRuler(g, view);
  }

  #scaleBar(g, view) {
    const mmPerPx = this.spacing[1] / view.scale;
    const length = roundLength(BAR_PX * mmPerPx);
    const [x, y, width] = [EDGE_PX, view.height - EDGE_PX, length / mmPerPx];
    strokes(g, [[x, y - 5], [x, y], [x + width, y], [x + width, y - 5]]);
    label(g, length >= 10 ? t("look.centimetres", { value: length / 10 }) : t("look.bar", { value: length }), x + width / 2, y - 16);
  }

  #paintRuler(g, view) {
    const a = view.toView(this.#ruler.a.x, this.#ruler.a.y);
    const b = view.toView(this.#ruler.b.x, this.#ruler.b.y);
    const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
    const [nx, ny] = [(-(b.y - a.y) / length) * 6, ((b.x - a.x) / length) * 6];
    strokes(g, [[a.x, a.y], [b.x, b.y]]);
    for (const end of [a, b]) strokes(g, [[end.x - nx, end.y - ny], [end.x + nx, end.y + ny]]);
    label(g, this.#label(), (a.x + b.x) / 2, Math.min(a.y, b.y) - 16);
  }
}

/** White on black, so that it is seen on any image. */
function strokes(g, points) {
  g.lineJoin = g.lineCap = "round";
  for (const [width, style] of [[4, "#000000b0"], [1.75, "#ffffff"]]) {
    g.lineWidth = width;
    g.strokeStyle = style;
    g.beginPath();
    for (const [x, y] of points) g.lineTo(x, y);
    g.stroke();
  }
}

function label(g, text, x, y) {
  g.font = "600 12px system-ui, sans-serif";
  const width = g.measureText(text).width + 12;
  const left = Math.max(4, x - width / 2);
  g.fillStyle = "#12151bd0";
  g.beginPath();
  g.roundRect(left, y - 9, width, 18, 5);
  g.fill();
  g.fillStyle = "#ffffff";
  g.textAlign = "left";
  g.textBaseline = "middle";
  g.fillText(text, left + 6, y + 0.5);
}
