/** The image as the view shows it, scaled once: most frames change only what lies over it. */
export class Backdrop {
  #key = null; // what the last frame showed
  #kept = false; // whether the copy shows the same
  #copy = document.createElement("canvas").getContext("2d", { alpha: false });

  /** The image or its grey values are others from here on. */
  forget() {
    this.#key = null;
  }

  /** Has draw(context) fill the canvas of `g`, or copies what it drew under the same key. */
  paint(g, key, draw) {
    if (key !== this.#key) {
      this.#key = key; // the view moves: a copy would be made in vain
      this.#kept = false;
      return draw(g);
    }
    if (!this.#kept) {
      const { width, height } = g.canvas;
      Object.assign(this.#copy.canvas, { width, height });
      draw(this.#copy);
      this.#kept = true;
    }
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.drawImage(this.#copy.canvas, 0, 0);
  }
}
