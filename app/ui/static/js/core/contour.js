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
