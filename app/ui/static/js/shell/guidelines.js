/** The project's guidelines, to be written: text on the left, as annotators see it on the right. value = {project_id}. */
import { guideElements } from "../day/guide_text.js";
import { make } from "../dom.js";
import { call } from "../net/api.js";
import { t } from "../texts.js";
import { attach, parts } from "./component.js";

export function mount(element, ctx) {
  let part;
  let projectId = null;
  let saved = "";

  const look = () => {
    const text = part.text.value;
    part.save.disabled = projectId === null || text === saved;
    const shown = text.trim() ? guideElements(text) : [make("p", { class: "fc-quiet", text: t("guide.none") })];
    part.preview.replaceChildren(...shown);
  };

  const save = async () => {
    const [id, guidelines] = [projectId, part.text.value];
    part.save.disabled = true;
    part.state.textContent = "";
    try {
      await call(`projects/${id}`, { method: "PATCH", body: { guidelines } });
      if (id !== projectId) return;
      saved = guidelines;
      part.state.textContent = t("guide.saved");
    } catch (error) {
      part.state.textContent = t("guide.notSaved", { detail: error.message });
    }
    look();
  };

  const start = () => {
    part = parts(element);
    part.text.addEventListener("input", () => {
      part.state.textContent = "";
      look();
    });
    part.save.addEventListener("click", save);
  };

  const change = async ({ project_id: id = null }) => {
    projectId = id;
    part.text.disabled = id === null;
    part.state.textContent = "";
    const project = id === null ? null : await call(`projects/${id}`).catch(() => null);
    if (id !== projectId) return;
    saved = part.text.value = project?.guidelines ?? "";
    look();
  };
  return attach(element, ctx, { start, change });
}
