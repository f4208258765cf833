/** Calls to /v1. Where this file came from tells where the API is, so a proxy's path prefix needs no setting. */
export const BASE = new URL("../../../v1/", import.meta.url);

/** status 0: no answer at all. `code` is the server's own, see the table of errors in the API. */
export class ApiError extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }

  /** The server cannot be reached or is starting: worth trying again. */
  get isOutage() {
    return this.status === 0 || [502, 503, 504].includes(this.status);
  }

  get needsLogin() {
    return this.status === 401;
  }
}

export async function call(path, { method = "GET", body, raw = false, keepalive = false, timeoutSeconds = 60, signal } = {}) {
  const form = typeof FormData !== "undefined" && body instanceof FormData;
  let answer;
  try {
    answer = await fetch(new URL(path, BASE), {
      method,
      keepalive,
      credentials: "same-origin",
      redirect: "manual",
      signal: keepalive ? undefined : until(timeoutSeconds, signal),
      headers: body && !form ? { "content-type": "application/json" } : {},
      body: form ? body : body && JSON.stringify(body),
    });
  } catch (error) {
    throw new ApiError(0, "offline", error.message);
  }
  if (answer.type === "opaqueredirect") throw new ApiError(401, "login_required", "");
  if (!answer.ok) throw await errorOf(answer);
  if (raw) return answer;
  return answer.status === 204 ? null : answer.json();
}

/** Ends a request that takes too long, or that somebody stops. */
function until(seconds, stopped) {
  const late = AbortSignal.timeout(seconds * 1000);
  return stopped ? AbortSignal.any([late, stopped]) : late;
}

async function errorOf(answer) {
  const body = await answer.json().catch(() => ({}));
  const detail = typeof body.detail === "string" ? body.detail : JSON.stringify(body.detail ?? answer.statusText);
  return new ApiError(answer.status, body.code ?? "", detail);
}

export const post = (path, body = {}) => call(path, { method: "POST", body });
