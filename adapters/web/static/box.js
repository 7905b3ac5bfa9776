// The box: sending words, completing commands, keeping drafts. A combobox by the WAI-ARIA pattern: focus stays in the box.

import { attached, dropAttached } from "./attach.js";
import { clearNotes, fault, show } from "./dialogs.js";
import { parse } from "./morph.js";
import { json, newKey, text } from "./net.js";

const box = () => document.getElementById("box");
const list = () => document.getElementById("completions");
const thread = () => document.getElementById("main").dataset.thread;
const draftName = () => `draft:${thread()}`;

let offers = [];
let chosen = -1;
let offeredFor = ""; // the words that the offers complete; while others are asked for, they only stand there
let moved = false; // by the arrow keys
let asking = null;
let sending = { words: null, key: null }; // the same words sent again after a failure keep their key

// ── size, drafts, the button ──

function settle() {
  const area = box();
  if (!area) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
  const send = document.querySelector(".send");
  if (!send.hasAttribute("data-busy")) send.disabled = !area.value.trim();
  if (area.value) sessionStorage.setItem(draftName(), area.value);
  else sessionStorage.removeItem(draftName());
}

let arrived = false;

/** After a page came up: the draft is back. */
export function restoreBox({ focus = true } = {}) {
  const area = box();
  if (!area) return;
  closeOffers();
  const early = arrived ? "" : area.value; // typed before this script was there
  arrived = true;
  area.value = early || (sessionStorage.getItem(draftName()) ?? "");
  settle();
  // A phone's keyboard should not come up by itself.
  if (focus && matchMedia("(hover: hover)").matches && !document.querySelector("dialog[open]")) area.focus({ preventScroll: true });
  if (early) ask();
}

export function fillBox(words) {
  const area = box();
  area.value = words;
  settle();
  area.focus();
  area.setSelectionRange(words.length, words.length);
}

// ── completion ──

function closeOffers() {
  asking?.abort();
  offers = [];
  chosen = -1;
  moved = false;
  const place = list();
  if (!place) return;
  place.hidden = true;
  place.replaceChildren();
  box()?.setAttribute("aria-expanded", "false");
  box()?.removeAttribute("aria-activedescendant");
}

function mark(index) {
  chosen = index;
  const area = box();
  [...list().children].forEach((row, at) => row.setAttribute("aria-selected", String(at === index)));
  const row = list().children[index];
  if (row) {
    area.setAttribute("aria-activedescendant", row.id);
    row.scrollIntoView({ block: "nearest" });
  } else {
    area.removeAttribute("aria-activedescendant");
  }
}

function showOffers(found, words) {
  offers = found;
  offeredFor = words;
  moved = false;
  const area = box();
  if (!found.length || document.activeElement !== area) return closeOffers();
  list().replaceChildren(
    ...found.map((offer, at) => {
      const row = Object.assign(document.createElement("li"), { className: "completion", id: `completion-${at}` });
      row.setAttribute("role", "option");
      row.append(
        Object.assign(document.createElement("b"), { textContent: offer.label }),
        Object.assign(document.createElement("span"), { textContent: offer.hint }),
        Object.assign(document.createElement("kbd"), { textContent: "Tab" }),
      );
      return row;
    }),
  );
  list().dataset.for = words; // for those who drive the page
  list().hidden = false;
  area.setAttribute("aria-expanded", "true");
  mark(0);
  document.getElementById("live").textContent = `${found.length} ${found.length === 1 ? "completion" : "completions"}`;
}

async function ask() {
  asking?.abort();
  const area = box();
  const words = area.value;
  if (!words.startsWith("/") || words.includes("\n") || area.selectionStart !== words.length) return closeOffers();
  asking = new AbortController();
  try {
    const found = await json(`/chat/complete?text=${encodeURIComponent(words)}`, { signal: asking.signal });
    if (area.value === words) showOffers(found.filter((offer) => offer.text !== words), words);
  } catch (error) {
    if (error.name !== "AbortError") closeOffers();
  }
}

function accept(index) {
  const offer = offers[index];
  if (!offer) return;
  fillBox(offer.text);
  closeOffers();
  if (offer.text.endsWith(" ")) ask();
}

// ── sending ──

async function send() {
  const area = box();
  const words = area.value.trim();
  const button = document.querySelector(".send");
  if (!words || button.hasAttribute("data-busy")) return;
  const here = thread();
  const draft = draftName();
  const framework = document.querySelector('[name="framework"]:checked')?.value ?? "";
  const files = attached();
  const said = [here, framework, words, ...files.map((file) => `${file.name} ${file.size}`)].join("\n");
  if (sending.words !== said) sending = { words: said, key: newKey() };
  closeOffers();
  clearNotes();
  button.dataset.busy = "";
  button.disabled = true;
  area.readOnly = true;
  const body = { text: words, thread: here || null, key: sending.key };
  if (framework && !words.startsWith("/")) body.framework = framework;
  let sent = body;
  if (files.length) {
    sent = new FormData();
    sent.append("body", JSON.stringify(body));
    for (const file of files) sent.append("file", file, file.name);
  }
  try {
    const answer = parse(await text("/chat/messages", { body: sent })).querySelector(".answer");
    sending = { words: null, key: null };
    if (!answer.hasAttribute("data-error")) {
      // A refused line stays, to be put right.
      area.value = "";
      sessionStorage.removeItem(draft);
      dropAttached();
    }
    document.dispatchEvent(new CustomEvent("nexus:sent"));
    show(answer, here);
  } catch (error) {
    if (error.name === "Refused") sending = { words: null, key: null };
    fault(error, "Your words are still in the box; send them again when it is back.");
  } finally {
    delete button.dataset.busy;
    area.readOnly = false;
    if (area.isConnected) settle();
  }
}

function key(event) {
  const area = event.target;
  const open = !list().hidden && offeredFor === area.value;
  if (event.isComposing) return;
  if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    moved = true;
    mark((chosen + (event.key === "ArrowDown" ? 1 : -1) + offers.length) % offers.length);
  } else if (open && event.key === "Tab" && !event.shiftKey) {
    event.preventDefault();
    accept(chosen);
  } else if (event.key === "Tab" && !event.shiftKey && !list().hidden) {
    event.preventDefault(); // a moment too early
  } else if (event.key === "Escape") {
    if (!list().hidden) closeOffers();
    else clearNotes();
    event.preventDefault();
  } else if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    // Enter takes a completion that was moved to, or that ends a command's half-typed name; otherwise the line is sent as it is.
    const offer = open ? offers[chosen] : null;
    const half = offer && /^\/(nexus\s+)?\S*$/i.test(area.value) && offer.text.trim() !== area.value.trim();
    if (offer && (moved || half)) accept(chosen);
    else send();
  }
}

export function watchBox() {
  document.addEventListener("input", (event) => {
    if (event.target.id !== "box") return;
    settle();
    ask();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.id === "box") key(event);
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (!document.querySelector("dialog[open]")) box()?.focus();
    }
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "composer") return;
    event.preventDefault();
    send();
  });
  document.addEventListener("mousedown", (event) => {
    const row = event.target.closest(".completion");
    if (!row) return;
    event.preventDefault(); // focus stays in the box
    accept([...list().children].indexOf(row));
  });
  document.addEventListener("click", (event) => {
    const example = event.target.closest("[data-example]");
    if (example) fillBox(example.dataset.example);
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.id === "box") setTimeout(() => document.activeElement !== box() && closeOffers(), 100);
  });
}
