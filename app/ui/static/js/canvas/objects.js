/** Hiding and locking of objects. Hidden ones are saved like the others; locked ones can be neither changed nor deleted. */
import { filled, isBlank, setName } from "../core/sheet.js";
import { t } from "../texts.js";
import { objectName } from "./object_list.js";

export class Objects {
  constructor(app) {
    this.app = app;
  }

  /** Takes care of a newly opened image. */
  watch(work) {
    work.shelf.onRefused = (object) => this.app.messages.say(t("look.locked", { name: objectName(this.app, object) }), { bad: true });
  }

  #open() {
    return this.app.isOpen && !this.app.isClassification;
  }

  hide(id = this.app.work?.active.id) {
    if (this.#open()) this.#hideBy(({ shelf }) => shelf.toggle(shelf.hidden, id));
  }

  only(id = this.app.work?.active.id) {
    if (this.#open()) this.#hideBy(({ shelf, sheet }) => shelf.only(id, filled(sheet)));
  }

  #hideBy(change) {
    const { app } = this;
    change(app.work);
    app.flow.noteChange();
    app.refresh();
    const count = filled(app.work.sheet).filter((object) => app.work.shelf.hidden.has(object.id)).length;
    app.messages.say(count ? t("look.hidden", { count }) : t("look.noneHidden"));
  }

  /** Lets the name of an object be typed in its row. */
  rename(id = this.app.work?.active.id) {
    if (this.#open()) this.app.panel.list.edit(id);
  }

  /** Takes over what was typed; nothing takes the name away. */
  setName(id, text) {
    const { app } = this;
    if (this.#open() && app.work.commit(setName(app.work.sheet, id, text), "rename")) app.changed();
    else app.refresh();
  }

  lock(id = this.app.work?.active.id) {
    if (!this.#open()) return;
    const { app } = this;
    const { shelf, sheet } = app.work;
    const object = sheet.objects.find((o) => o.id === id);
    if (isBlank(object)) return app.messages.say(t("look.nothingToLock"));
    shelf.toggle(shelf.locked, id);
    app.flow.noteChange();
    app.refresh();
    const name = objectName(app, object);
    app.messages.say(shelf.locked.has(id) ? t("look.nowLocked", { name }) : t("look.unlocked", { name }));
  }
}
