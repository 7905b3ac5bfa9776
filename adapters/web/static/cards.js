// What people do with cards: tabs, folding, copying, pressing buttons.

import { confirm, fault, show } from "./dialogs.js";
import { parse } from "./morph.js";
import { newKey, text } from "./net.js";

// ── tabs, by the WAI-ARIA pattern: arrows move, the focused tab is the shown one ──

export function selectTab(tab, { focus = false } = {}) {
  const tabs = tab.closest(".tabs");
  tabs.dataset.selected = tab.dataset.key;
  for (const other of tabs.querySelectorAll('[role="tab"]')) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    const panel = document.getElementById(other.getAttribute("aria-controls"));
    if (panel) panel.hidden = !chosen;
  }
  if (focus) tab.focus();
  tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  document.dispatchEvent(new CustomEvent("nexus:shown"));
}

/** After an edit: exactly one tab is selected, the one that was. */
export function settleTabs(card) {
  for (const tabs of card.querySelectorAll(".tabs")) {
    const all = [...tabs.querySelectorAll('[role="tab"]')];
    const kept = all.find((tab) => tab.dataset.key === tabs.dataset.selected);
    const chosen = kept || all.find((tab) => tab.getAttribute("aria-selected") === "true") || all[0];
    for (const tab of all) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      const panel = document.getElementById(tab.getAttribute("aria-controls"));
      if (panel) panel.hidden = tab !== chosen;
    }
    tabs.dataset.selected = chosen?.dataset.key ?? "";
  }
}

function tabKey(event, tab) {
  const all = [...tab.closest('[role="tablist"]').querySelectorAll('[role="tab"]')];
  const at = all.indexOf(tab);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  selectTab(all[(to + all.length) % all.length], { focus: true });
}

// ── buttons ──

async function press(button) {
  if (button.hasAttribute("data-busy")) return;
  const { action, value, confirm: title } = button.dataset;
  const card = button.closest(".card");
  if (title !== undefined) {
    const danger = button.classList.contains("btn-danger");
    if (!(await confirm({ title, text: button.dataset.confirmText, yes: button.dataset.confirmYes, danger }))) return;
  }
  const thread = document.getElementById("main").dataset.thread;
  button.dataset.busy = "";
  button.setAttribute("aria-disabled", "true");
  try {
    const answer = parse(await text("/chat/actions", { body: { action, value, thread: thread || null, key: newKey() } })).querySelector(".answer");
    const drawer = button.closest("dialog.drawer");
    if (drawer && !answer.hasAttribute("data-error")) drawer.close();
    // What was approved is followed where it is told of.
    const deploy = button.classList.contains("btn-primary") && !answer.hasAttribute("data-error") && card?.querySelector('[role="tab"][data-key="deploy"]');
    if (deploy?.isConnected) selectTab(deploy, { focus: false });
    show(answer, thread);
  } catch (error) {
    fault(error, "Press again when it is back.");
  } finally {
    delete button.dataset.busy;
    button.removeAttribute("aria-disabled");
  }
}

// ── copying ──

async function copy(button) {
  const box = button.closest(".codebox, .fact, .log, .source");
  const from = box.querySelector("pre code, dd code, code, .log-lines, pre");
  try {
    await navigator.clipboard.writeText((from?.textContent ?? "").replace(/\n$/, ""));
  } catch {
    const range = document.createRange(); // no clipboard here: select it, so that Ctrl+C does it
    range.selectNodeContents(from);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    return;
  }
  button.dataset.copied = "";
  document.getElementById("live").textContent = "Copied";
  setTimeout(() => delete button.dataset.copied, 1500);
}

function fold(button) {
  const card = button.closest(".card");
  const folded = card.toggleAttribute("data-folded");
  button.setAttribute("aria-expanded", String(!folded));
  button.textContent = folded ? "Show" : "Hide";
  document.dispatchEvent(new CustomEvent("nexus:shown"));
}

export function watchCards() {
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[role=tab], [data-action], [data-copy], [data-fold]");
    if (!target) return;
    if (target.matches("[role=tab]")) selectTab(target);
    else if (target.hasAttribute("data-copy")) copy(target);
    else if (target.hasAttribute("data-fold")) fold(target);
    else press(target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.matches?.("[role=tab]")) tabKey(event, event.target);
  });
}
