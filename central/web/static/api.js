// Requests to central. Every failure is an ApiError; status 0 means that no answer came.
import { t } from "./text.js";

const TIMEOUT = 8000; // ms

export class ApiError extends Error {
  constructor(status, code, retryAfter = 0) {
    super(code);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter; // seconds
  }

  // A sentence for the person at the desk.
  get reason() {
    if (this.status === 0) return t("error.network");
    if (this.status === 401) return t("error.signed-out");
    if (this.status === 429) return t("error.slow", { seconds: this.retryAfter || 1 });
    return t("error.unknown", { code: this.code });
  }
}

export async function call(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (answer.status === 204) return null;
    const json = await answer.json();
    if (answer.ok) return json;
    if (answer.status === 401) document.dispatchEvent(new Event("signed-out"));
    throw new ApiError(answer.status, json.error?.code ?? String(answer.status), Number(answer.headers.get("Retry-After")));
  } catch (error) {
    if (error instanceof ApiError) throw error;
    // A body that is no JSON (a proxy's error page) is an answer all the same.
    throw new ApiError(answer?.status ?? 0, String(answer?.status ?? ""));
  }
}
