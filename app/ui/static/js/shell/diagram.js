/** A reliability diagram as SVG: how sure predictions were against how often they were right, before and after scaling. */
import { pen, titled } from "./pen.js";

const SIDE = 300;
const EDGE = 40;

const place = (v) => EDGE + v * (SIDE - EDGE - 12);
const rise = (v) => SIDE - EDGE - v * (SIDE - EDGE - 12);

/** Dots are as large as their bins are full; `labels` has {x, y, bin(entry)}. */
export function drawDiagram(svg, after, before, labels) {
  svg.replaceChildren();
  const draw = pen(svg);
  for (const v of [0, 0.5, 1]) {
    draw("line", { x1: place(0), x2: place(1), y1: rise(v), y2: rise(v), class: "fc-grid" });
    draw("text", { x: place(0) - 6, y: rise(v) + 4, "text-anchor": "end" }, v);
    draw("text", { x: place(v), y: rise(0) + 16, "text-anchor": "middle" }, v);
  }
  draw("line", { x1: place(0), y1: rise(0), x2: place(1), y2: rise(1), class: "fc-true" });
  draw("text", { x: place(0.5), y: SIDE - 6, "text-anchor": "middle" }, labels.x);
  draw("text", { x: 11, y: rise(0.5), "text-anchor": "middle", transform: `rotate(-90 11 ${rise(0.5)})` }, labels.y);
  const line = (bins, kind) => {
    draw("polyline", { points: bins.map((b) => `${place(b.confidence)},${rise(b.accuracy)}`).join(" "), class: `fc-curve ${kind}` });
    for (const b of bins) {
      const dot = draw("circle", { cx: place(b.confidence), cy: rise(b.accuracy), r: radius(b, bins), class: `fc-point ${kind}` });
      titled(dot, labels.bin(b));
    }
  };
  if (!isSame(after, before)) line(before, "fc-before");
  line(after, "fc-after");
}

/** Area in proportion to the count; the fullest bin has 9 pixels, no dot less than 3. */
export function radius(bin, bins) {
  const most = bins.reduce((high, b) => Math.max(high, b.count), 1);
  return Math.max(3, 9 * Math.sqrt(bin.count / most));
}

export const isSame = (a, b) => JSON.stringify(a) === JSON.stringify(b);
