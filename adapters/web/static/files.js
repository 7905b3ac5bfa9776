// The Files tab: a tree by the WAI-ARIA pattern at the left, the open file's source at the right, fetched when it is looked at.

import { parse } from "./morph.js";
import { text } from "./net.js";

const loaded = new WeakMap(); // .files → what its source shows
const asked = new WeakMap();

const rowsOf = (files) => [...files.querySelectorAll('[role="treeitem"]')];
const openRow = (files) => rowsOf(files).find((row) => row.getAttribute("aria-selected") === "true");

function stamp(files, row) {
  return `${files.dataset.build}\n${row.dataset.path}\n${row.querySelector(".row-size")?.textContent}`;
}

async function load(files, row) {
  const source = files.querySelector(".source");
  const body = source.querySelector(".source-body");
  const wanted = stamp(files, row);
  if (loaded.get(files) === wanted) {
    asked.delete(files); // whatever else was asked for meanwhile is not wanted any more
    return;
  }
  if (asked.get(files) === wanted) return;
  asked.set(files, wanted);
  const path = row.dataset.path;
  const stays = source.dataset.open === path; // the same file, changed: keep the place in it
  const place = [body.scrollTop, body.scrollLeft];
  try {
    const inner = parse(await text(`/builds/${encodeURIComponent(files.dataset.build)}/files/${path.split("/").map(encodeURIComponent).join("/")}`));
    if (asked.get(files) !== wanted) return;
    const pre = inner.querySelector("pre");
    body.replaceChildren(document.importNode(pre, true));
    const lines = Number(pre.dataset.lines);
    source.querySelector(".source-note").textContent = `${pre.dataset.language} · ${lines.toLocaleString()} ${lines === 1 ? "line" : "lines"}`;
    loaded.set(files, wanted);
  } catch (error) {
    if (asked.get(files) !== wanted) return;
    body.replaceChildren(Object.assign(document.createElement("p"), { textContent: `${error.message} Choose the file again to retry.` }));
    loaded.delete(files);
  } finally {
    if (asked.get(files) === wanted) asked.delete(files);
  }
  source.dataset.open = path;
  source.querySelector(".source-path").textContent = path;
  body.setAttribute("aria-label", `Source of ${path}`);
  [body.scrollTop, body.scrollLeft] = stays ? place : [0, 0];
}

function choose(files, row, { focus = false } = {}) {
  for (const other of rowsOf(files)) {
    other.tabIndex = other === row ? 0 : -1;
    if (row.dataset.path && row.getAttribute("aria-disabled") !== "true" && other.dataset.path) {
      other.setAttribute("aria-selected", String(other === row));
    }
  }
  if (focus) row.focus();
  if (row.dataset.path && row.getAttribute("aria-disabled") !== "true") load(files, row);
}

function toggle(files, row, open = row.getAttribute("aria-expanded") !== "true") {
  row.setAttribute("aria-expanded", String(open));
  const closed = rowsOf(files).filter((r) => r.dataset.folder && r.getAttribute("aria-expanded") === "false").map((r) => `${r.dataset.folder}/`);
  for (const other of rowsOf(files)) {
    const path = other.dataset.path ?? `${other.dataset.folder}/`;
    other.hidden = closed.some((folder) => path !== folder && path.startsWith(folder));
  }
}

function move(event, row) {
  const files = row.closest(".files");
  const seen = rowsOf(files).filter((r) => !r.hidden);
  const at = seen.indexOf(row);
  const folder = row.dataset.folder;
  const open = row.getAttribute("aria-expanded") === "true";
  let to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: seen.length - 1 }[event.key];
  if (event.key === "ArrowRight" && folder) {
    if (open) to = at + 1;
    else toggle(files, row, true);
  } else if (event.key === "ArrowLeft") {
    if (folder && open) toggle(files, row, false);
    else to = seen.findLastIndex((r, n) => n < at && Number(r.ariaLevel) < Number(row.ariaLevel));
  } else if (to === undefined) return;
  event.preventDefault();
  if (seen[to]) choose(files, seen[to], { focus: true });
}

/** After an edit or a tab change: every tree has one open file, and what can be seen is loaded. */
export function settleFiles(root) {
  for (const files of root.querySelectorAll(".files")) {
    const rows = rowsOf(files);
    const was = files.querySelector(".source").dataset.open;
    const row = (was && rows.find((r) => r.dataset.path === was)) || openRow(files) || rows.find((r) => r.dataset.path);
    if (!row) continue;
    const reachable = rows.includes(document.activeElement) ? document.activeElement : row;
    for (const other of rows) {
      if (other.dataset.path) other.setAttribute("aria-selected", String(other === row));
      other.tabIndex = other === reachable ? 0 : -1;
    }
    if (!files.checkVisibility()) continue;
    if (!loaded.has(files) && !asked.has(files)) {
      const tree = files.querySelector(".tree"); // not scrollIntoView: the page should stay where it is
      tree.scrollTop = row.offsetTop - tree.offsetTop - (tree.clientHeight - row.offsetHeight) / 2;
    }
    load(files, row);
  }
}

export function watchFiles() {
  document.addEventListener("click", (event) => {
    const row = event.target.closest('[role="treeitem"]');
    if (row) {
      const files = row.closest(".files");
      if (row.dataset.folder) toggle(files, row);
      choose(files, row, { focus: true });
      return;
    }
    const wrap = event.target.closest("[data-wrap]");
    if (wrap) wrap.setAttribute("aria-pressed", String(wrap.closest(".source").toggleAttribute("data-wrapped")));
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.matches?.('[role="treeitem"]') && !event.ctrlKey && !event.metaKey && !event.altKey) move(event, event.target);
  });
}
