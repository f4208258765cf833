/** Whether to go on: the report's advice in a sentence, what was spent, and what the numbers rest on. */
import { duration } from "../core/ticks.js";
import { make } from "../dom.js";
import { post } from "../net/api.js";
import { t } from "../texts.js";

/** Shows a report in the parts of the rounds view; before the first round there is nothing to tell. */
export function showWorth(part, report) {
  part.report.hidden = !report?.rounds.length;
  if (part.report.hidden) return;
  part.advice.textContent = report.advice.sentence;
  part.advice.dataset.action = report.advice.action;
  const pair = ([term, text]) => make("div", {}, make("dt", { text: t(`worth.${term}`) }), make("dd", { text }));
  part.facts.replaceChildren(...facts(report).map(pair));
  part.audit.textContent = report.audit.note;
  part.control.textContent = report.control.note;
  part.compare.hidden = !report.control.can_compare;
  part.basis.hidden = !report.advice.checks.length;
  part.checks.replaceChildren(...report.advice.checks.map((check) => make("li", { text: lineOf(check) })));
}

/** What was spent so far: pairs of a text's name and a number. */
export function facts(report) {
  const spent = [["labeled", report.n_labeled], ["time", duration(report.seconds)], ["clicks", report.clicks]];
  if (!report.n_objects) return spent;
  const [seconds, clicks] = [report.seconds, report.clicks].map((total) => (total / report.n_objects).toFixed(1));
  return [...spent, ["objects", report.n_objects], ["timeEach", `${seconds} s`], ["clicksEach", clicks]];
}

/** A check in a line, with a mark where it speaks for stopping. */
export const lineOf = (check) => (check.is_met ? t("worth.met", { advice: check.advice }) : check.advice);

/** The button that compares chosen with random images; `done` gets the job, or what went wrong in the server's words. */
export function onCompare(part, projectId, done) {
  part.compare.addEventListener("click", async () => {
    part.compare.disabled = true;
    const job = await post(`projects/${projectId()}/comparisons`).catch((error) => {
      part.control.textContent = error.message;
      return null;
    });
    part.compare.disabled = false;
    if (job) done(job);
  });
}
