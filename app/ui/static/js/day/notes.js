/** What people say of the image at hand: comments with who and when, and a flag with its reason. */
import { make } from "../dom.js";
import { call, post } from "../net/api.js";
import { t } from "../texts.js";
import { agoText } from "./rows.js";

export class Notes {
  #kind = "comment"; // what Enter sends
  #shown = null; // id of the item whose notes are listed

  constructor(part, app, { queue, vault, link }) {
    Object.assign(this, { app, queue, vault, link, box: part.notes, title: part.notesTitle, tag: part.notesFlag });
    Object.assign(this, { list: part.noteList, input: part.noteText, flag: part.noteFlag });
    this.input.addEventListener("input", () => this.#keep());
    this.input.addEventListener("keydown", (event) => this.#key(event));
    part.noteSend.addEventListener("click", () => this.#send("comment"));
    this.flag.addEventListener("click", () => this.#send(this.flag.dataset.kind));
    this.#paint({ flagged: false, notes: [] });
  }

  /** Opens the field for a comment or a flag's reason. */
  write(kind) {
    if (!this.app.work) return;
    this.#kind = kind;
    this.box.open = true;
    this.input.placeholder = t(`notes.hint.${kind}`);
    this.input.focus();
  }

  async imageChanged() {
    const id = this.app.work?.item.id ?? null;
    this.#shown = id;
    this.#kind = "comment";
    this.input.placeholder = t("notes.hint.comment");
    this.input.value = (id && this.vault.read(`note:${id}`)) ?? "";
    this.#paint({ flagged: this.app.work?.item.flagged ?? false, notes: [] });
    if (id) await this.#read(id);
  }

  async #read(id) {
    const answer = await call(`items/${id}/notes`).catch((error) => void this.link.report(error));
    if (answer && this.#shown === id) this.#paint(answer);
  }

  /** What is written and not sent survives a reload. */
  #keep() {
    const name = `note:${this.#shown}`;
    if (this.input.value.trim()) this.vault.write(name, this.input.value);
    else this.vault.remove(name);
  }

  #key(event) {
    if (event.key === "Enter" && !event.isComposing) this.#send(this.#kind);
    else if (event.key === "Escape") this.app.canvas.focus({ preventScroll: true });
    else return;
    event.preventDefault();
  }

  async #send(kind) {
    const id = this.#shown;
    const text = this.input.value.trim();
    if (!id) return;
    if (!text && kind !== "resolve") return this.write(kind);
    try {
      await post(`items/${id}/notes`, { annotator: this.queue.annotator, kind, text });
    } catch (error) {
      if (!this.link.report(error)) this.app.messages.say(t("notes.notSent", { detail: error.message }), { bad: true });
      return;
    }
    this.vault.remove(`note:${id}`);
    if (this.#shown === id) this.input.value = "";
    this.app.canvas.focus({ preventScroll: true });
    this.app.messages.say(t(`notes.sent.${kind}`));
    await this.#read(id);
    this.app.day.on("noted");
  }

  #paint({ flagged, notes }) {
    this.title.textContent = notes.length ? t("notes.count", { count: notes.length }) : t("notes.title");
    this.tag.hidden = !flagged;
    this.flag.dataset.kind = flagged ? "resolve" : "flag";
    this.flag.textContent = t(`notes.${this.flag.dataset.kind}`);
    this.list.hidden = !notes.length;
    this.list.replaceChildren(...notes.map((note) => this.#row(note)));
    this.list.scrollTop = this.list.scrollHeight;
  }

  #row({ annotator, kind, text, created_at }) {
    const who = make("span", { class: "fc-quiet", text: t("notes.who", { name: annotator, when: agoText(created_at) }) });
    who.title = new Date(created_at).toLocaleString();
    const tag = kind === "comment" ? [] : [make("span", { class: "fc-tag", text: t(`notes.tags.${kind}`) })];
    return make("li", {}, make("div", {}, who, ...tag), make("p", { text }));
  }
}
