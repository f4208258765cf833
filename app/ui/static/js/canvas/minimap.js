/** The whole image in a corner while only a part of it is in sight; a click or drag on it moves the view there. */
const LONGEST_PX = 150;

export class Minimap {
  constructor(root, app) {
    this.app = app;
    this.canvas = root.querySelector("[data-part=overview]");
    this.context = this.canvas.getContext("2d");
    app.stage.overlays.push((g, view) => this.#follow(view));
    const go = (event) => {
      if (event.type === "pointerdown") this.canvas.setPointerCapture(event.pointerId);
      else if (!event.buttons) return;
      const box = this.canvas.getBoundingClientRect();
      const { view } = app;
      view.centre(((event.clientX - box.left) / box.width) * view.imageWidth, ((event.clientY - box.top) / box.height) * view.imageHeight);
      app.viewMoved();
    };
    for (const name of ["pointerdown", "pointermove"]) this.canvas.addEventListener(name, go);
  }

  #follow(view) {
    const a = view.toImage(0, 0);
    const b = view.toImage(view.width, view.height);
    const whole = a.x <= 0 && a.y <= 0 && b.x >= view.imageWidth && b.y >= view.imageHeight;
    this.canvas.hidden = whole || !this.app.work || !this.app.prefs.minimap;
    if (this.canvas.hidden) return;
    const scale = LONGEST_PX / Math.max(view.imageWidth, view.imageHeight);
    const [width, height] = [view.imageWidth, view.imageHeight].map((size) => Math.max(24, Math.round(size * scale)));
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const g = this.context;
    g.imageSmoothingQuality = "medium";
    const picture = this.app.stage.raster.overview(LONGEST_PX);
    g.drawImage(picture, 0, 0, width, height);
    const [sx, sy] = [width / view.imageWidth, height / view.imageHeight];
    const frame = [Math.max(0, a.x) * sx, Math.max(0, a.y) * sy, Math.min(view.imageWidth, b.x) * sx, Math.min(view.imageHeight, b.y) * sy];
    for (const [line, style] of [[3, "#000000c0"], [1.5, "#ffd84d"]]) {
      g.lineWidth = line;
      g.strokeStyle = style;
      g.strokeRect(frame[0], frame[1], Math.max(3, frame[2] - frame[0]), Math.max(3, frame[3] - frame[1]));
    }
  }
}
