/** Paints what can be taken hold of above the mask: points, strokes, the box, outlines. Sign as well as colour tells them apart. */
const POSITIVE = "#17a65b";
const NEGATIVE = "#d93a3a";
const HALO = "#000000a0";
const DASH = [2, 7];
const HANDLE = 4; // half of a handle's side, CSS px

/** marks = {points, box, scribbles, handles: [{x, y}]}; how(kind, index) is "picked", "hovered" or "". */
export function paintMarks(g, view, marks, how) {
  if (marks.box) paintBox(g, view, marks.box, how("box", 0) === "picked");
  marks.scribbles.forEach((stroke, i) => paintStroke(g, view, stroke, how("stroke", i)));
  marks.points.forEach((point, i) => paintPoint(g, view.toView(point.x, point.y), point.label, how("point", i)));
  marks.handles.forEach((at, i) => paintHandle(g, view.toView(at.x, at.y), how("handle", i)));
}

function paintBox(g, view, box, picked) {
  const a = view.toView(box[0], box[1]);
  const b = view.toView(box[2], box[3]);
  for (const [width, style, dash] of [[picked ? 5 : 3, HALO, []], [picked ? 2.5 : 1.5, "#ffd84d", [7, 5]]]) {
    g.lineWidth = width;
    g.strokeStyle = style;
    g.setLineDash(dash);
    g.strokeRect(a.x, a.y, b.x - a.x, b.y - a.y);
  }
  g.setLineDash([]);
}

/** Positive strokes are one line, negative ones a row of dots; the sign stands at the start. */
export function paintStroke(g, view, { points, label }, how = "") {
  const places = points.map(([x, y]) => view.toView(x, y));
  const path = new Path2D();
  places.forEach(({ x, y }, i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
  g.lineCap = g.lineJoin = "round";
  const wide = how ? 1.5 : 0;
  const coats = [[7 + 2 * wide, how === "picked" ? "#fff" : HALO, []], [label ? 4 : 5, label ? POSITIVE : NEGATIVE, label ? [] : DASH]];
  for (const [width, style, dash] of coats) {
    g.lineWidth = width;
    g.strokeStyle = style;
    g.setLineDash(dash);
    g.stroke(path);
  }
  g.setLineDash([]);
  paintPoint(g, places[0], label, how, 6);
}

function paintPoint(g, { x, y }, label, how = "", radius = 7) {
  const arm = radius - 3.75;
  if (how) {
    g.beginPath();
    g.arc(x, y, radius + 4, 0, 2 * Math.PI);
    g.lineWidth = how === "picked" ? 3 : 2;
    g.strokeStyle = how === "picked" ? "#fff" : "#ffffffb0";
    g.shadowColor = HALO;
    g.shadowBlur = 3;
    g.stroke();
    g.shadowBlur = 0;
  }
  g.beginPath();
  g.arc(x, y, radius, 0, 2 * Math.PI);
  g.fillStyle = label ? POSITIVE : NEGATIVE;
  g.shadowColor = HALO;
  g.shadowBlur = 4;
  g.fill();
  g.shadowBlur = 0;
  g.lineWidth = 1.75;
  g.strokeStyle = "#fff";
  g.stroke();
  g.beginPath();
  g.moveTo(x - arm, y);
  g.lineTo(x + arm, y);
  if (label) {
    g.moveTo(x, y - arm);
    g.lineTo(x, y + arm);
  }
  g.stroke();
}

function paintHandle(g, { x, y }, how = "") {
  const half = how ? HANDLE + 1.5 : HANDLE;
  g.lineWidth = 1.5;
  g.fillStyle = how === "picked" ? "#ffd84d" : "#fff";
  g.strokeStyle = "#000000c0";
  g.fillRect(x - half, y - half, 2 * half, 2 * half);
  g.strokeRect(x - half, y - half, 2 * half, 2 * half);
}

/** Rings of corners in image pixels, each corner with its handle. */
export function paintOutline(g, view, rings, how) {
  const path = new Path2D();
  const places = rings.map((ring) => ring.map(([x, y]) => view.toView(x, y)));
  for (const ring of places) {
    ring.forEach(({ x, y }, i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
    path.closePath();
  }
  for (const [width, style] of [[3.5, HALO], [1.5, "#fff"]]) {
    g.lineWidth = width;
    g.strokeStyle = style;
    g.stroke(path);
  }
  places.forEach((ring, r) => ring.forEach((at, i) => paintHandle(g, at, how(r, i))));
}
