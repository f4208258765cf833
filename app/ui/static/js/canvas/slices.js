/**
 * The slices of a volume: a slider, the wheel and keys go through them. Other slices than the one that is worked on are
 * for a look: nothing can be drawn on them before they are opened, and the work waits untouched until one comes back.
 */
import { aheadOf, clampSlice, markOf, WheelSteps } from "../core/slices.js";
import * as sheets from "../core/sheet.js";
import { call } from "../net/api.js";
import { Pictures } from "../net/pictures.js";
import { t } from "../texts.js";
import { SliceBar } from "./slice_bar.js";

const REACH = 4; // slices that are fetched ahead on both sides
const KEPT = 40;
const CARRY_SECONDS = 600;

export class Slices {
  #pictures = new Pictures(KEPT);
  #wheel = new WheelSteps();
  #asked = 0;
  volume = null; // as /v1/volumes/{id} tells it
  index = 0; // of the slice in sight
  count = 0; // 0 for an image on its own
  own = 0; // index of the slice that is worked on

  constructor(app) {
    this.app = app;
  }

  attach(root, { queue, link }) {
    Object.assign(this, { queue, link });
    this.bar = new SliceBar(root, this);
  }

  get isAway() {
    return this.count > 0 && this.index !== this.own;
  }

  /** A newly shown image; null for none. */
  open(work) {
    const place = work?.item.volume ?? null;
    this.count = place?.n_slices ?? 0;
    this.own = this.index = place?.index ?? 0;
    if (this.volume?.id !== place?.volume_id) this.volume = null;
    this.#asked++;
    this.bar.open(place);
    this.app.planes?.follow();
    if (place) this.refresh().then(() => this.#fetchAhead(1));
  }

  /** Reads how far each slice is. */
  async refresh() {
    const { work } = this.app;
    try {
      const volume = await call(`volumes/${work.item.volume.volume_id}`);
      if (this.app.work !== work) return;
      this.volume = volume;
      this.bar.mark(volume.slices.map(markOf));
      this.app.planes.follow();
    } catch (error) {
      this.link.report(error);
    }
  }

  step(step) {
    if (this.count) this.goTo(this.index + step);
  }

  wheel({ deltaX, deltaY, deltaMode, shiftKey }) {
    this.step(this.#wheel.add(shiftKey ? deltaY || deltaX : deltaY, deltaMode));
  }

  /** Brings a slice in sight; the newest wish wins. */
  async goTo(wanted) {
    const index = clampSlice(wanted, this.count);
    if (index === this.index || !this.volume || this.app.pointer.drawing) return;
    const step = Math.sign(index - this.index);
    this.index = index;
    this.app.isOpen = false;
    const asked = ++this.#asked;
    this.bar.show();
    this.app.planes.follow();
    if (index === this.own) return this.#return();
    try {
      const { item_id } = this.volume.slices[index];
      const [picture, masks] = await Promise.all([this.#pictures.get(item_id), this.#masksOf(index)]);
      if (asked !== this.#asked) return;
      this.#see(picture, masks);
      this.app.messages.announce(t("slices.at", { slice: index + 1, count: this.count }));
      this.#fetchAhead(step);
    } catch (error) {
      if (asked !== this.#asked) return;
      if (!this.link.report(error)) this.app.messages.say(t("say.loadFailed", { detail: error.message }), { bad: true });
      this.back();
    }
  }

  #see(picture, masks) {
    const { stage, work, display } = this.app;
    work.seen = picture;
    stage.exchange(picture, { elsewhere: true });
    stage.setWindow(work.window, display.extra);
    stage.setOthers(masks.map(({ class_id, mask }) => ({ counts: mask.counts, colour: this.app.colourOf({ classId: class_id }) })));
    this.app.hover(stage.hover);
  }

  /** Accepted masks of a slice, else its starting masks. */
  async #masksOf(index) {
    const { item_id, version, has_suggestion } = this.volume.slices[index];
    if (version) return (await call(`items/${item_id}`)).annotation?.objects ?? [];
    return has_suggestion ? (await call(`items/${item_id}/suggestion`)).objects : [];
  }

  #fetchAhead(step) {
    if (!this.volume) return;
    for (const index of aheadOf(this.index, this.count, step, REACH)) {
      this.#pictures.get(this.volume.slices[index].item_id).catch(() => {}); // shows when one goes there
    }
  }

  /** Back to the slice that is worked on, as it was left. */
  back() {
    if (!this.isAway) return;
    this.index = this.own;
    this.#asked++;
    this.bar.show();
    this.app.planes.follow();
    this.#return();
  }

  #return() {
    const { app } = this;
    const { work } = app;
    work.seen = work.picture;
    app.stage.exchange(work.picture, { elsewhere: false });
    app.stage.setWindow(work.window, app.display.extra);
    app.isOpen = app.flow.mayChange(work);
    app.repaint();
  }

  /** Someone presses on a slice that is there for a look. */
  remind() {
    this.app.messages.say(t("slices.look", { slice: this.index + 1, own: this.own + 1 }), {
      action: { text: t("slices.here"), run: () => this.workHere() },
    });
  }

  /** Opens the slice in sight; what was begun on the other one is kept as a draft. */
  async workHere() {
    if (!this.isAway || !this.volume) return;
    const { item_id } = this.volume.slices[this.index];
    const { view } = this.app;
    const { scale, left, top } = view;
    await this.app.flow.open(() => this.queue.take(item_id));
    if (this.app.work?.item.id !== item_id) return;
    Object.assign(view, { scale, left, top }); // one stays where one looked
    this.app.viewMoved();
  }

  /** Carries the masks in work over to the neighbours, as starting masks. */
  async carry() {
    const { app } = this;
    const { work } = app;
    if (!this.count || app.isClassification) return;
    if (this.isAway) return this.remind();
    const objects = sheets
      .filled(work.sheet)
      .map((object) => ({ class_id: object.classId, mask: { size: [work.item.height, work.item.width], counts: work.answers.final(object) } }));
    if (!objects.length || work.hasNothing()) return app.messages.say(t("slices.nothingToCarry"));
    if (work.pending().length) return app.messages.say(t("say.waitMask"));
    this.bar.busy(true);
    app.messages.say(t("slices.carrying"), { sticky: true });
    try {
      const body = { n: this.bar.reach, objects };
      const { slices } = await call(`items/${work.item.id}/propagate`, { method: "POST", body, timeoutSeconds: CARRY_SECONDS });
      if (app.work === work) await this.refresh();
      app.messages.say(slices.length ? t("slices.carried", { count: slices.length }) : t("slices.notCarried"));
      this.queue.refresh().catch((error) => this.link.report(error));
    } catch (error) {
      if (!this.link.report(error)) app.messages.say(t("slices.carryFailed", { detail: error.message }), { bad: true });
    } finally {
      this.bar.busy(false);
    }
  }
}
