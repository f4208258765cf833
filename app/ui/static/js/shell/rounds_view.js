/**
 * Whether to go on, the learning curve and the table of a project's rounds; reads again whenever it comes in sight.
 * value = {project_id, job_id}; event: job_started {job_id}.
 */
import { duration } from "../core/ticks.js";
import { make } from "../dom.js";
import { call } from "../net/api.js";
import { t } from "../texts.js";
import { attach, parts } from "./component.js";
import { curvePoints, drawCurve } from "./curve.js";
import { onCompare, showWorth } from "./worth.js";

const COLUMNS = ["number", "strategy", "asked", "done", "seconds", "clicks", "perImage", "value", "interval"];

export function mount(element, ctx) {
  let part;
  let projectId = null;
  let report = null;
  let axis = "labeled";

  const draw = () => {
    const points = curvePoints(report, axis);
    part.empty.hidden = points.length > 0;
    part.plot.hidden = !points.length;
    part.way.hidden = !points.length;
    part.way.textContent = points.length ? t(`worth.way.${report.curve_on}`) : "";
    if (!points.length || !element.offsetParent) return;
    const point = (p) => t("rounds.point", { number: p.number, metric: p.metric, value: p.value.toFixed(3) });
    drawCurve(part.svg, points, axis, { x: t(`rounds.${axis}`), point });
  };

  const cells = (round) => {
    const each = round.items_done ? (round.seconds_spent / round.items_done).toFixed(1) : "–";
    const interval = round.ci95 ? round.ci95.map((v) => v.toFixed(3)).join(" – ") : "–";
    const value = round.value === null ? "–" : `${round.metric.replaceAll("_", " ")} ${round.value.toFixed(3)}`;
    return [round.number, round.strategy, round.n_selected, round.items_done, duration(round.seconds_spent), round.clicks, each, value, interval];
  };

  const list = () => {
    const rounds = report?.rounds ?? [];
    part.none.hidden = rounds.length > 0;
    part.table.hidden = !rounds.length;
    part.head.replaceChildren(...COLUMNS.map((name) => make("th", { scope: "col", text: t(`rounds.columns.${name}`) })));
    const rows = [...rounds].reverse().map((round) => make("tr", { title: round.reason }, ...cells(round).map((text) => make("td", { text }))));
    part.rows.replaceChildren(...rows);
  };

  const read = async () => {
    const wanted = projectId;
    const answer = wanted ? await call(`projects/${wanted}/report`).catch(() => undefined) : null;
    if (answer === undefined || wanted !== projectId) return;
    report = answer;
    showWorth(part, report);
    draw();
    list();
  };

  const size = new ResizeObserver(() => draw());

  const start = () => {
    part = parts(element);
    onCompare(part, () => projectId, (job) => ctx.trigger("job_started", { job_id: job.id }));
    for (const choice of element.querySelectorAll("[data-axis]")) {
      choice.addEventListener("click", () => {
        axis = choice.dataset.axis;
        for (const other of element.querySelectorAll("[data-axis]")) other.setAttribute("aria-pressed", other === choice);
        draw();
      });
    }
    size.observe(element);
  };

  const change = ({ project_id: id = null }) => {
    projectId = id;
    read();
  };
  return attach(element, ctx, { start, change, seen: read, stop: () => size.disconnect() });
}
