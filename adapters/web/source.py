"""A file's source as highlighted HTML lines.

Called by the route that serves a build's files. Lexers are chosen by file name from a fixed list, never guessed from the content,
and time is bounded: what takes too long to highlight is shown plain. The text content of the result is the file, exactly.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES, Token, _TokenType
from pygments.util import ClassNotFound

from adapters.web.text import attr, esc_source

MAX_LINE = 5_000  #: characters; a longer line makes the file plain
BUDGET = 0.4  #: seconds of highlighting

_BY_ENDING = {
    ".py": "python", ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript", ".jsx": "jsx", ".ts": "typescript",
    ".tsx": "tsx", ".json": "json", ".html": "html", ".css": "css", ".sql": "postgresql", ".md": "markdown", ".toml": "toml",
    ".yaml": "yaml", ".yml": "yaml", ".sh": "bash", ".ini": "ini", ".cfg": "ini", ".env": "bash", ".example": "bash", ".vue": "html",
    ".svg": "xml", ".xml": "xml",
}  # fmt: skip
_BY_NAME = {"dockerfile": "docker", "makefile": "make"}


def _lexer(path: str) -> Lexer | None:
    name = path.rsplit("/", 1)[-1].lower()
    ending = "." + name.rsplit(".", 1)[-1] if "." in name else ""
    alias = _BY_NAME.get(name) or _BY_ENDING.get(ending)
    if alias is None:
        return None
    try:
        lexer: Lexer = get_lexer_by_name(alias, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
    return lexer


def language(path: str) -> str:
    """What the file is written in, for people; "Text" when not known."""
    lexer = _lexer(path)
    return str(lexer.name) if lexer else "Text"


def _css(kind: _TokenType) -> str:
    while kind not in STANDARD_TYPES and kind.parent is not None:
        kind = kind.parent
    short = STANDARD_TYPES.get(kind, "")
    return f"k-{short}" if short else ""


def _tokens(path: str, text: str) -> Iterator[tuple[_TokenType, str]]:
    lexer = _lexer(path)
    if lexer is None or any(len(line) > MAX_LINE for line in text.split("\n")):
        yield Token.Text, text
        return
    deadline = time.monotonic() + BUDGET
    done = 0
    for kind, value in lexer.get_tokens(text):
        yield kind, value
        done += len(value)
        if time.monotonic() > deadline:
            yield Token.Text, text[done:]
            return


def highlight(path: str, text: str) -> str:
    """The lines as ``<span class="ln">``, each with its newline inside, numbered by the style sheet."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines: list[list[str]] = [[]]
    for kind, value in _tokens(path, text):
        css = _css(kind)
        for number, piece in enumerate(value.split("\n")):
            if number:
                lines[-1].append("\n")
                lines.append([])
            if piece:
                shown = esc_source(piece)
                lines[-1].append(f'<span class="{css}">{shown}</span>' if css else shown)
    if not lines[-1]:
        lines.pop()
    return "".join(f'<span class="ln">{"".join(line)}</span>' for line in lines)


def fragment(path: str, text: str) -> str:
    """What the Files tab shows on its right."""
    count = text.count("\n") + (not text.endswith("\n") and bool(text))
    return (
        f'<pre class="src" data-path="{attr(path)}" data-language="{attr(language(path))}" data-lines="{count}">'
        f"<code>{highlight(path, text)}</code></pre>"
    )
