/** Starts the next round: how many images, which strategy, its settings. value = {project_id}; event: job_started. */
import { fits, isDefault, shown, specOf } from "../core/spec.js";
import { make } from "../dom.js";
import { call, post } from "../net/api.js";
import { t } from "../texts.js";
import { attach, parts } from "./component.js";

const PHASES = ["cold_start", "any", "round"];

export function mount(element, ctx) {
  let part;
  let projectId = null;
  let known = [];

  const chosen = () => known.find(({ name }) => name === part.strategy.value);
  const inputs = () => [...part.settings.querySelectorAll("[name]")];
  const fields = () => Object.fromEntries(inputs().map((input) => [input.name, written(input)]));

  const complain = (text) => {
    part.error.textContent = text;
    part.error.hidden = !text;
  };

  const list = ({ by_default: usual, strategies }) => {
    known = strategies;
    const kept = part.strategy.value;
    const groups = PHASES.map((phase) => [phase, strategies.filter((entry) => entry.phase === phase).sort(byName)]);
    part.strategy.replaceChildren(
      make("option", { value: "", text: t("rounds.usual", { name: usual }) }),
      ...groups.filter(([, entries]) => entries.length).map(([phase, entries]) => make("optgroup",
        { label: t(`rounds.phases.${phase}`) }, ...entries.map(({ name }) => make("option", { value: name, text: name })))));
    part.strategy.value = strategies.some(({ name }) => name === kept) ? kept : "";
    if (part.strategy.value !== kept) describe();
  };

  const describe = () => {
    const entry = chosen();
    complain("");
    part.about.hidden = !entry;
    if (!entry) return part.settings.replaceChildren();
    part.summary.textContent = plain(`${entry.summary}.`);
    part.advice.textContent = plain(`${entry.advice}.`);
    part.paper.textContent = t("rounds.paper", { paper: entry.paper });
    const count = entry.settings.length;
    part.howMany.textContent = count ? t("rounds.settings", { count }) : t("rounds.settingsNone");
    part.more.inert = !count;
    if (!count) part.more.open = false;
    part.settings.replaceChildren(...entry.settings.map(field));
    changed();
  };

  const changed = () => {
    const entry = chosen();
    for (const input of inputs()) {
      const setting = entry.settings.find(({ name }) => name === input.name);
      const text = written(input);
      input.parentElement.toggleAttribute("data-changed", !isDefault(setting, text));
      const wrong = input.validity.badInput || !fits(setting, text);
      input.setCustomValidity(wrong ? t("rounds.wrong", { name: input.name, allowed: t(`rounds.kinds.${setting.kind}`) }) : "");
    }
    part.spec.textContent = specOf(entry, fields());
    part.reset.disabled = part.spec.textContent === entry.name;
  };

  const read = async () => {
    const wanted = projectId;
    if (!wanted) return;
    const found = await call(`projects/${wanted}/strategies`).catch(() => null);
    if (found && wanted === projectId) list(found);
  };

  const begin = async (event) => {
    event.preventDefault();
    const wrong = [part.count, ...inputs()].find((input) => !input.checkValidity());
    complain(wrong ? wrong.validationMessage : "");
    if (wrong) return wrong.focus();
    part.start.disabled = true;
    const entry = chosen();
    const body = { n: part.count.value ? Number(part.count.value) : null, strategy: entry ? specOf(entry, fields()) : null };
    try {
      const job = await post(`projects/${projectId}/rounds`, body);
      ctx.trigger("job_started", { job_id: job.id });
    } catch (error) {
      complain(error.message);
    }
    part.start.disabled = false;
  };

  const start = () => {
    part = parts(element);
    part.form.addEventListener("submit", begin);
    part.strategy.addEventListener("change", describe);
    part.settings.addEventListener("input", changed);
    part.form.addEventListener("input", () => complain(""));
    part.reset.addEventListener("click", describe);
  };

  const change = async ({ project_id: id = null }) => {
    const isOther = id !== projectId;
    projectId = id;
    part.form.classList.toggle("fc-off", !id);
    if (isOther && id) {
      const project = await call(`projects/${id}`).catch(() => null);
      if (project && id === projectId) part.count.value = project.batch_size;
      complain("");
    }
    await read();
  };
  return attach(element, ctx, { start, change, seen: read });
}

const plain = (text) => text.replaceAll("`", "");
const byName = (a, b) => a.name.localeCompare(b.name);
const written = (input) => (input.type === "checkbox" ? String(input.checked) : input.value);

/** One setting: its name, a field of its kind, and what the strategy's description says of it. */
function field(setting) {
  const { name, about, is_optional: optional } = setting;
  const hint = setting.default === null ? t("rounds.auto") : optional ? "none" : shown(setting.default);
  const small = make("small", { text: plain(about) });
  const control = input(setting, hint);
  Object.assign(control, { id: `fc-round-set-${name}`, ariaDescription: small.textContent });
  return make("div", {}, make("label", { for: control.id, text: name }), control, small);
}

function input({ name, kind, default: usual, choices, is_optional: optional }, hint) {
  if (kind === "choice") {
    const all = optional ? ["", ...choices] : choices;
    const options = all.map((value) => make("option", { value, text: value || hint, selected: value === shown(usual) }));
    return make("select", { name }, ...options);
  }
  if (kind === "bool") return make("input", { name, type: "checkbox", checked: usual === true });
  if (kind === "str") return make("input", { name, type: "text", value: shown(usual), placeholder: hint });
  const step = kind === "int" ? "1" : "any";
  return make("input", { name, type: "number", step, value: shown(usual), placeholder: hint });
}
