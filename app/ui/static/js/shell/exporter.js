/** Downloads a project's annotations. value = {project_id}. */
import { call } from "../net/api.js";
import { t } from "../texts.js";
import { attach, parts } from "./component.js";

const EXPORT_SECONDS = 600;

export function mount(element, ctx) {
  let part;
  let projectId = null;

  const download = async () => {
    const format = element.querySelector("input[name=fc-export]:checked").value;
    part.download.disabled = true;
    part.line.textContent = t("export.busy");
    try {
      const options = { method: "POST", body: { format }, raw: true, timeoutSeconds: EXPORT_SECONDS };
      const answer = await call(`projects/${projectId}/exports`, options);
      const name = /filename="?([^";]+)/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? `${format}.zip`;
      save(await answer.blob(), name);
      part.line.textContent = t("export.done", { name });
    } catch (error) {
      part.line.textContent = t("export.failed", { detail: error.message });
    }
    part.download.disabled = false;
  };

  const start = () => {
    part = parts(element);
    part.download.addEventListener("click", download);
  };
  const change = ({ project_id: id = null }) => {
    projectId = id;
    element.firstElementChild.classList.toggle("fc-off", !id);
    part.line.textContent = "";
  };
  return attach(element, ctx, { start, change });
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
