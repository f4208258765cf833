/** More than one reader: how much is read twice or is gold, how far readers agree, how they do. value = {project_id}. */
import { make } from "../dom.js";
import { call } from "../net/api.js";
import { t } from "../texts.js";
import { attach, parts } from "./component.js";

const CLASS_COLUMNS = ["name", "n", "dice", "distance"];
const GOLD_COLUMNS = ["annotator", "n", "mean", "interval", "skipped"];
const PERCENT = ["second_read_share", "gold_share"];

const heads = (row, columns) => row.replaceChildren(...columns.map((name) => make("th", { scope: "col", text: t(`reads.columns.${name}`) })));
const rowOf = (name, ...cells) => make("tr", {}, make("th", { scope: "row", text: name }), ...cells.map((text) => make("td", { text: String(text) })));
const share = (value) => (value === null ? "–" : value.toFixed(3));
const range = ({ ci_low: low, ci_high: high }) => (low === null ? "–" : `${low.toFixed(3)} – ${high.toFixed(3)}`);

export function mount(element, ctx) {
  let part;
  let fields;
  let projectId = null;
  let saved = {};

  const shown = () => Object.fromEntries(fields.map((field) => [field.dataset.share, field.valueAsNumber / (PERCENT.includes(field.dataset.share) ? 100 : 1)]));
  const isNew = () => Object.entries(shown()).some(([name, value]) => Math.abs(value - saved[name]) > 1e-6);
  const look = () => (part.save.disabled = projectId === null || !fields.every((field) => field.value !== "" && field.checkValidity()) || !isNew());

  const fill = (project) => {
    saved = Object.fromEntries(fields.map((field) => [field.dataset.share, project?.[field.dataset.share] ?? 0]));
    for (const field of fields) {
      const value = saved[field.dataset.share];
      field.value = PERCENT.includes(field.dataset.share) ? Math.round(1000 * value) / 10 : value;
      field.disabled = !project;
    }
    look();
  };

  const save = async () => {
    const id = projectId;
    part.save.disabled = true;
    try {
      const project = await call(`projects/${id}`, { method: "PATCH", body: shown() });
      if (id !== projectId) return;
      fill(project);
      part.state.textContent = t("reads.saved");
      await read();
    } catch (error) {
      part.state.textContent = t("reads.notSaved", { detail: error.message });
    }
    look();
  };

  const showAgreement = (found) => {
    const kind = found.task;
    const facts = [
      [t(`reads.mean.${kind}`), share(found.mean)],
      [t("reads.interval"), range(found)],
      ...(kind === "classification" ? [[t("reads.kappa"), share(found.kappa)]] : [[t("reads.distance"), found.distance === null ? "–" : `${found.distance.toFixed(2)} ${found.unit}`]]),
      [t("reads.read"), found.n_read],
      [t("reads.wanted"), found.n_wanted],
      [t("reads.apart"), found.n_apart],
      [t("reads.decided"), found.n_decided],
    ];
    part.facts.hidden = !found.n_read && !found.n_wanted;
    part.none.hidden = !part.facts.hidden;
    part.facts.replaceChildren(...facts.map(([name, value]) => make("div", {}, make("dt", { text: name }), make("dd", { text: String(value) }))));
    part.classes.hidden = !found.per_class.length;
    const line = (one) => rowOf(one.class_name, one.n, share(one.dice), one.distance === null ? "–" : `${one.distance.toFixed(2)} ${found.unit}`);
    part.classRows.replaceChildren(...found.per_class.map(line));
  };

  const showGold = ({ items, annotators }) => {
    part.goldTitle.textContent = t("reads.gold", { count: items.length });
    part.goldNone.hidden = annotators.length > 0;
    part.goldHead.closest("table").hidden = !annotators.length;
    part.goldRows.replaceChildren(...annotators.map((one) => rowOf(one.annotator, one.n, share(one.mean), range(one), one.n_skipped)));
  };

  const read = async () => {
    const wanted = projectId;
    if (!wanted || !element.offsetParent) return;
    const found = await Promise.all(["agreement", "gold"].map((name) => call(`projects/${wanted}/${name}`))).catch(() => null);
    if (!found || wanted !== projectId) return;
    showAgreement(found[0]);
    showGold(found[1]);
  };

  const start = () => {
    part = parts(element);
    fields = [...element.querySelectorAll("[data-share]")];
    heads(part.classHead, CLASS_COLUMNS);
    heads(part.goldHead, GOLD_COLUMNS);
    for (const field of fields) {
      field.addEventListener("input", () => {
        part.state.textContent = "";
        look();
      });
    }
    part.save.addEventListener("click", save);
    for (const hidden of [part.facts, part.classes]) hidden.hidden = true;
  };

  const change = async ({ project_id: id = null }) => {
    projectId = id;
    element.firstElementChild.classList.toggle("fc-off", !id);
    part.state.textContent = "";
    const project = id === null ? null : await call(`projects/${id}`).catch(() => null);
    if (id !== projectId) return;
    fill(project);
    await read();
  };
  return attach(element, ctx, { start, change, seen: read });
}
