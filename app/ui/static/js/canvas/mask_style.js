/** How masks are shown: filled, as outlines, hidden, or flickering, so that one sees what lies under them. */
import { t } from "../texts.js";

const HALF_PERIOD_MS = 250; // 2 Hz, below the three flashes a second that can harm (WCAG 2.3.1)
const HOLD_MS = 350; // a key held longer than this flickers only while it is held

export class MaskStyle {
  #timer = null;
  #since = 0;

  constructor(app, still = matchMedia("(prefers-reduced-motion: reduce)")) {
    this.app = app;
    this.still = still;
  }

  get isFlickering() {
    return this.#timer !== null;
  }

  /** What the control shows as chosen. */
  get chosen() {
    const { stage, prefs } = this.app;
    return !stage.masksShown ? "hide" : prefs.outline ? "outline" : "fill";
  }

  choose(style) {
    this.stop();
    this.app.stage.masksShown = style !== "hide";
    if (style !== "hide") this.app.setPreference("outline", style === "outline");
    this.#show();
  }

  /** Fill and outline in turn; hidden masks come back first. */
  turn() {
    this.choose(this.chosen === "fill" ? "outline" : "fill");
  }

  toggleHidden() {
    this.stop();
    this.app.stage.masksShown = !this.app.stage.masksShown;
    this.#show();
  }

  /** On and off; whoever wants little motion gets one change a press. */
  flicker() {
    if (this.still.matches) return this.toggleHidden();
    if (this.isFlickering) return this.stop();
    this.#since = performance.now();
    this.app.stage.masksShown = true;
    this.#timer = setInterval(() => {
      this.app.stage.blinked = !this.app.stage.blinked;
      this.app.stage.draw();
    }, HALF_PERIOD_MS);
    this.app.stage.blinked = true;
    this.#show();
    this.app.messages.announce(t("look.flickering"));
  }

  release() {
    if (this.isFlickering && performance.now() - this.#since > HOLD_MS) this.stop();
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = null;
    this.app.stage.blinked = false;
    this.#show();
  }

  #show() {
    const { app } = this;
    app.stage.draw();
    app.toolbar.refresh();
  }
}
