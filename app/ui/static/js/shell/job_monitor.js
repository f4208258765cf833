/** Shows how far a job is, and cancels it. value = {job_id}; event: job_end {job_id, state}. */
import { call, post } from "../net/api.js";
import { followJob, isOver } from "../net/job_events.js";
import { t } from "../texts.js";
import { attach, parts } from "./component.js";

export function mount(element, ctx) {
  let part;
  let followed;
  let stop = () => {};

  const show = (job) => {
    element.firstElementChild.dataset.state = job?.state ?? "";
    element.firstElementChild.hidden = !job;
    if (!job) return;
    part.bar.hidden = part.cancel.hidden = isOver(job);
    part.line.textContent = t("job.line", { kind: t(`job.kinds.${job.kind}`), state: t(`job.${job.state}`) });
    part.detail.textContent = job.error ?? (job.state === "done" ? "" : job.message);
    if (job.steps) Object.assign(part.bar, { max: job.steps, value: job.step });
    else part.bar.removeAttribute("value");
    part.steps.textContent = job.steps && !isOver(job) ? t("job.steps", job) : "";
  };

  const follow = async ({ job_id: id = null }) => {
    if (id === followed) return;
    followed = id;
    stop();
    const job = id ? await call(`jobs/${id}`).catch(() => null) : null;
    if (id !== followed) return;
    show(job);
    if (!job || isOver(job)) return;
    stop = followJob(id, {
      onJob: (news) => id === followed && show(news),
      onEnd: (ended) => ctx.trigger("job_end", { job_id: id, state: ended.state }),
    });
  };

  const start = () => {
    part = parts(element);
    part.cancel.addEventListener("click", async () => {
      part.cancel.disabled = true;
      await post(`jobs/${followed}/cancel`).catch((error) => (part.detail.textContent = error.message));
      part.cancel.disabled = false;
    });
  };
  return attach(element, ctx, { start, change: follow, stop: () => stop() });
}
