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
    const stopping = new AbortController();
    part.cancel.onclick = () => stopping.abort();
    part.download.disabled = true;
    part.cancel.hidden = false;
    part.line.textContent = t("export.busy");
    try {
      const options = { method: "POST", body: { format }, raw: true, timeoutSeconds: EXPORT_SECONDS, signal: stopping.signal };
      const answer = await call(`projects/${projectId}/exports`, options);
      const name = /filename="?([^";]+)/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? `${format}.zip`;
      const blob = await answer.blob();
      save(blob, name);
      part.line.textContent = t("export.done", { name, size: (blob.size / 1e6).toFixed(1) });
    } catch (error) {
      part.line.textContent = stopping.signal.aborted ? t("export.stopped") : t("export.failed", { detail: error.message });
    }
    part.download.disabled = false;
    part.cancel.hidden = true;
  };

  /** How much there is to take, and in which forms: labels of whole images are no masks. */
  const look = async () => {
    const wanted = projectId;
    const project = wanted && (await call(`projects/${wanted}`).catch(() => null));
    if (!project || wanted !== projectId) return;
    part.count.textContent = t("export.count", { labeled: project.counts.labeled, items: project.counts.items });
    const masks = project.task === "segmentation";
    for (const choice of element.querySelectorAll("input[name=fc-export]")) choice.disabled = !masks && choice.value !== "csv";
    const chosen = element.querySelector("input[name=fc-export]:checked");
    if (chosen.disabled) element.querySelector("input[value=csv]").checked = true;
  };

  const start = () => {
    part = parts(element);
    part.download.addEventListener("click", download);
  };
  const change = ({ project_id: id = null }) => {
    projectId = id;
    element.firstElementChild.classList.toggle("fc-off", !id);
    part.line.textContent = part.count.textContent = "";
    look();
  };
  return attach(element, ctx, { start, change, seen: look });
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
