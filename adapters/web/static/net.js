// Calls to the server. Every failure is one of three: it said no and why, it did not answer, or nobody is signed in.

export class Refused extends Error {}
export class Away extends Error {}
export class SignedOut extends Error {}

/** A key that makes a repeated call have one effect. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}

export async function call(path, { body, accept = "text/html", signal } = {}) {
  const options = { headers: { Accept: accept }, credentials: "same-origin", signal };
  if (body instanceof FormData) {
    options.method = "POST"; // the browser writes the content type, with the boundary
    options.body = body;
  } else if (body !== undefined) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Away("Nexus does not answer.");
  }
  if (response.status === 401) {
    document.dispatchEvent(new CustomEvent("nexus:signed-out"));
    throw new SignedOut("You are signed out.");
  }
  if (response.ok || (response.headers.get("Content-Type") || "").startsWith("text/html")) return response;
  if ([502, 503, 504].includes(response.status) && !(response.headers.get("Content-Type") || "").includes("problem")) {
    throw new Away("Nexus does not answer."); // the proxy said so, not Nexus
  }
  const problem = await response.json().catch(() => ({}));
  throw new Refused(problem.detail || `That did not work (${response.status}).`);
}

export const text = async (path, options) => (await call(path, options)).text();
export const json = async (path, options) => (await call(path, { accept: "application/json", ...options })).json();
