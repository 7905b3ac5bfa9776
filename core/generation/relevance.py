"""Relevance: which files of an app a model is shown, and which it is only told of.

Pure; asked by the prompts. First what the plan or the request names, then what those import, then the others from the smallest
on, as far as there is room. Of files that the scaffold keeps for everybody (style sheets, icons) the path is enough. An app is
mostly small enough to be shown whole, and then the text is the same for every request, which a vendor's cache likes.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from core.files import FileTree

MAX_SHOWN_CHARS = 120_000  #: of file contents in one prompt, some 35,000 tokens

_PYTHON_IMPORT = re.compile(
    r"^\s*(?:from\s+(?P<of>\.*[\w.]*)\s+import\s+(?P<names>[^#\n]+)|import\s+(?P<plain>[\w., ]+))", re.MULTILINE
)
_JS_IMPORT = re.compile(r"""(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(['"])(?P<what>[^'"\n]+)\1""")
_HTML_IMPORT = re.compile(r"""\b(?:src|href)\s*=\s*(['"])(?P<what>[^'"\n:]+)\1""")
_SUFFIXES = (
    "",
    ".js",
    ".mjs",
    ".jsx",
    ".ts",
    ".tsx",
    ".vue",
    ".css",
    ".json",
    "/index.js",
    "/index.jsx",
    "/index.ts",
    "/index.tsx",
)


def imports_of(tree: Mapping[str, str], path: str) -> list[str]:
    """The files of ``tree`` that this one imports, as far as that is plain to see."""
    text = tree[path]
    wanted: list[str] = []
    if path.endswith(".py"):
        for match in _PYTHON_IMPORT.finditer(text):
            wanted += _python_paths(path, match)
    else:
        pattern = _HTML_IMPORT if path.endswith((".html", ".htm")) else _JS_IMPORT
        for match in pattern.finditer(text):
            wanted += _script_paths(path, match["what"])
    return [found for found in dict.fromkeys(wanted) if found in tree and found != path]


def _python_paths(path: str, match: re.Match[str]) -> Iterable[str]:
    if match["plain"]:
        modules = [name.strip().split(" ")[0] for name in match["plain"].split(",")]
    else:
        dotted = match["of"]
        if dotted.startswith("."):
            up = len(dotted) - len(dotted.lstrip("."))
            package = posixpath.dirname(path).split("/") if posixpath.dirname(path) else []
            dotted = ".".join([*package[: len(package) - up + 1], *filter(None, [dotted.lstrip(".")])])
        names = [name.strip(" ()").split(" ")[0] for name in match["names"].split(",")]
        modules = [*(f"{dotted}.{name}" if dotted else name for name in names), dotted]
    for module in modules:
        place = module.replace(".", "/")
        yield f"{place}.py"
        yield f"{place}/__init__.py"


def _script_paths(path: str, what: str) -> Iterable[str]:
    if what.startswith("@/"):
        bases = [what[2:], "src/" + what[2:]]
    elif what.startswith("."):
        bases = [posixpath.normpath(posixpath.join(posixpath.dirname(path), what))]
    else:
        bases = [posixpath.normpath(posixpath.join(posixpath.dirname(path), what.lstrip("/")))] if "." in what else []
    for base in bases:
        stem = base[:-3] if base.endswith(".js") else base
        yield from (base + suffix for suffix in _SUFFIXES)
        yield from (stem + suffix for suffix in (".ts", ".tsx"))


def named_in(text: str, tree: FileTree) -> list[str]:
    """The files that somebody's words name, by path or by file name."""
    return [
        path
        for path in tree
        if re.search(rf"(?<![\w./-]){re.escape(path)}(?![\w-])", text)
        or re.search(rf"(?<![\w./-]){re.escape(posixpath.basename(path))}(?![\w-])", text)
    ]


def ranked(tree: FileTree, first: Iterable[str]) -> list[str]:
    """All paths of ``tree``: these, what they import, the others from the smallest on."""
    named = [path for path in dict.fromkeys(first) if path in tree]
    near = [found for path in named for found in imports_of(tree, path)]
    return list(dict.fromkeys([*named, *near, *sorted(tree, key=lambda path: (tree.size(path), path))]))


def render(
    tree: FileTree,
    first: Sequence[str] = (),
    *,
    is_fixture: Callable[[str], bool] = lambda path: False,
    room: int = MAX_SHOWN_CHARS,
) -> str:
    """The files for a prompt, in the tree's order: the text of those that fit, of the others path and size. Those in ``first``
    are shown even when they are fixtures."""
    named: Collection[str] = frozenset(first)
    shown: set[str] = set()
    for path in ranked(tree, first):
        if (path in named or not is_fixture(path)) and len(tree[path]) <= room:
            room -= len(tree[path])
            shown.add(path)
    return "\n".join(
        f"=== {path}\n{tree[path]}" if path in shown else f"=== {path} ({tree.size(path):,} bytes, not shown)" for path in tree
    )
