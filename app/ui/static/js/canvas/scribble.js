/** A freehand stroke through the object, or through what is not it, as a prompt for the model. */
import { MAX_STROKES, thinnedStroke } from "../core/strokes.js";
import { t } from "../texts.js";
import { paintStroke } from "./prompt_marks.js";

export class Scribble {
  #leftImage = false;

  constructor(app, at, negative) {
    Object.assign(this, { app, work: app.work, label: negative ? 0 : 1, points: [] });
    this.move(at);
  }

  /** A stroke ends where it leaves the image. */
  move(at) {
    this.#leftImage ||= !this.app.view.contains(at);
    if (!this.#leftImage) this.points.push([at.x, at.y]);
    this.app.stage.draw();
  }

  end(done) {
    const { app, work, label } = this;
    if (!done || !this.points.length || !app.isOpen || app.work !== work) return;
    if (work.active.scribbles.length >= MAX_STROKES) return app.messages.say(t("say.strokesFull", { most: MAX_STROKES }));
    work.clicks++;
    if (work.addScribble({ points: thinnedStroke(this.points), label })) app.changed();
  }

  paint(g, view) {
    if (this.points.length) paintStroke(g, view, this);
  }
}
