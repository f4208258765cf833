/**
 * Geometry of the canvas. Image coordinates are continuous pixels: pixel i spans [i, i + 1).
 * View coordinates are CSS pixels from the canvas' top left corner.
 */
const MIN_SCALE = 0.02;
const MAX_SCALE = 64;

const clamp = (v, lo, hi) => Math.min(hi, Math.max(lo, v));

export class Viewport {
  imageWidth = 1;
  imageHeight = 1;
  width = 0;
  height = 0;
  scale = 1;
  left = 0;
  top = 0;

  setImage(width, height) {
    this.imageWidth = width;
    this.imageHeight = height;
    this.fit();
  }

  /** Keeps the image point that was at the centre of the view there; the first call fits the image. */
  resize(width, height) {
    const first = !this.width || !this.height;
    const fitted = first || this.isFitted();
    const centre = this.toImage(this.width / 2, this.height / 2);
    this.width = width;
    this.height = height;
    if (fitted) return this.fit();
    this.left = width / 2 - centre.x * this.scale;
    this.top = height / 2 - centre.y * this.scale;
  }

  fitScale(margin = 16) {
    const across = (this.width - 2 * margin) / this.imageWidth;
    const down = (this.height - 2 * margin) / this.imageHeight;
    return clamp(Math.min(across, down), MIN_SCALE, MAX_SCALE);
  }

  fit() {
    this.scale = this.fitScale();
    this.left = (this.width - this.imageWidth * this.scale) / 2;
    this.top = (this.height - this.imageHeight * this.scale) / 2;
  }

  isFitted() {
    const sameScale = Math.abs(this.scale - this.fitScale()) < 1e-9;
    return sameScale && Math.abs(this.left - (this.width - this.imageWidth * this.scale) / 2) < 1e-6;
  }

  toImage(vx, vy) {
    return { x: (vx - this.left) / this.scale, y: (vy - this.top) / this.scale };
  }

  toView(x, y) {
    return { x: x * this.scale + this.left, y: y * this.scale + this.top };
  }

  /** Zooms so that the image point under (vx, vy) stays there. */
  zoomAt(vx, vy, factor) {
    const scale = clamp(this.scale * factor, MIN_SCALE, MAX_SCALE);
    const k = scale / this.scale;
    this.left = vx - (vx - this.left) * k;
    this.top = vy - (vy - this.top) * k;
    this.scale = scale;
    this.#keepInReach();
  }

  pan(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.#keepInReach();
  }

  /** Moves the image point to the middle of the view. */
  centre(x, y) {
    this.left = this.width / 2 - x * this.scale;
    this.top = this.height / 2 - y * this.scale;
  }

  /** Shows the image box [x0, y0, x1, y1] with some room around it. */
  showBox([x0, y0, x1, y1], room = 0.35) {
    const w = Math.max(4, x1 - x0) * (1 + 2 * room);
    const h = Math.max(4, y1 - y0) * (1 + 2 * room);
    this.scale = clamp(Math.min(this.width / w, this.height / h), MIN_SCALE, MAX_SCALE / 4);
    this.left = this.width / 2 - ((x0 + x1) / 2) * this.scale;
    this.top = this.height / 2 - ((y0 + y1) / 2) * this.scale;
  }

  contains({ x, y }) {
    return x >= 0 && y >= 0 && x < this.imageWidth && y < this.imageHeight;
  }

  clampToImage({ x, y }) {
    return { x: clamp(x, 0, this.imageWidth), y: clamp(y, 0, this.imageHeight) };
  }

  /** A corner of the image always stays in sight, so that nobody gets lost. */
  #keepInReach() {
    const keep = 48;
    this.left = clamp(this.left, keep - this.imageWidth * this.scale, this.width - keep);
    this.top = clamp(this.top, keep - this.imageHeight * this.scale, this.height - keep);
  }
}
