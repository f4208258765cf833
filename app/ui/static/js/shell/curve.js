/** The learning curve as SVG: the model's value with its interval, against labeled images or annotator seconds. */
import { duration, ticks } from "../core/ticks.js";
import { pen, titled } from "./pen.js";

const HEIGHT = 282;
const EDGE = { left: 44, right: 18, top: 26, bottom: 40 }; // the last value stands above its point, also at 1.0

/** Points of a report's curve; x counts what was spent before the point's model was trained. */
export function curvePoints(report, axis) {
  const spent = axis === "seconds" ? "seconds" : "n_labeled";
  return (report?.curve ?? []).map((p) => ({ x: p[spent], value: p.value, ci95: p.ci95, number: p.round, metric: report.metric }));
}

export function drawCurve(svg, points, axis, labels) {
  const width = Math.max(320, svg.parentElement.clientWidth);
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  svg.setAttribute("height", HEIGHT);
  const lows = points.map((p) => p.ci95?.[0] ?? p.value);
  const bottom = Math.max(0, Math.floor((Math.min(...lows) - 0.05) * 10) / 10);
  const right = Math.max(...points.map((p) => p.x), 1) * 1.02;
  const x = (v) => EDGE.left + (v / right) * (width - EDGE.left - EDGE.right);
  const y = (v) => EDGE.top + ((1 - v) / (1 - bottom)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const draw = pen(svg);
  const marks = ticks(bottom, 1, 5);
  const digits = Math.max(1, ...marks.map((v) => String(v).split(".")[1]?.length ?? 0));
  for (const v of marks) {
    draw("line", { x1: EDGE.left, x2: width - EDGE.right, y1: y(v), y2: y(v), class: "fc-grid" });
    draw("text", { x: EDGE.left - 8, y: y(v) + 4, "text-anchor": "end" }, v.toFixed(digits));
  }
  for (const v of ticks(0, right, 8)) {
    draw("text", { x: x(v), y: HEIGHT - EDGE.bottom + 18, "text-anchor": "middle" }, axis === "seconds" ? duration(v) : v);
  }
  draw("text", { x: (EDGE.left + width - EDGE.right) / 2, y: HEIGHT - 4, "text-anchor": "middle" }, labels.x);
  const banded = points.filter((p) => p.ci95);
  const corner = (p, end) => `${x(p.x)},${y(p.ci95[end])}`;
  const band = [...banded.map((p) => corner(p, 1)), ...banded.map((p) => corner(p, 0)).reverse()];
  if (banded.length > 1) draw("polygon", { points: band.join(" "), class: "fc-band" });
  for (const p of banded) draw("line", { x1: x(p.x), x2: x(p.x), y1: y(p.ci95[0]), y2: y(p.ci95[1]), class: "fc-whisker" });
  draw("polyline", { points: points.map((p) => `${x(p.x)},${y(p.value)}`).join(" "), class: "fc-curve" });
  for (const p of points) {
    const dot = draw("circle", { cx: x(p.x), cy: y(p.value), r: 4.5, class: "fc-point" });
    titled(dot, labels.point(p));
  }
  const last = points.at(-1);
  const aside = x(last.x) > width - 90 ? { x: x(last.x) - 10, "text-anchor": "end" } : { x: x(last.x) + 10, "text-anchor": "start" };
  draw("text", { ...aside, y: y(last.value) - 10, class: "fc-last" }, `${last.metric.replaceAll("_", " ")} ${last.value.toFixed(3)}`);
}
