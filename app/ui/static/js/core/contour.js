/**
 * The border of a bitmap as line segments along pixel edges, in image coordinates: exact at every zoom.
 * Straight runs are joined. Returns a flat array x0, y0, x1, y1, ... `box` = [x0, y0, x1, y1] limits the search.
 */
export function borderSegments(bitmap, width, height, box = [0, 0, width, height]) {
  const [x0, y0, x1, y1] = box;
  const out = [];
  const at = (x, y) => (x >= x0 && x < x1 && y >= y0 && y < y1 ? bitmap[y * width + x] !== 0 : false);
  for (let y = y0; y <= y1; y++) {
    let start = -1;
    for (let x = x0; x <= x1; x++) {
      const edge = x < x1 && at(x, y - 1) !== at(x, y);
      if (edge && start < 0) start = x;
      else if (!edge && start >= 0) {
        out.push(start, y, x, y);
        start = -1;
      }
    }
  }
  for (let x = x0; x <= x1; x++) {
    let start = -1;
    for (let y = y0; y <= y1; y++) {
      const edge = y < y1 && at(x - 1, y) !== at(x, y);
      if (edge && start < 0) start = y;
      else if (!edge && start >= 0) {
        out.push(x, start, x, y);
        start = -1;
      }
    }
  }
  return out;
}

/**
 * The same border with its corners cut, as a person would draw it: segments between the middles of pixel edges, never
 * further than half a pixel from the exact border. Good to look at while pixels are small on the screen.
 */
export function softSegments(bitmap, width, height, box = [0, 0, width, height]) {
  const [x0, y0, x1, y1] = box;
  const out = [];
  const at = (x, y) => (x >= x0 && x < x1 && y >= y0 && y < y1 ? bitmap[y * width + x] !== 0 : false);
  for (let y = y0; y <= y1; y++) {
    for (let x = x0; x <= x1; x++) {
      // the four pixels around the corner (x, y), and the middles of the edges that meet there
      const square = (at(x - 1, y - 1) ? 8 : 0) | (at(x, y - 1) ? 4 : 0) | (at(x, y) ? 2 : 0) | (at(x - 1, y) ? 1 : 0);
      if (square === 0 || square === 15) continue;
      const up = [x, y - 0.5];
      const right = [x + 0.5, y];
      const down = [x, y + 0.5];
      const left = [x - 0.5, y];
      if (square === 5 || square === 7 || square === 8) out.push(...left, ...up);
      if (square === 10 || square === 4 || square === 11) out.push(...up, ...right);
      if (square === 5 || square === 2 || square === 13) out.push(...right, ...down);
      if (square === 10 || square === 1 || square === 14) out.push(...down, ...left);
      if (square === 3 || square === 12) out.push(...left, ...right);
      if (square === 6 || square === 9) out.push(...up, ...down);
    }
  }
  return out;
}

/**
 * Segments joined into lines at their common ends, straight stretches into one: a few long lines are drawn far faster
 * than many short ones. Returns flat arrays of points; a closed line ends where it began. Ends lie on halves of pixels.
 */
export function joined(segments) {
  const key = (x, y) => 2 * x * 2 ** 21 + 2 * y;
  const from = new Map();
  for (let i = 0; i < segments.length; i += 4) {
    for (const [x, y] of [[segments[i], segments[i + 1]], [segments[i + 2], segments[i + 3]]]) {
      const at = key(x, y);
      const known = from.get(at);
      if (known) known.push(i);
      else from.set(at, [i]);
    }
  }
  const used = new Uint8Array(segments.length / 4);
  const lines = [];
  for (let first = 0; first < segments.length; first += 4) {
    if (used[first / 4]) continue;
    used[first / 4] = 1;
    const line = [segments[first], segments[first + 1], segments[first + 2], segments[first + 3]];
    for (;;) {
      const [x, y] = line.slice(-2);
      const next = from.get(key(x, y)).find((i) => !used[i / 4]);
      if (next === undefined) break;
      used[next / 4] = 1;
      const forward = segments[next] === x && segments[next + 1] === y;
      append(line, segments[forward ? next + 2 : next], segments[forward ? next + 3 : next + 1]);
    }
    lines.push(line);
  }
  return lines;
}

/** Adds a point, in place of the last one where that lies on the straight way to it. */
function append(line, x, y) {
  const n = line.length;
  const [ax, ay] = [line[n - 2] - line[n - 4], line[n - 1] - line[n - 3]];
  const [bx, by] = [x - line[n - 2], y - line[n - 1]];
  if (ax * by === ay * bx && ax * bx + ay * by > 0) line.splice(n - 2, 2, x, y);
  else line.push(x, y);
}
