/** A freehand outline whose inside is painted in, or out; a hand edit as the brush's. */
import { IN, OUT } from "../core/live_mask.js";
import * as sheets from "../core/sheet.js";
import { thin } from "../core/strokes.js";

const FINE = 0.1; // pixels: corners closer to the line than this change no pixel worth the time

export class Lasso {
  constructor(app, at, erase) {
    Object.assign(this, { app, work: app.work, erase, points: [[at.x, at.y]] });
  }

  move(at) {
    this.points.push([at.x, at.y]);
    this.app.stage.draw();
  }

  end(done) {
    const { app, work, erase } = this;
    if (!done || !app.isOpen || app.work !== work) return;
    work.clicks++;
    if (!work.live.fill([thin(this.points, FINE)], erase ? OUT : IN)) return;
    if (work.commit(sheets.setEdits(work.sheet, work.live.edits()), erase ? "lasso-" : "lasso+")) app.changed();
  }

  /** What takes away is dashed. */
  paint(g, view) {
    const path = new Path2D();
    for (const [x, y] of this.points) {
      const at = view.toView(x, y);
      path.lineTo(at.x, at.y);
    }
    path.closePath();
    g.fillStyle = this.erase ? "#d93a3a40" : "#ffffff40";
    g.fill(path, "nonzero");
    for (const [width, style, dash] of [[3.5, "#000000a0", []], [1.5, this.erase ? "#ff9d9d" : "#fff", this.erase ? [6, 5] : []]]) {
      g.lineWidth = width;
      g.strokeStyle = style;
      g.setLineDash(dash);
      g.stroke(path);
    }
    g.setLineDash([]);
  }
}
