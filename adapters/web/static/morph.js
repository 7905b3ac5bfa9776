// HTML from the server into the page: parsing, and changing what is there into what should be there.
//
// An element that stays keeps its identity, and with it focus, scroll position, selection and listeners. Attributes that a person changes
// by using the page belong to the page and are not touched; an element marked data-keep is left alone altogether.

const OURS = new Set([
  "aria-selected", "tabindex", "aria-expanded", "aria-pressed", "hidden", "open", "data-folded", "data-selected", "data-busy", "data-new",
  "data-keep", "data-wrapped", "data-copied", "data-unread", "disabled",
]);

// The one place where text becomes markup. The server escapes; the policy lets the browser refuse every other way.
const policy = globalThis.trustedTypes?.createPolicy("nexus", { createHTML: (html) => html });

/** The body of a parsed document; scripts in it would not run. */
export function parse(html) {
  return parseDocument(html).body;
}

export function parseDocument(html) {
  return new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html");
}

const keyOf = (node) => (node.nodeType === 1 ? node.dataset?.key || node.id || "" : "");

function alike(old, wanted) {
  return old.nodeType === wanted.nodeType && old.nodeName === wanted.nodeName && keyOf(old) === keyOf(wanted);
}

function attributes(old, wanted) {
  for (const { name } of [...old.attributes]) {
    if (!OURS.has(name) && !wanted.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (!OURS.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function children(old, wanted) {
  const keyed = new Map();
  for (const child of old.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child);
  const kept = new Set();
  let here = old.firstChild;
  for (const next of [...wanted.childNodes]) {
    let match = null;
    if (keyOf(next)) {
      const candidate = keyed.get(keyOf(next));
      if (candidate && !kept.has(candidate) && alike(candidate, next)) match = candidate;
    } else {
      for (let at = here; at && !match; at = at.nextSibling) if (!kept.has(at) && alike(at, next)) match = at;
    }
    if (!match) {
      const made = document.importNode(next, true);
      old.insertBefore(made, here);
      kept.add(made);
      continue;
    }
    kept.add(match);
    if (match === here) here = here.nextSibling;
    else old.insertBefore(match, here);
    morph(match, next);
  }
  for (const child of [...old.childNodes]) if (!kept.has(child)) child.remove();
}

/** Make `old` look like `wanted`, which has the same tag. */
export function morph(old, wanted) {
  if (old.nodeType !== 1) {
    if (old.data !== wanted.data) old.data = wanted.data;
    return;
  }
  if (old.hasAttribute("data-keep")) return;
  attributes(old, wanted);
  children(old, wanted);
}
