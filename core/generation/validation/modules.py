"""Where an import of a JavaScript, TypeScript or Vue file leads: to a file of the app, to a package, or nowhere.

Read by `core.generation.validation.imports`. It knows how Node.js and the bundlers look for files: endings left out, index files, the
aliases of tsconfig and vite. Whatever could be made by a tool later is taken to be there.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from functools import cached_property

from core.files import FileTree

_ENDINGS = ("", ".ts", ".tsx", ".d.ts", ".mts", ".js", ".jsx", ".mjs", ".cjs", ".cts", ".json", ".vue", ".css", ".svg")
_INDEXES = tuple(f"/index{ending}" for ending in (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".vue", ".json", ".d.ts"))
_SWAPPED = {".js": (".ts", ".tsx", ".d.ts"), ".jsx": (".tsx",), ".mjs": (".mts",), ".cjs": (".cts",)}
_MADE_LATER = re.compile(
    r"(?:^|/)(?:dist|build|out|\.next|\.nuxt|\.output|generated|__generated__|node_modules)(?:/|$)|\.(?:gen|generated)(?:\.|$)"
)
_CONFIG = re.compile(
    r"(?:^|/)(?:[tj]sconfig[^/]*\.json|vite\.config\.\w+|vitest\.config\.\w+|next\.config\.\w+|webpack\.config\.\w+)$"
)
_ALIAS = re.compile(r"""["'](?P<alias>[@~#$]{1,2}[\w-]{0,30})(?:/\*?)?["']""")

#: Of Node.js 24. Those in the second set are known with their ``node:`` alone.
NODE_BUILTINS = frozenset(
    [
        "assert",
        "async_hooks",
        "buffer",
        "child_process",
        "cluster",
        "console",
        "constants",
        "crypto",
        "dgram",
        "diagnostics_channel",
        "dns",
        "domain",
        "events",
        "fs",
        "http",
        "http2",
        "https",
        "inspector",
        "module",
        "net",
        "os",
        "path",
        "perf_hooks",
        "process",
        "punycode",
        "querystring",
        "readline",
        "repl",
        "stream",
        "string_decoder",
        "sys",
        "timers",
        "tls",
        "trace_events",
        "tty",
        "url",
        "util",
        "v8",
        "vm",
        "wasi",
        "worker_threads",
        "zlib",
    ]
)


class Modules:
    """The files of one app, as imports see them."""

    def __init__(self, tree: FileTree) -> None:
        self._tree = tree

    def file(self, importer: str, specifier: str) -> str | None:
        """The file that a local specifier means; "" when it may be made later, None when there is none."""
        specifier = specifier.split("?", 1)[0].split("#", 1)[0] if not specifier.startswith("#") else specifier
        if specifier.startswith("/"):
            places = [specifier[1:], "public/" + specifier[1:], "static/" + specifier[1:]]
        elif specifier.startswith("."):
            places = [posixpath.normpath(posixpath.join(posixpath.dirname(importer), specifier))]
        else:
            places = list(self._aliased(specifier))
        for place in places:
            if _MADE_LATER.search(place):
                return ""
            if found := self._at(place.rstrip("/")):
                return found
        return None

    def is_local(self, specifier: str) -> bool:
        """Whether it can only mean a file of the app: a path, or an alias (no package is called ``@`` or ``~``)."""
        return specifier.startswith((".", "/", "@/", "~/")) or any(True for _ in self._aliased(specifier))

    def _at(self, place: str) -> str | None:
        place = "" if place == "." else place
        for ending in _ENDINGS:
            if place + ending in self._tree:
                return place + ending
        stem, ending = posixpath.splitext(place)
        for other in _SWAPPED.get(ending, ()):
            if stem + other in self._tree:
                return stem + other
        for index in _INDEXES:
            if (path := (place + index).lstrip("/")) in self._tree:
                return path
        named = f"{place}/package.json".lstrip("/")  # whose main may be anything
        return named if named in self._tree else None

    def _aliased(self, specifier: str) -> Iterator[str]:
        head, slash, rest = specifier.partition("/")
        for pattern, targets in self._paths:
            prefix, star, suffix = pattern.partition("*")
            if star and specifier.startswith(prefix) and specifier.endswith(suffix) and len(prefix) > 0:
                middle = specifier[len(prefix) : len(specifier) - len(suffix)]
                yield from (posixpath.normpath(target.replace("*", middle, 1)) for target in targets)
            elif not star and specifier == pattern:
                yield from (posixpath.normpath(target) for target in targets)
        if (head in {"@", "~"} and slash) or (slash and head in self._names):
            for folder in ("src", "app", "client", "client/src", "frontend/src", "web/src", "lib", ""):
                yield posixpath.join(folder, rest)

    @cached_property
    def _names(self) -> frozenset[str]:
        """What the build's configuration calls a folder; where it leads is looked for."""
        found = {
            match["alias"]
            for path, text in self._tree.items()
            if _CONFIG.search(path) and not path.endswith(".json")
            for match in _ALIAS.finditer(text)
        }
        return frozenset(found)

    @cached_property
    def _paths(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """``compilerOptions.paths`` of every tsconfig."""
        found = []
        for path, text in self._tree.items():
            if not _CONFIG.search(path) or not path.endswith(".json"):
                continue
            options = _commented_json(text).get("compilerOptions")
            if not isinstance(options, dict) or not isinstance(options.get("paths"), dict):
                continue
            base = options.get("baseUrl")
            folder = posixpath.join(posixpath.dirname(path), base if isinstance(base, str) else "")
            for pattern, targets in options["paths"].items():
                if isinstance(targets, list):
                    found.append((str(pattern), tuple(posixpath.join(folder, str(target)) for target in targets)))
        return tuple(found)


def package_of(specifier: str) -> str | None:
    """The npm package of a bare specifier; None for Node.js's own modules, addresses, and what a bundler makes up."""
    if ":" in specifier or specifier.startswith(("#", "\0")) or "!" in specifier:
        return None
    parts = specifier.split("/")
    if parts[0] in NODE_BUILTINS:
        return None
    if specifier.startswith("@"):
        return "/".join(parts[:2]) if len(parts) > 1 and len(parts[0]) > 1 else None
    return parts[0] or None


def _commented_json(text: str) -> dict[str, object]:
    """JSON with comments and commas at ends, as tsconfig has it; empty when it cannot be read."""
    plain = re.sub(r'("(?:[^"\\\n]|\\.)*+")|//[^\n]*+|/\*.*?\*/', lambda found: found[1] or " ", text, flags=re.DOTALL)
    plain = re.sub(r'("(?:[^"\\\n]|\\.)*+")|,(?=\s*+[}\]])', lambda found: found[1] or "", plain)
    try:
        value = json.loads(plain)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
