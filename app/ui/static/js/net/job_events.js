/** Follows a job by server-sent events; the browser reconnects by itself and resumes at the last event. */
import { BASE } from "./api.js";

/** onJob(job) on every change, onEnd(job) once. Returns what stops it. */
export function followJob(jobId, { onJob, onEnd }) {
  const stream = new EventSource(new URL(`jobs/${jobId}/events`, BASE));
  const read = (event) => {
    const job = JSON.parse(event.data);
    onJob(job);
    if (event.type !== "end") return;
    stream.close();
    onEnd(job);
  };
  for (const name of ["progress", "log", "end"]) stream.addEventListener(name, read);
  return () => stream.close();
}

export const isOver = (job) => ["done", "failed", "cancelled"].includes(job.state);
