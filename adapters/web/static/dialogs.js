// What only the one who acted sees: notes under the box, forms, drawers, the question before a grave deed.

import { parse } from "./morph.js";
import { call, newKey, text } from "./net.js";

const LOCK = "M3.5 8.5A1.5 1.5 0 0 1 5 7h6a1.5 1.5 0 0 1 1.5 1.5V12a1.5 1.5 0 0 1-1.5 1.5H5A1.5 1.5 0 0 1 3.5 12zM5.5 7V5a2.5 2.5 0 0 1 5 0v2";

function make(tag, properties = {}, ...inner) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...inner);
  return element;
}

function picture(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "i");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

export function clearNotes() {
  document.getElementById("notes")?.replaceChildren();
}

/** Show a note under the box; `content` is a string or an element. */
export function note(content, { error = false, title = "Only you see this" } = {}) {
  const place = document.getElementById("notes");
  if (!place) return;
  const close = make("button", { type: "button", className: "ghost", ariaLabel: "Dismiss" }, picture("m4.5 4.5 7 7m0-7-7 7"));
  close.addEventListener("click", () => {
    clearNotes();
    document.getElementById("box")?.focus();
  });
  const body = typeof content === "string" ? make("div", { className: "answer-text", textContent: content }) : content;
  place.replaceChildren(
    make("div", { className: `note${error ? " note-error" : ""}` }, make("p", { className: "private" }, picture(LOCK), title), close, body),
  );
}

/** Tell of a failed call. */
export function fault(error, what = "") {
  if (error.name === "SignedOut" || error.name === "AbortError") return;
  note(error.name === "Away" ? `Nexus does not answer. ${what}`.trim() : error.message, { error: true, title: "Not sent" });
}

function open(dialog) {
  const before = document.activeElement;
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before?.isConnected) before.focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
  });
  dialog.showModal();
  return dialog;
}

/** Ask; resolves to whether the answer was yes. */
export function confirm({ title, text: words, yes, danger }) {
  return new Promise((resolve) => {
    const agree = make("button", { type: "button", className: `btn btn-primary${danger ? " btn-danger" : ""}`, textContent: yes || "Yes" });
    const refuse = make("button", { type: "button", className: "btn btn-plain", textContent: "Cancel" });
    refuse.dataset.close = "";
    const heading = make("h2", { textContent: title, id: "confirm-title" });
    const form = make("form", {}, heading, make("p", { className: "text", textContent: words }), make("footer", {}, refuse, agree));
    const dialog = make("dialog", { className: "modal" }, form);
    dialog.setAttribute("role", "alertdialog");
    dialog.setAttribute("aria-labelledby", "confirm-title");
    form.addEventListener("submit", (event) => event.preventDefault());
    agree.addEventListener("click", () => dialog.close("yes"));
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"));
    open(dialog);
    (danger ? refuse : agree).focus();
  });
}

function valuesOf(form) {
  const values = {};
  for (const input of form.elements) {
    if (input.name) values[input.name] = input.type === "checkbox" ? String(input.checked) : input.value;
  }
  return values;
}

function openForm(dialog, thread) {
  const form = dialog.querySelector("form");
  const trouble = dialog.querySelector(".form-error");
  const submit = form.querySelector('[type="submit"]');
  let key = newKey();
  const say = (words) => {
    trouble.textContent = words;
    trouble.hidden = !words;
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let wrong = null;
    for (const input of form.elements) {
      if (!input.name) continue;
      const good = input.checkValidity() && !(input.required && !input.value.trim());
      input.setAttribute("aria-invalid", String(!good));
      if (!good) wrong ??= input;
    }
    if (wrong) {
      say(`“${form.querySelector(`label[for="${wrong.id}"]`)?.firstChild.textContent.trim()}” needs a value.`);
      wrong.focus();
      return;
    }
    if (submit.disabled) return;
    submit.disabled = true;
    submit.dataset.busy = "";
    say("");
    try {
      const body = { form: dialog.dataset.form, value: dialog.dataset.value, values: valuesOf(form), thread: thread || null, key };
      const answer = parse(await text("/chat/forms", { body })).querySelector(".answer");
      if (answer?.hasAttribute("data-error")) {
        say(answer.textContent);
        key = newKey(); // sent again, it is something new
        return;
      }
      dialog.close();
      show(answer, thread);
    } catch (error) {
      say(error.name === "Away" ? "Nexus does not answer. What you typed is still here; try again." : error.message);
    } finally {
      submit.disabled = false;
      delete submit.dataset.busy;
    }
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  open(dialog);
  form.querySelector("input, textarea, select")?.focus();
}

/** Show an answer: its words, its form, its card; and go where it points. */
export function show(answer, thread) {
  if (!answer) return;
  const words = answer.querySelector(":scope > .answer-text");
  const form = answer.querySelector(":scope > dialog.modal");
  const drawer = answer.querySelector(":scope > dialog.drawer");
  const error = answer.hasAttribute("data-error");
  if (answer.dataset.thread && answer.dataset.thread !== thread) {
    document.dispatchEvent(new CustomEvent("nexus:go", { detail: `/t/${answer.dataset.thread}` }));
    return;
  }
  if (words) note(document.importNode(words, true), { error });
  else clearNotes();
  if (form) openForm(document.importNode(form, true), thread);
  if (drawer) {
    open(document.importNode(drawer, true));
    document.dispatchEvent(new CustomEvent("nexus:shown"));
  }
}

/** Nobody is signed in any more: nothing else can be done here. */
export function signedOut() {
  if (document.getElementById("signed-out")) return;
  const again = make("button", { type: "button", className: "btn btn-primary", textContent: "I have a new link open" });
  again.addEventListener("click", () => location.reload());
  const code = make("pre", { className: "command" }, make("code", { textContent: "./nexus signin" }));
  const form = make(
    "form",
    {},
    make("h2", { textContent: "You are signed out" }),
    make("p", { className: "text", textContent: "Run this in a terminal on the machine that runs Nexus, and open the link it prints:" }),
    code,
    make("footer", {}, again),
  );
  form.addEventListener("submit", (event) => event.preventDefault());
  const dialog = make("dialog", { className: "modal", id: "signed-out" }, form);
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  document.body.append(dialog);
  dialog.showModal();
}

export async function signOut() {
  try {
    await call("/signout", { body: {} });
    location.assign("/");
  } catch (error) {
    fault(error);
  }
}
