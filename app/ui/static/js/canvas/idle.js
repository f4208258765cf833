/** What the stage shows when there is no image: what to do next, or how far the job is that brings new work. */
import { make } from "../dom.js";
import { call, post } from "../net/api.js";
import { followJob, isOver } from "../net/job_events.js";
import { t } from "../texts.js";

const LOOK_AGAIN_MS = 4000;

/** Which of the texts under `idle` fits a project. */
export function idleKind({ counts, round }) {
  if (!counts.items) return "noImages";
  if (counts.leased) return "others";
  if (!counts.unqueued && !counts.queued) return "all";
  return round ? "done" : "start";
}

export class Idle {
  #timer = null;
  #stop = null;
  #onWork = null;
  #look = null;

  constructor(element, { link }) {
    this.element = element;
    this.link = link;
    // back from another tab: what was done there counts at once
    this.sight = new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && this.#look?.());
    this.sight.observe(element);
  }

  hide() {
    clearTimeout(this.#timer);
    this.#stop?.();
    this.#stop = this.#look = null;
    this.element.hidden = true;
  }

  /** onWork() is called when new images may be there. */
  async show(project, onWork) {
    this.hide();
    this.#onWork = onWork;
    if (!project) return this.#paint("noProject", {}, [this.#projectButton()]);
    const job = project.job_id ? await call(`jobs/${project.job_id}`).catch(() => null) : null;
    if (job && !isOver(job)) return this.#follow(job);
    const kind = idleKind(project);
    const buttons = [];
    if (kind === "noImages") buttons.push(this.#projectButton());
    if (kind === "start" || kind === "done") buttons.push(this.#startButton(project));
    this.#paint(kind, { ...project.counts, round: project.round }, buttons);
    if (job?.state === "failed") this.#note(t("idle.failed", { detail: job.error ?? "" }));
    this.#lookAgain(project);
  }

  showOutage(retry) {
    this.hide();
    this.#paint("offline", {}, []);
    const off = this.link.onChange((state) => {
      if (state !== "up") return;
      off();
      retry();
    });
    this.#stop = off;
  }

  #paint(kind, values, buttons) {
    this.element.replaceChildren(
      make("h2", { text: t(`idle.${kind}.title`, values) }),
      make("p", { text: t(`idle.${kind}.body`, values) }),
      ...buttons,
    );
    this.element.hidden = false;
  }

  #note(text) {
    this.element.append(make("p", { text, class: "fc-bad-text" }));
  }

  #button(text, run) {
    const button = make("button", { text, type: "button", class: "fc-button fc-primary" });
    button.addEventListener("click", () => run(button));
    return button;
  }

  #startButton(project) {
    return this.#button(t(project.round ? "idle.startNext" : "idle.startFirst"), async (button) => {
      button.disabled = true;
      try {
        this.#follow(await post(`projects/${project.id}/rounds`, { n: null, strategy: null, seed: 0 }));
      } catch (error) {
        button.disabled = false;
        if (error.code === "busy") return this.show(await call(`projects/${project.id}`), this.#onWork);
        if (!this.link.report(error)) this.#note(error.message);
      }
    });
  }

  #projectButton() {
    return this.#button(t("idle.openProject"), () => {
      const tabs = [...document.querySelectorAll("[role=tab]")];
      tabs.find((tab) => tab.textContent.trim() === t("app.tabs.project"))?.click();
    });
  }

  #follow(job) {
    this.hide();
    this.#paint("job", {}, []);
    const bar = make("progress", { "aria-label": t("job.label") });
    const line = make("p", { class: "fc-quiet" });
    this.element.append(bar, line);
    const show = ({ step, steps, message }) => {
      if (steps) Object.assign(bar, { max: steps, value: step });
      line.textContent = message;
    };
    show(job);
    this.#stop = followJob(job.id, { onJob: show, onEnd: () => this.#onWork?.() });
  }

  /** Someone else may start a round, give images back or import some. */
  #lookAgain(project) {
    this.#look = async () => {
      clearTimeout(this.#timer);
      if (!document.hidden && this.element.offsetParent) {
        try {
          if (await this.#hasNews(project)) return;
        } catch (error) {
          this.link.report(error);
        }
      }
      if (!this.element.hidden) this.#timer = setTimeout(() => this.#look?.(), LOOK_AGAIN_MS);
    };
    this.#timer = setTimeout(() => this.#look?.(), LOOK_AGAIN_MS);
  }

  async #hasNews(before) {
    const project = await call(`projects/${before.id}`);
    if (this.element.hidden) return true;
    const job = project.job_id ? await call(`jobs/${project.job_id}`) : null;
    if (project.counts.queued) this.#onWork?.();
    else if (job && !isOver(job)) this.#follow(job);
    else if (idleKind(project) !== idleKind(before)) this.show(project, this.#onWork);
    else return false;
    return true;
  }
}
