/** Geometry of the map: points of the plane (y upwards, about -1 to 1) on a canvas of CSS pixels. */
const MARGIN = 18;
const ZOOM = [0.5, 400];

export class ScatterView {
  width = 0;
  height = 0;
  scale = 1;
  left = 0;
  top = 0;

  /** Takes a new size; what was in the middle stays there, and a map that was shown whole still is. */
  resize(width, height, points) {
    const whole = !this.width || this.isWhole;
    const middle = this.toPlane(this.width / 2, this.height / 2);
    Object.assign(this, { width, height });
    if (whole) return this.fit(points);
    this.left = width / 2 - middle.x * this.scale;
    this.top = height / 2 + middle.y * this.scale;
  }

  /** Shows all points. */
  fit({ x, y }) {
    const [west, east] = extent(x);
    const [south, north] = extent(y);
    const across = (this.width - 2 * MARGIN) / Math.max(east - west, 1e-6);
    const down = (this.height - 2 * MARGIN) / Math.max(north - south, 1e-6);
    this.scale = this.whole = Math.max(1e-6, Math.min(across, down, 1e6));
    if (x.length < 2) this.scale = this.whole = this.height / 2 || 1;
    this.left = this.width / 2 - (this.scale * (west + east)) / 2;
    this.top = this.height / 2 + (this.scale * (south + north)) / 2;
    this.isWhole = true;
  }

  isWhole = true;

  toView(x, y) {
    return { x: this.left + x * this.scale, y: this.top - y * this.scale };
  }

  toPlane(x, y) {
    return { x: (x - this.left) / this.scale, y: (this.top - y) / this.scale };
  }

  zoomAt(x, y, factor) {
    const wanted = Math.min(ZOOM[1] * this.whole, Math.max(ZOOM[0] * this.whole, this.scale * factor));
    const k = wanted / this.scale;
    this.left = x - (x - this.left) * k;
    this.top = y - (y - this.top) * k;
    this.scale = wanted;
    this.isWhole = false;
  }

  panBy(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.isWhole = false;
  }
}

const extent = (values) => {
  let low = Infinity;
  let high = -Infinity;
  for (const v of values) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return values.length ? [low, high] : [0, 0];
};

/** Place of the point nearest to a position of the canvas, within `radius` pixels; -1 for none. */
export function nearest(view, { x, y }, px, py, radius = 9) {
  let found = -1;
  let least = radius * radius;
  for (let i = 0; i < x.length; i++) {
    const dx = view.left + x[i] * view.scale - px;
    const dy = view.top - y[i] * view.scale - py;
    const d = dx * dx + dy * dy;
    if (d <= least) {
      least = d;
      found = i;
    }
  }
  return found;
}

/** Places of the points inside a polygon of the canvas, by the even-odd rule; fewer than three corners hold none. */
export function inside(view, { x, y }, corners) {
  const found = [];
  if (corners.length < 3) return found;
  const [west, east] = extent(corners.map((c) => c.x));
  const [north, south] = extent(corners.map((c) => c.y));
  for (let i = 0; i < x.length; i++) {
    const px = view.left + x[i] * view.scale;
    const py = view.top - y[i] * view.scale;
    if (px >= west && px <= east && py >= north && py <= south && isInside(corners, px, py)) found.push(i);
  }
  return found;
}

function isInside(corners, px, py) {
  let odd = false;
  for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
    const a = corners[i];
    const b = corners[j];
    if (a.y > py !== b.y > py && px < ((b.x - a.x) * (py - a.y)) / (b.y - a.y) + a.x) odd = !odd;
  }
  return odd;
}
