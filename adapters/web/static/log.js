// Live logs: the last visible card with one is followed, unless its reader said otherwise. One connection at a time.

const MAX_LINES = 500;
const stopped = new WeakSet(); // logs that a person stopped
const begun = new WeakSet();
let current = null; // { log, source }

function add(log, lines, { afresh = false } = {}) {
  const place = log.querySelector(".log-lines");
  const atEnd = place.scrollHeight - place.scrollTop - place.clientHeight < 24;
  const made = lines.map((line) => Object.assign(document.createElement("span"), { className: "line", textContent: `${line}\n` }));
  if (afresh) place.replaceChildren(...made);
  else place.append(...made);
  while (place.childElementCount > MAX_LINES) place.firstElementChild.remove();
  if (atEnd || afresh) place.scrollTop = place.scrollHeight;
}

function press(log, on) {
  log.querySelector("[data-follow]")?.setAttribute("aria-pressed", String(on));
}

function stop() {
  if (!current) return;
  current.source.close();
  press(current.log, false);
  current.log.querySelector(".log-lines").removeAttribute("data-keep");
  current = null;
}

function follow(log) {
  stop();
  const source = new EventSource(`/apps/${encodeURIComponent(log.dataset.live)}/log`);
  current = { log, source };
  log.querySelector(".log-lines").setAttribute("data-keep", ""); // the lines are the stream's now, not the card's
  press(log, true);
  source.addEventListener("tail", (event) => add(log, JSON.parse(event.data).lines, { afresh: true }));
  source.addEventListener("lines", (event) => add(log, JSON.parse(event.data).lines));
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED && current?.source === source) stop();
  });
}

/** Follow what should be followed now. */
export function settleLogs() {
  const seen = [...document.querySelectorAll("#messages .log[data-live]")].filter((log) => log.checkVisibility() && !stopped.has(log));
  const wanted = document.hidden ? undefined : seen.at(-1);
  if (current && (current.log !== wanted || !current.log.isConnected)) stop();
  if (wanted && !current) follow(wanted);
}

/** A log that is seen for the first time starts at its end. */
export function showEnds(root) {
  for (const place of root.querySelectorAll(".log-lines")) {
    if (begun.has(place) || !place.checkVisibility()) continue;
    begun.add(place);
    place.scrollTop = place.scrollHeight;
  }
}

export function watchLogs() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-follow]");
    if (!button) return;
    const log = button.closest(".log");
    if (current?.log === log) {
      stopped.add(log);
      stop();
    } else {
      stopped.delete(log);
      follow(log);
    }
  });
}
