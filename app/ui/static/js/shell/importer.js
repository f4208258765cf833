/**
 * Brings images into a project: from a folder on the server, or from this computer with folder structure kept.
 * value = {project_id}; event: imported {project_id, added, items}.
 */
import { make } from "../dom.js";
import { call } from "../net/api.js";
import { t } from "../texts.js";
import { attach, parts } from "./component.js";
import { addReports, batches, emptyReport, fromDrop, fromInput, withoutHidden } from "./file_tree.js";

const SHOWN_LINES = 200;
const UPLOAD_SECONDS = 600;

export function mount(element, ctx) {
  let part;
  let projectId = null;
  let stopping = null; // of the work under way

  const showReport = ({ added, duplicates, rejected, items }) => {
    const chip = (kind, count) => make("span", { class: "fc-chip", "data-kind": kind, text: t(`report.${kind}`, { count }) });
    const chips = make("p", {}, chip("added", added));
    if (duplicates.length) chips.append(chip("duplicates", duplicates.length));
    if (rejected.length) chips.append(chip("rejected", rejected.length));
    chips.append(make("span", { class: "fc-quiet", text: t("report.total", { count: items }) }));
    const lines = [
      ...rejected.map(({ path, reason }) => [path, reason]),
      ...duplicates.map(({ path, same_as }) => [path, t("report.sameAs", { path: same_as })]),
    ];
    part.report.replaceChildren(chips);
    if (!lines.length) return;
    const head = make("tr", {}, make("th", { text: t("report.path"), scope: "col" }), make("th", { text: t("report.reason"), scope: "col" }));
    const rows = lines.slice(0, SHOWN_LINES).map(([path, reason]) => make("tr", {}, make("td", { text: path }), make("td", { text: reason })));
    const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
    part.report.append(make("div", { class: "fc-scroll" }, table));
    const more = lines.length - rows.length;
    if (more > 0) part.report.append(make("p", { class: "fc-quiet", text: t("report.more", { count: more }) }));
  };

  const fail = (error, uploaded) => {
    const text = uploaded ? `${t("upload.failed", { detail: error.message })} ${t("upload.resume")}` : error.message;
    part.report.append(make("p", { class: "fc-bad-text", role: "alert", text }));
  };

  const working = (on) => {
    stopping = on ? new AbortController() : null;
    part.progress.hidden = !on;
    for (const control of element.querySelectorAll("button, input")) control.disabled = on && control !== part.cancel;
    part.cancel.disabled = false;
  };

  const announce = ({ added, items }) => ctx.trigger("imported", { project_id: projectId, added, items });

  const upload = async ({ files: found, unread = [] }) => {
    if (stopping || !projectId) return;
    const files = withoutHidden(found);
    part.report.replaceChildren();
    if (!files.length && !unread.length) return part.report.append(make("p", { class: "fc-quiet", text: t("upload.nothing") }));
    working(true);
    const { signal } = stopping;
    let report = { ...emptyReport(), rejected: unread.map((path) => ({ path, reason: t("upload.unread") })) };
    let done = 0;
    try {
      for (const batch of batches(files)) {
        showProgress(done, files.length, batch);
        report = addReports(report, await send(batch, signal));
        done += batch.length;
      }
      showReport(report);
    } catch (error) {
      if (done || unread.length) showReport(report);
      if (signal.aborted) part.report.append(make("p", { text: t("upload.stopped", { done, total: files.length }) }));
      else fail(error, true);
    }
    working(false);
    if (done) announce(report);
  };

  const showProgress = (done, total, batch) => {
    const bytes = `${(batch.reduce((sum, { file }) => sum + file.size, 0) / 1e6).toFixed(1)} MB`;
    Object.assign(part.bar, { max: total, value: done });
    part.line.textContent = t("upload.progress", { done, total, bytes });
  };

  const send = (batch, signal) => {
    const form = new FormData();
    if (part.groupBy.value.trim()) form.append("group_by", part.groupBy.value.trim());
    for (const { file, path } of batch) form.append("files", file, path);
    return call(`projects/${projectId}/images`, { method: "POST", body: form, timeoutSeconds: UPLOAD_SECONDS, signal });
  };

  const importFolder = async () => {
    const path = part.folder.value.trim();
    if (!path || stopping || !projectId) return;
    working(true);
    part.cancel.disabled = true; // the server reads on by itself
    part.report.replaceChildren();
    part.bar.removeAttribute("value");
    part.line.textContent = t("upload.busy");
    try {
      const body = { paths: [path], group_by: part.groupBy.value.trim() || null };
      const report = await call(`projects/${projectId}/import`, { method: "POST", body, timeoutSeconds: UPLOAD_SECONDS });
      showReport(report);
      announce(report);
    } catch (error) {
      fail(error, false);
    }
    working(false);
  };

  const start = () => {
    part = parts(element);
    part.importFolder.addEventListener("click", importFolder);
    part.folder.addEventListener("keydown", (event) => event.key === "Enter" && importFolder());
    for (const kind of ["pickFolder", "pickFiles"]) {
      const input = part[`${kind}Input`];
      part[kind].addEventListener("click", () => input.click());
      input.addEventListener("change", async () => {
        await upload({ files: fromInput(input) });
        input.value = "";
      });
    }
    const over = (on) => (event) => {
      event.preventDefault();
      part.drop.classList.toggle("fc-over", on);
    };
    part.drop.addEventListener("dragover", over(true));
    part.drop.addEventListener("dragleave", over(false));
    part.drop.addEventListener("drop", async (event) => {
      over(false)(event);
      upload(await fromDrop(event.dataTransfer));
    });
    part.cancel.addEventListener("click", () => stopping?.abort());
    for (const kind of ["dragover", "drop"]) window.addEventListener(kind, stay);
  };

  const change = async ({ project_id: id = null }) => {
    if (id === projectId) return;
    projectId = id;
    part.into.textContent = "";
    element.firstElementChild.classList.toggle("fc-off", !id);
    part.report.replaceChildren();
    const project = id && (await call(`projects/${id}`).catch(() => null));
    if (project && id === projectId) part.into.textContent = t("project.into", project);
  };
  const stop = () => ["dragover", "drop"].forEach((kind) => window.removeEventListener(kind, stay));
  return attach(element, ctx, { start, change, stop });
}

/** A file that is dropped beside the place for it must not be opened over the page. */
function stay(event) {
  if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
}
