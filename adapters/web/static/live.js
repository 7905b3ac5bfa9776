// The stream of what changes, and what to do when it is away: come back by itself, catch up from where it was.

const QUIET = 40_000; // milliseconds without a sign of life
const PATIENCE = 1_200; // milliseconds before an interruption is spoken of

export class Live {
  #source = null;
  #thread = "";
  #cursor = "0";
  #delay = 500;
  #retry = null;
  #watchdog = null;
  #speak = null;
  #away = false;
  #handlers;

  /** `handlers`: an object of event name → function; `state(words)` tells of the connection, empty when it is well. */
  constructor(handlers) {
    this.#handlers = handlers;
    addEventListener("online", () => this.#away && this.#connect());
    addEventListener("pageshow", (event) => event.persisted && this.#connect());
    addEventListener("pagehide", () => this.close());
    document.addEventListener("visibilitychange", () => !document.hidden && this.#away && this.#connect());
  }

  open(thread, cursor) {
    this.#thread = thread;
    this.#cursor = String(cursor || "0");
    this.#connect();
  }

  close() {
    clearTimeout(this.#retry);
    clearTimeout(this.#watchdog);
    this.#source?.close();
    this.#source = null;
  }

  #connect() {
    this.close();
    const query = new URLSearchParams({ after: this.#cursor });
    if (this.#thread) query.set("thread", this.#thread);
    const source = new EventSource(`/chat/stream?${query}`);
    this.#source = source;
    for (const name of ["threads", "thread", "message", "touched", "beat", "signed-out"]) {
      source.addEventListener(name, (event) => {
        if (this.#source !== source) return;
        if (event.lastEventId) this.#cursor = event.lastEventId;
        this.#well();
        if (name === "signed-out") this.close();
        if (name !== "beat") this.#handlers[name]?.(JSON.parse(event.data));
      });
    }
    source.addEventListener("error", () => {
      if (this.#source !== source) return;
      this.close(); // with our own delays, and a look at why
      this.#unwell();
      this.#retry = setTimeout(() => this.#again(), this.#delay);
      this.#delay = Math.min(this.#delay * 1.7, 10_000);
    });
    this.#listen();
  }

  async #again() {
    // An EventSource does not say why it failed; a plain call does.
    try {
      const response = await fetch("/chat/threads", { headers: { Accept: "application/json" } });
      if (response.status === 401) return this.#handlers["signed-out"]?.({});
    } catch {
      // away still: the stream will tell
    }
    this.#connect();
  }

  #listen() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      this.#unwell();
      this.#connect();
    }, QUIET);
  }

  #well() {
    this.#delay = 500;
    this.#listen();
    clearTimeout(this.#speak);
    this.#speak = null;
    if (this.#away) this.#handlers.state("");
    this.#away = false;
  }

  #unwell() {
    this.#away = true;
    this.#speak ??= setTimeout(() => {
      this.#handlers.state("Reconnecting…");
      this.#speak = setTimeout(() => this.#handlers.state("Nexus is away. Trying again…"), 8_000);
    }, PATIENCE);
  }
}
