/* The one way to the service. Addresses are taken from where this file lies, so that a prefix in front works, too. */

const ROOT = new URL("..", import.meta.url);
const TOKEN = "token"; // in sessionStorage: this tab alone, until it is closed
const SHOWN_HTML = 300; // letters of an answer that is no JSON

let askForToken = () => {};

/** An answer other than success, or none at all. */
export class Problem extends Error {
  constructor({ title, detail = "", status = 0, code = "", field = "", type = "", retryAt = null, cancelled = false }) {
    super(title);
    Object.assign(this, { title, detail, status, code, field, type, retryAt, cancelled });
  }
}

export const whenTokenIsAsked = (action) => { askForToken = action; };
export const keepToken = (value) => sessionStorage.setItem(TOKEN, value);
export const forgetToken = () => sessionStorage.removeItem(TOKEN);
export const hasToken = () => Boolean(sessionStorage.getItem(TOKEN));

/** Return an address of this service, or null for anything that is not a path of it. */
export function address(path) {
  if (typeof path !== "string" || !path.startsWith("/") || path.startsWith("//") || path.includes("\\")) return null;
  const url = new URL(path.slice(1), ROOT);
  return url.origin === ROOT.origin ? url.href : null;
}

/**
 * Ask the service.
 * @param {string} path - from its root, e.g. "/models".
 * @param {object} options - method, body (FormData), signal, onUpload(share from 0 to 1), as "json", "blob" or "none".
 * @returns {Promise<any>} what it answered.
 * @throws {Problem}
 */
export function ask(path, { method = "GET", body = null, signal = null, onUpload = null, as = "json" } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch tells nothing of an upload's progress
    request.open(method, address(path));
    if (hasToken()) request.setRequestHeader("Authorization", `Bearer ${sessionStorage.getItem(TOKEN)}`);
    request.responseType = as === "blob" ? "blob" : "text";
    request.onload = () => settle(request, as).then(resolve, reject);
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new Problem({ title: "Cancelled", detail: "Nothing was answered.", cancelled: true }));
    if (onUpload) request.upload.onprogress = (event) => event.total && onUpload(event.loaded / event.total);
    stopWith(signal, request);
    if (!signal?.aborted) request.send(body);
  });
}

function stopWith(signal, request) {
  if (signal?.aborted) request.onabort();
  signal?.addEventListener("abort", () => request.abort(), { once: true });
}

async function settle(request, as) {
  const well = request.status >= 200 && request.status < 300;
  if (well && as === "blob") return request.response;
  if (well && as === "none") return null;
  const text = as === "blob" ? await request.response.text() : request.responseText;
  const found = parsed(text);
  if (well && found !== undefined) return found;
  if (request.status === 401) askForToken(hasToken());
  throw refused(request, found, text);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refused(request, found, text) {
  const said = found !== null && typeof found === "object" ? found : {};
  return new Problem({
    title: said.title || `The service answered with status ${request.status}`,
    detail: said.detail || plainDetail(request, text),
    status: request.status,
    code: said.code || "",
    field: said.field || "",
    type: said.type || "",
    retryAt: retryAt(request.getResponseHeader("Retry-After")),
  });
}

function plainDetail(request, text) {
  if (request.status >= 200 && request.status < 300) return "What it sent is no JSON; something else may answer at this address.";
  const kind = request.getResponseHeader("Content-Type") || "";
  return kind.startsWith("text/plain") ? text.slice(0, SHOWN_HTML) : "It gave no reason. Ask whoever runs it to look at its log.";
}

function unreachable() {
  return new Problem({
    title: "The service could not be reached",
    detail: "The connection failed before there was an answer. Check the network and whether the service runs, then try again.",
  });
}

/** Return when to try again, from seconds or a date (RFC 9110, 10.2.3); null where nothing is said. */
function retryAt(header) {
  if (!header) return null;
  const date = /^\d+$/.test(header.trim()) ? new Date(Date.now() + Number(header) * 1000) : new Date(header);
  return Number.isNaN(date.getTime()) ? null : date;
}
