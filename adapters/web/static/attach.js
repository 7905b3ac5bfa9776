// Files beside the words: chosen, pasted or dropped on the box, shown as chips, sent with the next message.

import { note } from "./dialogs.js";

const MAX_FILES = 5;
const MAX_BYTES = 5_000_000;
let files = [];

const list = () => document.getElementById("attached");

/** What is sent along with the words. */
export const attached = () => [...files];

export function dropAttached() {
  files = [];
  draw();
}

function draw() {
  const place = list();
  if (!place) return;
  place.hidden = !files.length;
  place.replaceChildren(
    ...files.map((file) => {
      const row = document.createElement("li");
      const name = Object.assign(document.createElement("span"), { textContent: file.name, title: file.name });
      const remove = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
      remove.setAttribute("aria-label", `Remove ${file.name}`);
      remove.addEventListener("click", () => {
        files = files.filter((other) => other !== file);
        draw();
        document.getElementById("box").focus();
      });
      row.append(name, remove);
      return row;
    }),
  );
}

function add(found) {
  for (const file of found) {
    if (file.size > MAX_BYTES) note(`${file.name} is over 5 MB; send a smaller one.`, { error: true });
    else if (files.length >= MAX_FILES) note(`At most ${MAX_FILES} files go with one message.`, { error: true });
    else files.push(file);
  }
  draw();
}

export function watchAttachments() {
  document.addEventListener("click", (event) => event.target.closest("[data-attach]") && document.getElementById("attach").click());
  document.addEventListener("change", (event) => {
    if (event.target.id !== "attach") return;
    add(event.target.files);
    event.target.value = "";
    document.getElementById("box").focus();
  });
  document.addEventListener("paste", (event) => {
    if (event.target.id !== "box" || !event.clipboardData?.files.length) return;
    event.preventDefault();
    add(event.clipboardData.files);
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      const composer = event.target.closest?.("#composer");
      if (!composer || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      composer.toggleAttribute("data-over", kind === "dragover");
      if (kind === "drop") add(event.dataTransfer.files);
    });
  }
}
