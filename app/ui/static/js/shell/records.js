/** Heads with where they came from and a way back, what the newest is good at, and the jobs. value = {project_id}. */
import { make } from "../dom.js";
import { call, post } from "../net/api.js";
import { isOver } from "../net/job_events.js";
import { t } from "../texts.js";
import { attach, parts } from "./component.js";
import { drawDiagram } from "./diagram.js";

const MODEL_COLUMNS = ["from", "head", "labels", "measure", "verdict", "use"];
const CLASS_COLUMNS = ["name", "n", "precision", "recall", "f1"];

const heads = (row, columns) => row.replaceChildren(...columns.map((name) => make("th", { scope: "col", text: t(`records.columns.${name}`) })));
const share = (value) => (value === null ? "–" : value.toFixed(3));

export function mount(element, ctx) {
  let part;
  let projectId = null;
  let shownModels = "";

  /** Rows that say the same stay: a button in them keeps the focus and its question. */
  const showModels = (models) => {
    const told = JSON.stringify(models);
    if (told === shownModels) return;
    shownModels = told;
    const rows = [...models].reverse().map((model) => {
      const from = model.round ? t("records.ofRound", { round: model.round }) : t("records.byHand");
      const measure = model.value === null ? "–" : `${model.metric.replaceAll("_", " ")} ${model.value.toFixed(3)}`;
      const cells = [from, model.head ?? "–", model.n_labeled, measure, model.reason].map((text) => make("td", { text: String(text) }));
      return make("tr", {}, ...cells, make("td", {}, useOf(model)));
    });
    part.modelRows.replaceChildren(...rows);
    part.models.hidden = !models.length;
  };

  /** Going back takes a second click on the same button. */
  const useOf = (model) => {
    if (model.in_use) return make("strong", { text: t("records.inUse") });
    if (!model.can_use) return make("span", { class: "fc-quiet", text: t("records.gone") });
    const button = make("button", { type: "button", class: "fc-button fc-small", text: t("records.use") });
    button.addEventListener("blur", () => (button.textContent = t("records.use")));
    button.addEventListener("click", async () => {
      if (button.textContent === t("records.use")) return (button.textContent = t("records.sure"));
      button.disabled = true;
      const told = await post(`projects/${projectId}/models/rollback`, { model_id: model.id }).then(() => t("records.used"), (error) => error.message);
      await read();
      part.said.textContent = told;
    });
    return button;
  };

  const showScores = (model) => {
    const has = Boolean(model?.per_class.length);
    part.scores.hidden = !model;
    part.unscored.hidden = has;
    part.scores.querySelector(".fc-scored").hidden = !has;
    if (!has) return;
    const rows = model.per_class.map((score) => {
      const name = make("th", { scope: "row", text: score.name || t("records.background") });
      return make("tr", {}, name, ...[score.n, share(score.precision), share(score.recall), share(score.f1)].map((text) => make("td", { text: String(text) })));
    });
    part.classRows.replaceChildren(...rows);
    const bin = (b) => t("records.bin", { count: b.count, sure: b.confidence.toFixed(2), right: b.accuracy.toFixed(2) });
    drawDiagram(part.diagram, model.reliability, model.reliability_uncalibrated, { x: t("records.sureAxis"), y: t("records.rightAxis"), bin });
    part.caption.textContent = t("records.caption", { ece: share(model.ece), before: share(model.ece_uncalibrated), brier: share(model.brier) });
  };

  const showJobs = (jobs) => {
    part.jobless.hidden = jobs.length > 0;
    part.jobRows.replaceChildren(...jobs.map((job) => {
      const line = t("job.line", { kind: t(`job.kinds.${job.kind}`), state: t(`job.${job.state}`) });
      const title = make("summary", { text: `${new Date(job.created_at).toLocaleString()} · ${line}` });
      const lines = make("ul", {});
      const details = make("details", {}, title, lines);
      details.addEventListener("toggle", async () => {
        if (!details.open) return;
        const { lines: told } = await call(`jobs/${job.id}/log`).catch((error) => ({ lines: [{ text: error.message }] }));
        const all = [...told.map((one) => one.text), ...(job.error ? [job.error] : [])];
        lines.replaceChildren(...(all.length ? all : [t("records.silent")]).map((text) => make("li", { text })));
      });
      return make("li", {}, details, ...(isOver(job) ? [] : [cancelOf(job)]));
    }));
  };

  const cancelOf = (job) => {
    const button = make("button", { type: "button", class: "fc-button fc-small", text: t("job.cancel") });
    button.addEventListener("click", async () => {
      button.disabled = true;
      await post(`jobs/${job.id}/cancel`).catch((error) => (part.said.textContent = error.message));
      await read();
    });
    return button;
  };

  const read = async () => {
    const wanted = projectId;
    element.firstElementChild.hidden = !wanted;
    if (!wanted) return;
    const asked = ["models", "jobs"].map((name) => call(`projects/${wanted}/${name}`));
    const found = await Promise.all(asked).catch(() => null);
    if (!found || wanted !== projectId) return;
    const [{ models }, { jobs }] = found;
    part.said.textContent = "";
    showModels(models);
    showScores(models.at(-1));
    showJobs(jobs);
  };

  const start = () => {
    part = parts(element);
    heads(part.modelHead, MODEL_COLUMNS);
    heads(part.classHead, CLASS_COLUMNS);
  };

  const change = ({ project_id: id = null }) => {
    projectId = id;
    read();
  };
  return attach(element, ctx, { start, change, seen: read });
}
