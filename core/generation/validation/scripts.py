"""What of a file is JavaScript or TypeScript, and its syntax tree.

Made once per validation and shared by its checks. The trees come from tree-sitter: a parser that goes on behind errors, does not recurse,
and can be told to stop. Whatever takes longer than its budget has no tree, and then nothing is said of it here: the build step parses
it truly.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language, Node, Parser, Tree

from core.files import FileTree
from core.generation.validation import markup

SECONDS_PER_SCRIPT = 2.0
MAX_NODES = 200_000  #: that are walked; 200 kB of real code have fewer
SECONDS = 10.0  #: for all scripts of one app
_SLICE = 32_768  #: bytes that the parser is given at once; between two it can be stopped

Dialect = Literal["javascript", "typescript", "tsx"]
DIALECTS: Mapping[str, Dialect] = {
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), "javascript"),
    **dict.fromkeys((".ts", ".mts", ".cts"), "typescript"),
    ".tsx": "tsx",
}
_LANGS: Mapping[str, Dialect] = {"": "javascript", "js": "javascript", "jsx": "javascript", "ts": "typescript", "tsx": "tsx"}
_HTML_TYPES = frozenset({"", "module", "text/javascript", "application/javascript"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script: a whole file, or one in a component or page."""

    dialect: Dialect
    text: str
    row: int = 0  #: lines before it in its file
    tree: Tree | None = None  #: None when it could not be parsed in time

    def line(self, node: Node) -> int:
        """The file's line, from 1."""
        return self.row + node.start_point.row + 1

    @property
    def sound(self) -> bool:
        """Whether it was parsed, without an error: the tree of one with an error is a guess."""
        return self.tree is not None and not self.tree.root_node.has_error

    def nodes(self, *types: str) -> Iterator[Node]:
        """The nodes of these types in the order of the text; none of a script that is not `sound`, nor behind `MAX_NODES`.

        Walked here, without recursion: tree-sitter's own queries are quadratic in the depth of a tree, and their way to be stopped
        brings the interpreter down.
        """
        if self.tree is None or not self.sound:
            return
        wanted = frozenset(types)
        cursor = self.tree.walk()
        for _ in range(MAX_NODES):
            node = cursor.node
            if node is not None and node.type in wanted:
                yield node
            if cursor.goto_first_child() or cursor.goto_next_sibling():
                continue
            while cursor.goto_parent():
                if cursor.goto_next_sibling():
                    break
            else:
                return


class Scripts:
    """The scripts of one app, parsed when they are first asked for."""

    def __init__(self, tree: FileTree) -> None:
        self._tree = tree
        self._known: dict[str, tuple[Script, ...]] = {}
        self._left = SECONDS

    def of(self, path: str) -> tuple[Script, ...]:
        """The scripts in a file, none for files that have none."""
        if path not in self._known:
            self._known[path] = tuple(self._parsed(script) for script in _unparsed(path, self._tree[path]))
        return self._known[path]

    def _parsed(self, script: Script) -> Script:
        began = time.monotonic()
        tree = parse(script.text, script.dialect, min(SECONDS_PER_SCRIPT, self._left))
        self._left -= time.monotonic() - began
        return Script(dialect=script.dialect, text=script.text, row=script.row, tree=tree)


def _unparsed(path: str, text: str) -> Iterator[Script]:
    suffix = path[path.rfind(".") :].lower() if "." in path else ""
    if suffix in DIALECTS:
        yield Script(dialect=DIALECTS[suffix], text=text)
    elif suffix == ".vue":
        for block in markup.blocks(text):
            dialect = _LANGS.get(block.tag.values.get("lang", ""))
            if block.tag.name == "script" and dialect and "src" not in block.tag.values:
                yield Script(dialect=dialect, text=block.text, row=text.count("\n", 0, block.start))
    elif suffix in {".html", ".htm"}:
        for block in markup.scripts(text):
            if block.tag.name.lower() == "script" and block.tag.values.get("type", "").lower() in _HTML_TYPES:
                yield Script(dialect="javascript", text=block.text, row=text.count("\n", 0, block.start))


def parse(text: str, dialect: Dialect, seconds: float = SECONDS_PER_SCRIPT) -> Tree | None:
    """The tree, None when it took longer."""
    source = text.encode()
    deadline = time.monotonic() + seconds
    try:
        return Parser(_language(dialect)).parse(
            lambda offset, _: source[offset : offset + _SLICE], progress_callback=lambda *_: time.monotonic() > deadline
        )
    except ValueError:
        return None


@functools.cache
def _language(dialect: Dialect) -> Language:
    if dialect == "javascript":
        return Language(tree_sitter_javascript.language())
    return Language(tree_sitter_typescript.language_tsx() if dialect == "tsx" else tree_sitter_typescript.language_typescript())
