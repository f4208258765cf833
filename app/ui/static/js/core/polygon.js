/**
 * Polygons and bitmaps. A ring is a closed list of corners [x, y] in image pixels, its last corner joined to its first;
 * several rings fill by the even-odd rule, so a ring within another is a hole.
 */
import { thin } from "./strokes.js";

/**
 * Calls visit(x0, x1, y) for each run of pixels [x0, x1) of row y whose centres lie inside. `rule`: "evenodd", or
 * "nonzero", by which a line that crosses itself leaves no gap. `box` = [x0, y0, x1, y1] limits the rows and columns.
 */
export function eachRun(rings, box, visit, rule = "evenodd") {
  const [left, top, right, bottom] = box;
  const crossings = Array.from({ length: Math.max(0, bottom - top) }, () => []);
  for (const ring of rings) {
    ring.forEach(([bx, by], i) => {
      const [ax, ay] = ring.at(i - 1);
      if (ay === by) return;
      const turn = ay < by ? 1 : -1;
      const first = Math.max(top, Math.ceil(Math.min(ay, by) - 0.5));
      const last = Math.min(bottom - 1, Math.ceil(Math.max(ay, by) - 0.5) - 1);
      for (let y = first; y <= last; y++) crossings[y - top].push([ax + ((y + 0.5 - ay) / (by - ay)) * (bx - ax), turn]);
    });
  }
  crossings.forEach((row, i) => {
    row.sort((a, b) => a[0] - b[0]);
    let inside = 0;
    for (let k = 0; k + 1 < row.length; k++) {
      inside = rule === "evenodd" ? 1 - inside : inside + row[k][1];
      const x0 = Math.max(left, Math.ceil(row[k][0] - 0.5));
      const x1 = Math.min(right, Math.ceil(row[k + 1][0] - 0.5));
      if (inside && x0 < x1) visit(x0, x1, top + i);
    }
  });
}

/** The smallest box of whole pixels around corners, within the image; null when that is empty. */
export function boxAround(corners, width, height, room = 0) {
  const xs = corners.map(([x]) => x);
  const ys = corners.map(([, y]) => y);
  const box = [
    Math.max(0, Math.floor(Math.min(...xs) - room)),
    Math.max(0, Math.floor(Math.min(...ys) - room)),
    Math.min(width, Math.ceil(Math.max(...xs) + room)),
    Math.min(height, Math.ceil(Math.max(...ys) + room)),
  ];
  return box[0] < box[2] && box[1] < box[3] ? box : null;
}

/**
 * The rings around and within the parts of a bitmap, through the middles of pixel edges: filled again they give exactly
 * the same pixels. Pixels that touch at a corner alone are parts of their own.
 */
export function ringsOf(bits, width, height) {
  const at = (x, y) => x >= 0 && y >= 0 && x < width && y < height && bits[y * width + x] !== 0;
  const seen = new Uint8Array(bits.length); // pixels whose upper edge a ring has passed
  const rings = [];
  for (let i = 0; i < bits.length; i++) {
    if (!bits[i] || seen[i] || (i >= width && bits[i - width])) continue;
    rings.push(walk(at, i % width, Math.floor(i / width), (x, y) => (seen[y * width + x] = 1)));
  }
  return rings;
}

const STEPS = [[1, 0], [0, 1], [-1, 0], [0, -1]]; // right, down, left, up
const RIGHT = [[0, 0], [-1, 0], [-1, -1], [0, -1]]; // the pixel ahead on the right hand, from the corner that one stands on

/** Along pixel edges with the part on the right hand; where two pixels touch at a corner, around the own one. */
function walk(at, startX, startY, passed) {
  const ring = [];
  let [x, y, way] = [startX, startY, 0];
  const ahead = (side) => at(x + RIGHT[side % 4][0], y + RIGHT[side % 4][1]);
  do {
    const [dx, dy] = STEPS[way];
    if (way === 0) passed(x, y);
    ring.push([x + dx / 2, y + dy / 2]);
    x += dx;
    y += dy;
    if (!ahead(way)) way = (way + 1) % 4;
    else if (ahead(way + 3)) way = (way + 3) % 4; // the pixel ahead on the left hand, too
  } while (x !== startX || y !== startY || way !== 0);
  return ring;
}

/** A ring with fewer corners, at least three, none of the dropped ones further than `tolerance` from the new ring. */
export function thinnedRing(ring, tolerance) {
  const [x, y] = ring[0];
  let far = 0;
  ring.forEach((corner, i) => {
    if (Math.hypot(corner[0] - x, corner[1] - y) > Math.hypot(ring[far][0] - x, ring[far][1] - y)) far = i;
  });
  const there = thin(ring.slice(0, far + 1), tolerance);
  const back = thin([...ring.slice(far), ring[0]], tolerance);
  const thinned = [...there, ...back.slice(1, -1)];
  return thinned.length >= 3 ? thinned : ring.length <= 4 ? ring : thinnedRing(ring, tolerance / 2);
}
