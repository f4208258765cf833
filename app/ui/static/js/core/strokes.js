/** Lines drawn by hand, as lists of corners [x, y] in image pixels: made of fewer corners, measured. */
export const MAX_CORNERS = 1000; // of one stroke, as the server takes it
export const MAX_STROKES = 32; // of one object, as the model is asked

/** The place on the segment a-b that is nearest to (x, y). */
export function nearestOn(x, y, [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const square = dx * dx + dy * dy;
  const share = square ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / square)) : 0;
  return [ax + share * dx, ay + share * dy];
}

export function distanceToSegment(x, y, a, b) {
  const [nx, ny] = nearestOn(x, y, a, b);
  return Math.hypot(x - nx, y - ny);
}

export function distanceToLine(x, y, points) {
  let least = Math.hypot(x - points[0][0], y - points[0][1]);
  for (let i = 1; i < points.length; i++) least = Math.min(least, distanceToSegment(x, y, points[i - 1], points[i]));
  return least;
}

/**
 * The same line with fewer corners: both ends stay, and no corner that goes lay further than `tolerance` from the new
 * line. Douglas & Peucker 1973, with a stack in the place of recursion.
 */
export function thin(points, tolerance) {
  const keep = new Uint8Array(points.length);
  keep[0] = keep[points.length - 1] = 1;
  const open = [[0, points.length - 1]];
  while (open.length) {
    const [from, to] = open.pop();
    let furthest = tolerance;
    let at = -1;
    for (let i = from + 1; i < to; i++) {
      const away = distanceToSegment(points[i][0], points[i][1], points[from], points[to]);
      if (away > furthest) [furthest, at] = [away, i];
    }
    if (at < 0) continue;
    keep[at] = 1;
    open.push([from, at], [at, to]);
  }
  return points.filter((_, i) => keep[i]);
}

/** A stroke as it is sent: thinned to half a pixel, further only where it would have too many corners. */
export function thinnedStroke(points, { tolerance = 0.5, most = MAX_CORNERS } = {}) {
  let line = thin(points, tolerance);
  for (let t = 2 * tolerance; line.length > most; t *= 2) line = thin(points, t);
  const last = line.at(-1);
  return line.length === 2 && line[0][0] === last[0] && line[0][1] === last[1] ? [last] : line;
}
