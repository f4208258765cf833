/** Says which click model a project uses; adapts it and goes back. value = {project_id}; event: job_started {job_id}. */
import { call, post } from "../net/api.js";
import { t } from "../texts.js";
import { attach, parts } from "./component.js";

export function mount(element, ctx) {
  let part;
  let projectId = null;

  const say = (text) => (part.note.textContent = text);

  const show = (project, found) => {
    element.firstElementChild.hidden = project?.task !== "segmentation";
    if (!project) return;
    part.line.textContent = lineOf(found);
    part.rollback.hidden = !found.in_use;
    part.automatic.checked = project.adapt_automatically;
    say(noteOf(found));
  };

  const read = async () => {
    const wanted = projectId;
    if (!wanted) return show(null);
    const asked = [call(`projects/${wanted}`), call(`projects/${wanted}/adaptations`)];
    const answers = await Promise.all(asked).catch(() => null);
    if (answers && wanted === projectId) show(...answers);
  };

  /** Does one thing for the project that is open, tells what went wrong in the server's words, and keeps the focus. */
  const act = (work) => async (event) => {
    event.target.disabled = true;
    const error = await work(projectId).then(() => null, (problem) => problem);
    await read();
    if (error) say(error.message);
    event.target.disabled = false;
    if (!event.target.hidden) event.target.focus();
  };

  const start = () => {
    part = parts(element);
    part.adapt.addEventListener("click", act(async (id) => {
      const job = await post(`projects/${id}/adaptations`);
      ctx.trigger("job_started", { job_id: job.id });
    }));
    part.rollback.addEventListener("click", act((id) => post(`projects/${id}/adaptations/rollback`)));
    part.automatic.addEventListener("change", act((id) =>
      call(`projects/${id}`, { method: "PATCH", body: { adapt_automatically: part.automatic.checked } })));
  };

  const change = ({ project_id: id = null }) => {
    projectId = id;
    read();
  };
  return attach(element, ctx, { start, change, seen: read });
}

/** The click model in use, in a line. */
export function lineOf(found) {
  const used = found.adaptations.find((entry) => entry.in_use);
  if (!used) return t("adaptation.asShipped");
  const [before, after] = [used.before, used.after].map((scores) => scores.clicks_to_90.toFixed(1));
  return t("adaptation.adapted", { images: used.n_images, before, after, heldOut: used.n_held_out });
}

/** Why the last attempt was not taken into use. */
export function noteOf(found) {
  const last = found.adaptations.at(-1);
  return last && !last.accepted ? t("adaptation.refused", { reason: last.reason }) : "";
}
