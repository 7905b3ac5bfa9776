"""The tags of HTML files and of Vue's single-file components: where their scripts are, and whether they are closed.

Read by `core.generation.validation.scripts` and `core.generation.validation.syntax`. It knows tags, quotes, comments and ``{{ }}``, in one
pass over the text; what is between them is not its business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"])
_RAW = frozenset({"script", "style", "textarea", "title"})
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]++)(?:\s*+=\s*+(?:"([^"]*)"|'([^']*)'|([^\s"'<>=`]++)))?+""")
_NAME = re.compile(r"[A-Za-z][\w.:-]*")
_STOP = re.compile(r"[\"'>]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """One tag, or an unclosed comment (``name`` is "!--")."""

    name: str
    start: int
    end: int  #: behind its ``>``
    attributes: str = ""
    closing: bool = False
    self_closing: bool = False
    complete: bool = True  #: False when the text ends inside

    @property
    def values(self) -> Mapping[str, str]:
        """Its attributes; one without a value is empty."""
        return {found[1]: found[2] or found[3] or found[4] or "" for found in _ATTRIBUTE.finditer(self.attributes)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What stands between a tag and its end."""

    tag: Tag
    text: str
    start: int  #: of the text
    closed: bool


def tags(text: str, start: int = 0, *, mustaches: bool = False) -> Iterator[Tag]:
    """The tags in order; what is in comments, scripts and styles is skipped, and with ``mustaches`` what is in ``{{ }}``."""
    position = start
    while (at := text.find("<", position)) >= 0:
        if mustaches and (brace := text.find("{{", position, at)) >= 0:
            end = text.find("}}", brace)
            mustaches = end >= 0  # looked for once, not once a tag
            if mustaches:
                position = end + 2
                continue
        if text.startswith("<!--", at):
            end = text.find("-->", at + 4)
            if end < 0:
                yield Tag(name="!--", start=at, end=len(text), complete=False)
                return
            position = end + 3
            continue
        closing = text.startswith("/", at + 1)
        name = _NAME.match(text, at + 1 + closing)
        if name is None:
            position = at + 1
            continue
        end = _end(text, name.end())
        if end < 0:
            yield Tag(name=name[0], start=at, end=len(text), closing=closing, complete=False)
            return
        inside = text[name.end() : end - 1]
        tag = Tag(
            name=name[0],
            start=at,
            end=end,
            attributes=inside.removesuffix("/"),
            closing=closing,
            self_closing=inside.endswith("/"),
        )
        yield tag
        position = end
        if not closing and not tag.self_closing and name[0].lower() in _RAW:
            close = re.compile(rf"</{re.escape(name[0])}(?=[\s/>])", re.I).search(text, end)
            position = close.start() if close else len(text)


def _end(text: str, position: int) -> int:
    """Behind the ``>`` of a tag, quotes skipped; -1 when the text ends before."""
    while (stop := _STOP.search(text, position)) is not None:
        if stop[0] == ">":
            return stop.end()
        position = text.find(stop[0], stop.end()) + 1
        if position == 0:
            return -1
    return -1


def scripts(text: str) -> Iterator[Block]:
    """The scripts and styles of an HTML file."""
    for tag in tags(text):
        if not tag.closing and not tag.self_closing and tag.name.lower() in {"script", "style"}:
            close = re.compile(rf"</{tag.name}(?=[\s/>])", re.I).search(text, tag.end)
            end = close.start() if close else len(text)
            yield Block(tag=tag, text=text[tag.end : end], start=tag.end, closed=close is not None)


def blocks(text: str) -> Iterator[Block]:
    """The blocks at the top of a single-file component: ``script``, ``template``, ``style``, and others."""
    depth, opened = 0, None
    position = 0
    while True:
        for tag in tags(text, position, mustaches=opened is not None and opened.name == "template"):
            if opened is None:
                if tag.closing or tag.self_closing or not tag.complete:
                    continue
                if tag.name != "template" or tag.values.get("lang", "html") != "html":
                    close = text.find(f"</{tag.name}", tag.end)
                    end = close if close >= 0 else len(text)
                    yield Block(tag=tag, text=text[tag.end : end], start=tag.end, closed=close >= 0)
                    position = text.find(">", end) + 1 or len(text)
                    break
                opened, depth, position = tag, 1, tag.end
                break
            if tag.name == "template" and not tag.self_closing and tag.complete:
                depth += -1 if tag.closing else 1
                if depth == 0:
                    yield Block(tag=opened, text=text[opened.end : tag.start], start=opened.end, closed=True)
                    opened, position = None, tag.end
                    break
        else:
            if opened is not None:
                yield Block(tag=opened, text=text[opened.end :], start=opened.end, closed=False)
            return


def unbalanced(template: str) -> tuple[int, str] | None:
    """The first tag of a Vue template that has no partner: where, and a sentence."""
    opened: list[Tag] = []
    for tag in tags(template, mustaches=True):
        if not tag.complete:
            what = "the comment" if tag.name == "!--" else f"the tag <{tag.name}"
            return tag.start, f"{what} does not end."
        if tag.name.lower() in VOID or tag.self_closing:
            continue
        if not tag.closing:
            opened.append(tag)
        elif not opened:
            return tag.start, f"</{tag.name}> closes nothing."
        elif (last := opened.pop()).name != tag.name:
            return last.start, f"<{last.name}> is not closed before </{tag.name}>."
    return (opened[-1].start, f"<{opened[-1].name}> is not closed.") if opened else None
