/** An annotator's day around the canvas: what was done, the pace, the model's suggestion, notes and guidelines. */
import { Judge } from "../judge/judge.js";
import { DoneLately } from "./done_lately.js";
import { Grid } from "./grid.js";
import { Guide } from "./guide.js";
import { Notes } from "./notes.js";
import { Pace } from "./pace.js";
import { Verify } from "./verify.js";

export class Day {
  #projectId = null;

  constructor(root, app, { queue, vault, link }) {
    const part = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
    this.app = app;
    this.verify = new Verify(part.verify, app);
    this.done = new DoneLately(part, app, { queue, vault, link });
    this.grid = new Grid(part, app, { queue, vault, link });
    this.judge = new Judge(part, app, { queue, link });
    this.notes = new Notes(part, app, { queue, vault, link });
    this.guide = new Guide(part.guide, app, { link });
    this.pace = new Pace(part.pace, app, { queue, link });
    this.parts = [this.verify, this.done, this.grid, this.judge, this.notes, this.guide, this.pace];
  }

  /** The page's own events: task_changed, saved, skipped, queue_empty. */
  on(event) {
    const id = this.app.project?.id ?? null;
    if (id !== this.#projectId) this.#tell("projectChanged", this.app.project);
    this.#projectId = id;
    this.#tell(event === "task_changed" ? "imageChanged" : event === "queue_empty" ? "imageChanged" : "imageDone");
  }

  /** The work on the image has changed. */
  refresh() {
    this.#tell("refresh");
  }

  /** Escape closes what lies over the image; false where nothing does. */
  escape() {
    return this.parts.some((part) => part.escape?.());
  }

  close() {
    this.#tell("close");
  }

  #tell(what, value) {
    for (const part of this.parts) part[what]?.(value);
  }
}
