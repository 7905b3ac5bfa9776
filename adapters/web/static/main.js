// The page's start: wires the parts, and puts messages where they belong.

import { watchAttachments } from "./attach.js";
import { restoreBox, watchBox } from "./box.js";
import { settleTabs, watchCards } from "./cards.js";
import { signedOut, signOut } from "./dialogs.js";
import { settleFiles, watchFiles } from "./files.js";
import { go, setThread, setThreads, settleTimes, touch, watchFrame } from "./frame.js";
import { Live } from "./live.js";
import { settleLogs, showEnds, watchLogs } from "./log.js";
import { morph, parse } from "./morph.js";

const main = () => document.getElementById("main");
const scroller = () => document.getElementById("scroll");
const newest = () => document.querySelector("[data-newest]");

// ── scrolling: stay at the end for whoever is at the end ──

let atEnd = true;

function isAtEnd() {
  const place = scroller();
  return place.scrollHeight - place.scrollTop - place.clientHeight < 60;
}

function toEnd({ smooth = false } = {}) {
  const place = scroller();
  place.scrollTo({ top: place.scrollHeight, behavior: smooth ? "smooth" : "instant" });
  if (newest()) newest().hidden = true;
  atEnd = true;
}

function arriveAtEnd() {
  toEnd();
  const last = document.querySelector("#messages > :last-child");
  if (last && isTall(last)) fromTop(last);
}

const isTall = (row) => row.offsetHeight > scroller().clientHeight - 40;

/** What does not fit is read from its beginning. */
function fromTop(row) {
  row.scrollIntoView({ block: "start" });
  atEnd = isAtEnd();
}

// ── messages ──

function announce(card, before) {
  const { title, status } = card.dataset;
  const running = card.querySelector(".step-running .step-name")?.textContent;
  const words = [title, status, running].filter(Boolean).join(": ");
  if (words === before) return;
  document.getElementById("live").textContent = words;
  if (document.hidden && status) document.title = `● ${main().dataset.title || "Nexus"} · ${status}`;
}

function spokenOf(card) {
  const running = card?.querySelector(".step-running .step-name")?.textContent;
  return [card?.dataset.title, card?.dataset.status, running].filter(Boolean).join(": ");
}

function put({ thread, order, html }) {
  const list = document.getElementById("messages");
  if (!list || list.dataset.thread !== thread) return;
  const wanted = parse(html).querySelector("li.msg");
  const old = document.getElementById(wanted.id);
  const focused = document.activeElement;
  const inCard = old?.contains(focused);
  const before = spokenOf(old?.querySelector(".card"));
  const wasTall = Boolean(old) && isTall(old);
  const stay = atEnd && isAtEnd(); // asked again: a scroll is told of only at the next frame
  let row = old;
  if (old) {
    morph(old, wanted);
  } else {
    row = document.importNode(wanted, true);
    row.dataset.new = "";
    const next = [...list.children].find((other) => Number(other.dataset.order) > order);
    list.insertBefore(row, next ?? null);
  }
  settle(row);
  const card = row.querySelector(".card");
  if (inCard && !focused.isConnected) {
    // What was focused is gone, as an approved card's button is: the card itself takes its place.
    card.tabIndex = -1;
    card.focus({ preventScroll: true });
  }
  if (card) announce(card, before);
  if (stay) {
    toEnd();
    if (!wasTall && card && isTall(row) && !row.nextElementSibling) fromTop(row);
  } else if (!old && newest()) {
    newest().hidden = false;
  }
}

/** After anything came or changed within `root`. */
function settle(root) {
  settleTabs(root);
  settleTimes(root);
  settleFiles(root);
  showEnds(root);
  settleLogs();
}

// ── the page ──

const live = new Live({
  threads({ html, assets }) {
    setThreads(html);
    if (assets !== document.body.dataset.assets) news();
  },
  thread: setThread,
  touched: touch,
  message: put,
  "signed-out": signedOut,
  state(words) {
    const place = document.getElementById("connection");
    delete place.dataset.kind;
    place.textContent = words;
  },
});

function news() {
  const place = document.getElementById("connection");
  place.dataset.kind = "news";
  const reload = Object.assign(document.createElement("a"), { href: location.href, textContent: "Reload", target: "_self" });
  place.replaceChildren("Nexus was updated. ", reload);
}

let at = location.pathname; // what the page shows, or is on the way to

function arrive() {
  at = location.pathname;
  settle(main());
  arriveAtEnd();
  restoreBox();
  live.open(main().dataset.thread, main().dataset.cursor);
  scroller().addEventListener(
    "scroll",
    () => {
      atEnd = isAtEnd();
      if (atEnd && newest()) newest().hidden = true;
    },
    { passive: true },
  );
  // The box and the cards grow: whoever was at the end stays there.
  const watcher = new ResizeObserver(() => atEnd && document.getElementById("messages") && toEnd());
  watcher.observe(scroller());
  if (document.getElementById("messages")) watcher.observe(document.getElementById("messages"));
}

watchFrame({ travel: (path) => go(path, arrive), signOut });
watchCards();
watchFiles();
watchLogs();
watchBox();
watchAttachments();
document.addEventListener("nexus:go", (event) => go(event.detail, arrive));
document.addEventListener("nexus:signed-out", signedOut);
document.addEventListener("nexus:sent", () => document.getElementById("messages") && toEnd());
document.addEventListener("nexus:shown", () => {
  settleFiles(document);
  settleLogs();
  showEnds(document);
  atEnd = isAtEnd();
});
document.addEventListener("click", (event) => event.target.closest("[data-newest]") && toEnd({ smooth: true }));
document.addEventListener("visibilitychange", () => {
  settleLogs();
  if (!document.hidden && main().dataset.title) document.title = main().dataset.thread ? `${main().dataset.title} · Nexus` : "Nexus";
});
addEventListener("popstate", () => {
  if (location.pathname === at) return; // within the page, as the link to the box leads
  at = location.pathname;
  go(at, arrive, { push: false });
});
arrive();
document.documentElement.dataset.ready = ""; // for those who drive the page
