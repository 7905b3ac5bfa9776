// The frame: the list of threads, going from one to another without a new page, light and dark, the drawer, times.

import { morph, parse, parseDocument } from "./morph.js";

// ── times, in the reader's zone ──

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

function spoken(at, short) {
  const now = new Date();
  const minutes = (now - at) / 60_000;
  if (short && minutes < 1) return "now";
  if (short && minutes < 60) return `${Math.floor(minutes)} min`;
  if (now.toDateString() === at.toDateString()) return clock.format(at);
  return short ? day.format(at) : `${day.format(at)}, ${clock.format(at)}`;
}

export function settleTimes(root = document) {
  for (const time of root.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    const words = spoken(at, Boolean(time.closest(".threads")));
    if (time.textContent !== words) time.textContent = words;
    time.title ||= whole.format(at);
  }
}

// ── the list ──

const items = () => document.getElementById("threads");

function order() {
  const list = items();
  const rows = [...list.children];
  const wanted = rows.toSorted((a, b) => b.dataset.updated.localeCompare(a.dataset.updated));
  if (rows.some((row, at) => row !== wanted[at])) {
    const focused = document.activeElement;
    list.append(...wanted);
    if (list.contains(focused)) focused.focus();
  }
}

export function setThreads(html) {
  const unread = new Set([...items().querySelectorAll("[data-unread]")].map((row) => row.dataset.key));
  const list = document.createElement("ol");
  list.append(...parse(html).childNodes);
  for (const { name, value } of items().attributes) list.setAttribute(name, value);
  morph(items(), list);
  for (const row of items().children) row.toggleAttribute("data-unread", unread.has(row.dataset.key));
  settleTimes(items());
}

/** One thread changed: its line, and the head of the page if it is this one. */
export function setThread({ thread, state, html }) {
  const row = parse(html).querySelector("li");
  const old = items().querySelector(`[data-key="${CSS.escape(row.dataset.key)}"]`);
  const main = document.getElementById("main");
  if (state === "deleted" && main.dataset.thread !== thread) old?.remove();
  else if (old) morph(old, row);
  else items().prepend(document.importNode(row, true));
  order();
  settleTimes(items());
  if (main.dataset.thread !== thread) return;
  const title = row.querySelector(".thread-title").textContent;
  main.dataset.title = title;
  document.title = `${title} · Nexus`;
  const head = main.querySelector(".top-title");
  if (head.textContent !== title) head.textContent = title;
  const shown = main.querySelector(".top-state");
  if (shown) {
    shown.className = `top-state${state ? ` state-${state}` : ""}`;
    shown.lastElementChild.textContent = row.querySelector(".thread-state").textContent;
  }
}

export function touch({ thread }) {
  if (document.getElementById("main").dataset.thread === thread) return;
  items().querySelector(`[data-thread="${CSS.escape(thread)}"]`)?.setAttribute("data-unread", "");
}

// ── going somewhere ──

let going = null;

/** Show another address of ours in this page; `arrive` is called when it is there. */
export async function go(url, arrive, { push = true } = {}) {
  going?.abort();
  going = new AbortController();
  let html;
  try {
    const response = await fetch(url, { headers: { Accept: "text/html" }, signal: going.signal, credentials: "same-origin" });
    if (response.status === 401) return document.dispatchEvent(new CustomEvent("nexus:signed-out"));
    html = await response.text();
  } catch (error) {
    if (error.name !== "AbortError") location.assign(url);
    return;
  }
  const next = parseDocument(html);
  const main = next.getElementById("main");
  if (!main) return location.assign(url);
  if (push) history.pushState({}, "", url);
  document.title = next.title;
  document.getElementById("main").replaceWith(document.importNode(main, true));
  for (const link of items().querySelectorAll(".thread")) {
    const here = link.getAttribute("href") === location.pathname;
    if (here) {
      link.setAttribute("aria-current", "page");
      link.parentElement.removeAttribute("data-unread");
    } else link.removeAttribute("aria-current");
  }
  drawer(false);
  arrive();
}

// ── the drawer of small screens ──

const narrow = matchMedia("(max-width: 820px)");

export function drawer(open) {
  const side = document.getElementById("side");
  const was = side.hasAttribute("data-open");
  side.toggleAttribute("data-open", open);
  document.querySelector("[data-drawer-open]")?.setAttribute("aria-expanded", String(open));
  document.getElementById("main").inert = open && narrow.matches;
  if (open && !was) side.querySelector("[aria-current], .new").focus();
  if (!open && was) document.querySelector("[data-drawer-open]")?.focus();
}

// ── light and dark ──

function toggleTheme() {
  const root = document.documentElement;
  const dark = (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const next = dark ? "light" : "dark";
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  // Back at what the system says, there is nothing to remember.
  if (next === system) delete root.dataset.theme;
  else root.dataset.theme = next;
  document.cookie = `nexus-theme=${next === system ? "" : next}; path=/; max-age=${next === system ? 0 : 31_536_000}; samesite=lax`;
}

export function watchFrame({ travel, signOut }) {
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented) return;
    const target = event.target.closest("[data-theme-toggle], [data-drawer-open], [data-drawer-close], [data-signout], a[href]");
    if (!target) return;
    if (target.hasAttribute("data-theme-toggle")) toggleTheme();
    else if (target.hasAttribute("data-drawer-open")) drawer(true);
    else if (target.hasAttribute("data-drawer-close")) drawer(false);
    else if (target.hasAttribute("data-signout")) signOut();
    else {
      const path = target.getAttribute("href");
      const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
      if (!plain || target.target || !(path === "/" || path.startsWith("/t/"))) return;
      event.preventDefault();
      travel(path);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.getElementById("side").hasAttribute("data-open")) drawer(false);
  });
  narrow.addEventListener("change", () => drawer(false));
  setInterval(() => settleTimes(items()), 30_000);
}
