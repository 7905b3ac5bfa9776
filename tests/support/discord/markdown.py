"""Discord's Markdown, read as its clients read it, as far as that is known: what is formatted, linked and mentioned in a text.

Rules in the order in which the clients try them, each at the place where the last one ended; what no rule takes is text. It is for tests
that have to know what a person sees, and for the pictures that are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: Kinds that stand for somebody or something, and are never in a text that others wrote.
LIVE = frozenset({"user", "role", "channel", "everyone", "command", "timestamp", "emoji", "shortcode", "guide"})

_BLOCKS = [  # only where a line begins
    ("quote", re.compile(r"(?: *>>> (?P<all>[\s\S]*))|(?: *> [^\n]*(?:\n *> [^\n]*)*\n?)")),
    ("heading", re.compile(r" *(?P<level>#{1,3})\s+(?P<inner>[^\n]+?)#*\s*(?:\n|$)")),
    ("small", re.compile(r"-# +(?!-#)(?P<inner>[^\n]+)(?:\n|$)")),
    ("item", re.compile(r" *(?:[*+-]|\d+\.) +(?P<inner>[^\n]+)(?:\n|$)")),
]
_INLINE = [
    ("escape", re.compile(r"\\(?P<text>[^0-9A-Za-z\s])")),
    ("autolink", re.compile(r"<(?P<url>[^: >]+:/[^ >]+)>")),
    ("url", re.compile(r"(?P<url>(?:https?|steam)://[^\s<]+[^<.,:;\"'\]\s])", re.IGNORECASE)),
    ("masked", re.compile(r"\[(?P<inner>(?:\[[^\]]*\]|[^\[\]]|\](?=[^\[]*\]))+)\]\(\s*<?(?P<url>[^\s)>]+)>?[^)\n]*\)")),
    ("user", re.compile(r"<@!?\d+>")),
    ("role", re.compile(r"<@&\d+>")),
    ("channel", re.compile(r"<#\d+>")),
    ("everyone", re.compile(r"@(?:everyone|here)", re.IGNORECASE)),
    ("command", re.compile(r"</[^<>\n]{1,100}:\d+>")),
    ("timestamp", re.compile(r"<t:(?P<unix>-?\d+)(?::(?P<as>[tTdDfFRsS]))?>")),
    ("guide", re.compile(r"<id:\w+>")),
    ("emoji", re.compile(r"<a?:\w{2,32}:\d+>")),
    ("shortcode", re.compile(r":[\w+~-]+:")),
    (
        "italic",
        re.compile(r"\b_(?P<inner>(?:__|\\[\s\S]|[^\\_])+?)_\b|\*(?=\S)(?P<inner2>(?:\*\*|\s+(?:[^*\s]|\*\*)|[^\s*])+?)\*(?!\*)"),
    ),
    ("bold", re.compile(r"\*\*(?P<inner>(?:\\[\s\S]|[^\\])+?)\*\*(?!\*)")),
    ("underline", re.compile(r"__(?P<inner>(?:\\[\s\S]|[^\\])+?)__(?!_)")),
    ("struck", re.compile(r"~~(?P<inner>[\s\S]+?)~~(?!_)")),
    ("spoiler", re.compile(r"\|\|(?P<inner>[\s\S]+?)\|\|")),
    ("code", re.compile(r"(?P<ticks>`+)(?P<text>[\s\S]*?[^`])(?P=ticks)(?!`)")),
    ("text", re.compile(r"[\s\S]+?(?=[^0-9A-Za-z\s\u00c0-\uffff]|\n|\w+://|$)")),
]
_BLOCK_OF_CODE = re.compile(r"```(?:(?P<language>[a-z0-9_+\-.#]+?)\n)?\n*(?P<text>[^\n][\s\S]*?)\n*```", re.IGNORECASE)
_SPACE = re.compile(r"^ (?= *`)|(?<=`)( *) $")


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a text: its kind, the words in it, or the parts."""

    kind: str
    text: str = ""
    inner: Sequence[Node] = ()
    more: str = ""  #: a URL, a language, a level


def read(text: str) -> list[Node]:
    """The parts of a text."""
    return _read(text.strip(), quoted=False)


def visible(nodes: Sequence[Node]) -> str:
    """The words that a person sees."""
    return "".join(node.text or visible(node.inner) for node in nodes)


def walk(nodes: Sequence[Node]) -> Iterator[Node]:
    """Every part, outside in."""
    for node in nodes:
        yield node
        yield from walk(node.inner)


def kinds(text: str) -> set[str]:
    """What there is in a text."""
    return {node.kind for node in walk(read(text))}


def _read(text: str, *, quoted: bool) -> list[Node]:
    made: list[Node] = []
    at, opening = 0, True
    while at < len(text):
        found, node = _next(text, at, opening=opening, quoted=quoted)
        if made and made[-1].kind == node.kind == "text":
            made[-1] = Node("text", made[-1].text + node.text)
        else:
            made.append(node)
        at = found.end()
        opening = text[at - 1] == "\n"
    return made


def _next(text: str, at: int, *, opening: bool, quoted: bool) -> tuple[re.Match[str], Node]:
    if opening:
        for kind, rule in _BLOCKS:
            if (found := rule.match(text, at)) and not (quoted and kind == "quote"):
                return found, _block(kind, found, quoted=quoted)
    if found := _BLOCK_OF_CODE.match(text, at):
        return found, Node("block", found["text"], more=found["language"] or "")
    for kind, rule in _INLINE:
        if (found := rule.match(text, at)) and found[0]:
            return found, _inline(kind, found, quoted=quoted)
    found = re.compile(r"[\s\S]").match(text, at)
    assert found is not None
    return found, Node("text", found[0])


def _block(kind: str, found: re.Match[str], *, quoted: bool) -> Node:
    if kind == "quote":
        inner = found["all"] if found["all"] is not None else re.sub(r"^ *> ?", "", found[0], flags=re.MULTILINE)
        return Node(kind, inner=_read(inner, quoted=True))
    more = found["level"] if kind == "heading" else ""
    return Node(kind, inner=[*_read(found["inner"], quoted=quoted), Node("text", "\n")], more=more)


def _inline(kind: str, found: re.Match[str], *, quoted: bool) -> Node:
    parts = found.groupdict()
    match kind:
        case "escape":
            return Node("text", parts["text"] or "")
        case "text":
            return Node("text", found[0])
        case "autolink" | "url":
            return Node("link", parts["url"] or "", more=parts["url"] or "")
        case "code":
            return Node("code", _SPACE.sub(lambda space: space[1] or "", parts["text"] or ""))
        case "masked" | "italic" | "bold" | "underline" | "struck" | "spoiler":
            inner = parts["inner"] if parts["inner"] is not None else parts.get("inner2") or ""
            return Node(kind, inner=_read(inner, quoted=True), more=parts.get("url") or "")
        case _:
            return Node(kind, found[0], more=parts.get("unix") or "")
