/** Tools above the stage and the state line under it. */
import { t } from "../texts.js";
import { ariaKeys } from "./keys.js";

export class Toolbar {
  constructor(root, app, commands) {
    this.root = root;
    this.app = app;
    const byId = new Map(commands.map((command) => [command.id, command]));
    for (const button of root.querySelectorAll("[data-command]")) {
      const command = byId.get(button.dataset.command);
      button.setAttribute("aria-keyshortcuts", ariaKeys(command));
      button.title = `${t(`commands.${command.id}`)} (${command.keys[0]})`;
      button.addEventListener("click", (event) => command.run(event, command.keys[0]));
    }
    for (const button of root.querySelectorAll("[data-style]")) {
      button.title = button.getAttribute("aria-label");
      button.addEventListener("click", () => app.maskStyle.choose(button.dataset.style));
    }
    this.size = root.querySelector("[data-size]");
    this.size.addEventListener("input", () => app.setPreference("brush", fromSlider(this.size.valueAsNumber)));
    this.output = Object.fromEntries([...root.querySelectorAll("[data-out]")].map((node) => [node.dataset.out, node]));
    this.showLink("up");
  }

  #command(id) {
    return this.root.querySelectorAll(`[data-command="${id}"]`);
  }

  refresh() {
    const { app } = this;
    const history = app.work?.history;
    for (const part of this.root.querySelectorAll("[data-needs-image]")) part.inert = app.work === null;
    for (const button of this.root.querySelectorAll("button[data-tool]")) {
      button.setAttribute("aria-pressed", button.dataset.tool === app.tool);
    }
    for (const [id, able] of [["undo", history?.canUndo], ["redo", history?.canRedo], ["accept", app.work], ["skip", app.work]]) {
      for (const button of this.#command(id)) button.disabled = !able;
    }
    for (const button of this.root.querySelectorAll("[data-style]")) {
      button.setAttribute("aria-pressed", button.dataset.style === app.maskStyle.chosen);
    }
    for (const button of this.#command("flicker")) button.setAttribute("aria-pressed", app.maskStyle.isFlickering);
    for (const button of this.#command("negative")) button.setAttribute("aria-pressed", app.negative);
    this.size.value = toSlider(app.prefs.brush);
    this.size.closest("label").hidden = !app.stage.brush;
    this.output.zoom.textContent = app.work ? t("status.zoom", { percent: Math.round(app.view.scale * 100) }) : "";
  }

  projectChanged() {
    this.root.dataset.task = this.app.project?.task ?? "";
    this.refresh();
  }

  showPixel(pixel) {
    this.output.pixel.textContent = this.app.gauge.textOf(pixel);
  }

  showBusy(busy) {
    this.root.classList.toggle("fc-busy", busy);
  }

  showDraft(state) {
    this.output.draft.textContent = state ? t(`status.${state}`) : "";
  }

  showLink(state) {
    this.output.link.dataset.state = state;
    this.output.link.textContent = t(`status.${state}`);
  }
}

/** The slider is even in steps of size that look alike. */
const toSlider = (radius) => Math.round(Math.log2(radius) * 20);
const fromSlider = (value) => Math.round(2 ** (value / 20) * 10) / 10;
