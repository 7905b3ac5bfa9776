"""The parts of a card as groups of lines and components: paragraphs, facts, steps, files, logs, tables, pictures.

Called by the card's renderer, part by part, in order. Words from outside go through `adapters.discord.render.text`, which leaves no
Markdown in them; the Markdown is ours.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import discord
from discord import ui

from adapters.discord.render import files as menus
from adapters.discord.render.buttons import Ids, button
from adapters.discord.render.fitting import Group, Piece, Rank
from adapters.discord.render.text import Line, Span, calm, draw, drawn, escape, exact, in_fence, inline, link_url
from core.conversation.measuring import clip, pieces, units
from core.conversation.presenter import lines as told
from core.conversation.presenter.trees import tree
from core.words.cards import Button, Fact, Facts, Files, Image, Log, Step, Steps, Table, Text

LINE = 900  #: characters of one line; what is longer goes on in the next
CODE_TEXT = 2600
TREE_LINES = 30
LOG_LINES = 10
FEW_LINES = 15  #: of a log that is shown whole: a file with a few more lines is in the way
LOG_TEXT = 2400
WARNING_TEXT = 1300
STEPS_TEXT = 2200
HEADING = 200
WIDE_TABLE = 56  #: characters of a line that a phone and a narrow window still show unbroken, more or less
GALLERY, ALT = 10, 1024

_LANGUAGES = {
    **{name: name for name in ("py", "js", "ts", "tsx", "jsx", "css", "html", "json", "sql", "sh", "toml", "yaml", "xml", "md")},
    "vue": "html",
    "yml": "yaml",
    "mjs": "js",
    "cjs": "js",
}


def _lines(lines: Sequence[Line]) -> Iterator[Piece]:
    for line in lines:
        for at, part in enumerate(drawn(line, LINE)):
            yield Piece(text=part, count=int(at == 0))


def _fenced(lines: Sequence[str]) -> Iterator[Piece]:
    """Lines of a block of code; blank ones at its ends are of no use, and Discord drops them."""
    while lines and not lines[0].strip():
        lines = lines[1:]
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    for line in lines:
        text = in_fence(line)
        parts = [text] if units(text) <= LINE else [in_fence(part) for part in pieces(exact(line), LINE // 2)]
        for at, part in enumerate(parts):
            yield Piece(text=part, fenced=True, count=int(at == 0))


# -- words -----------------------------------------------------------------------------------------------------------------


def text(item: Text, code_name: str = "code.txt") -> list[Group]:
    """A paragraph."""
    if not item.text.strip():
        return []
    match item.style:
        case "code":
            language = _LANGUAGES.get(code_name.rpartition(".")[2].casefold(), "")
            made = list(_fenced(item.text.split("\n")))
            group = Group(pieces=made, whole=item.text, name=code_name, most=CODE_TEXT, language=language)
        case "muted":
            shown = [line for line in item.text.strip().split("\n") if calm(line).strip()]
            made = [Piece(text=small(part), count=int(at == 0)) for line in shown for at, part in enumerate(_small(line))]
            group = Group(pieces=made, whole=item.text, name="notes.txt")
        case "warning":
            first, *others = [line for line in item.text.split("\n") if line.strip()]
            lines: list[Line] = [[Span("⚠️ ", "raw"), Span(first, "bold")], *(inline(line) for line in others)]
            made = list(_lines(lines))
            group = Group(pieces=made, whole=item.text, name="warning.txt", rank=Rank.WARNING, most=WARNING_TEXT, quoted=True)
        case "body":
            made = list(_prose(item.text))
            group = Group(pieces=made, whole=item.text, name="text.txt")
    return [group] if any(piece.text.strip() for piece in made) else []


def small(words: str) -> str:
    """A small grey line of words."""
    return f"-# {escape(words.strip())}"


def _small(line: str) -> Iterator[str]:
    return pieces(calm(line).strip(), LINE // 3)


def _prose(text: str) -> Iterator[Piece]:
    """Paragraphs, headings and code, without the blank lines at the ends."""
    made: list[Piece] = []
    for part in told.prose(text):
        match part.kind:
            case "code":
                made += _fenced(part.lines)
            case "heading":
                made += _lines([[Span(part.lines[0], "bold")]])
            case "text":
                made += _lines([inline(line) for line in part.lines])
    while made and not made[0].text.strip():
        made.pop(0)
    while made and not made[-1].text.strip():
        made.pop()
    return iter(made)


def heading(title: str, sign: str = "") -> tuple[str, list[Group]]:
    """The name of a part, as what leads it; one that is too long for that, as a paragraph before it."""
    title = " ".join(title.split())
    if units(title) > HEADING:
        return "", text(Text(text=title))
    if not calm(title).strip():
        return "", []
    return f"{sign} {escape(title)}" if sign else draw([Span(title, "bold")]), []


# -- facts -----------------------------------------------------------------------------------------------------------------


def facts(item: Facts) -> list[Group]:
    """Labels and values, each on its own line."""
    made = [piece for fact in item.facts for piece in _fact(fact)]
    whole = told.facts_whole(item)
    return [Group(pieces=made, whole=whole, name="facts.txt")] if any(piece.text.strip() for piece in made) else []


def _fact(fact: Fact) -> Iterator[Piece]:
    label = [Span(" ".join(fact.label.split()), "bold"), Span("  ", "raw")] if fact.label.strip() else []
    value = fact.value.strip("\n")
    if fact.style == "link" and link_url(value):
        yield from _lines([[*label, Span(value, "link")]])
    elif fact.style == "code" and ("\n" in value or units(value) > LINE // 4):
        yield from _lines([label] if label else [])
        yield from _fenced(value.split("\n"))
    else:
        first, *others = value.split("\n")
        shown = Span("–", "raw") if not exact(first).strip() else Span(first, "code") if fact.style == "code" else Span(first)
        yield from _lines([[*label, shown], *([Span(other)] for other in others)])


# -- steps -----------------------------------------------------------------------------------------------------------------


def steps(item: Steps) -> list[Group]:
    """Progress or evidence, a line each. Of very many, those that need somebody come first."""
    listed = list(item.steps)
    made = [piece for step in listed for piece in _lines([_step(step)])]
    if sum(units(piece.text) for piece in made) > STEPS_TEXT:
        listed.sort(key=lambda step: step.state not in told.LOUD)
        made = [piece for step in listed for piece in _lines([_step(step)])]
    lead, before = heading(item.title)
    whole = told.steps_whole(item)
    if not made:
        return text(Text(text=item.title))
    return [*before, Group(pieces=made, whole=whole, name="steps.txt", rank=Rank.EVIDENCE, most=STEPS_TEXT, lead=lead)]


def _step(step: Step) -> Line:
    name = " ".join(step.name.split())
    named = inline(name, "words" if step.state in told.QUIET else "bold")
    return [Span(f"{told.MARKS[step.state]} ", "raw"), *named, *inline(" ".join(told.after(step).split("\n")))]


# -- files and logs --------------------------------------------------------------------------------------------------------


def files(item: Files, ids: Ids) -> list[Group]:
    """The tree, and menus to see one of them."""
    lines = tree(item.files)
    if not lines:
        return []
    made = list(_fenced(lines[:TREE_LINES]))
    hidden = max(len(lines) - TREE_LINES, 0)
    groups = [Group(pieces=made, whole="\n".join(lines), name="files.txt", cut=hidden > 0, hidden=hidden)]
    if rows := menus.menus(item.build, item.files, ids):
        groups.append(Group(pieces=rows, whole="", name="menu.txt", rank=Rank.EVIDENCE))
        if note := menus.others(item.files):
            groups.append(Group(pieces=[Piece(text=note)], whole="", name="menu.txt", rank=Rank.EVIDENCE))
    return groups


def log(item: Log, ids: Ids, *, follow: bool) -> list[Group]:
    """The last lines, all of them in a file. ``follow``: it is an answer to somebody who asked for the log, so there is more of it, and
    buttons to watch it and to get the whole."""
    if not item.lines and not item.live_app:
        return []
    asked = follow and bool(item.live_app)
    most = LOG_LINES if len(item.lines) > FEW_LINES and not asked else len(item.lines)
    shown = told.tail(item.lines, most, LOG_TEXT, lambda line: units(in_fence(line)) + 1)
    made = list(_fenced(shown)) or [Piece(text="-# It has printed nothing yet.", count=0)]
    hidden = len(item.lines) - len(shown)
    whole = "\n".join([item.title, *item.lines]).strip("\n")
    lead, before = heading(item.title)
    groups = [
        *before,
        Group(pieces=made, whole=whole, name="log.txt", noun="earlier line", cut=hidden > 0, hidden=hidden, lead=lead),
    ]
    if asked:
        pair = [("follow", "Follow it live"), ("logfile", "Whole log")]
        row = [button(ids, Button(action=action, value=item.live_app, label=label)) for action, label in pair]
        items = [one for one in row if one is not None]
        groups += [Group(pieces=[Piece(items=items)], whole="", name="follow.txt", rank=Rank.EVIDENCE)] if items else []
    return groups


# -- tables and pictures ---------------------------------------------------------------------------------------------------


def table(item: Table) -> list[Group]:
    """A table: in a fixed width, or as lines when it is wide."""
    rows = told.filled(item)
    if not rows:
        return []
    whole = "\n".join("\t".join(row) for row in rows)
    aligned = told.aligned([[exact(cell) for cell in row] for row in rows], _width)
    if max(_width(line) for line in aligned) <= WIDE_TABLE and not any("\n" in line for line in aligned):
        made = list(_fenced(aligned))
    else:
        made = list(_wide(item.columns, rows[1:] if rows[0] is item.columns else rows))
    return [Group(pieces=made, whole=whole, name="table.txt", noun="more row")] if made else []


def _wide(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[Piece]:
    """Rows as two lines each: what the first cell says, and below it, small, the others with their columns' names. A single other column
    is named once, above; one that says nothing of any row is left out."""
    names = [" ".join(column.split()) for column in columns]
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    used = {at for row in cells for at, cell in enumerate(row) if at and cell not in ("", "–")}
    above = [at for at in range(len(names)) if at == 0 or used == {at}]
    caption = " · ".join(names[at] for at in above if names[at])
    yield from (Piece(text=small(part), count=0) for part in pieces(calm(caption), LINE // 3) if part.strip())
    for first, *others in (row for row in cells if row):
        shown: list[Span] = []
        for at, cell in enumerate(others, 1):
            if at in used and cell not in ("", "–"):
                name = names[at] if at < len(names) and at not in above else ""
                shown += [Span(" · ", "raw")] if shown else []
                shown += [*([Span(f"{name}: ")] if name else []), *inline(cell)]
        named = list(drawn([Span(first or "–", "bold")], LINE))
        below = [f"-# {part}" for part in drawn(shown, LINE)] if shown else []
        whole = "\n".join([*named, *below])
        if units(whole) <= LINE:
            yield Piece(text=whole)
        else:
            yield from (Piece(text=text, count=int(at == 0)) for at, text in enumerate([*named, *below]))


def _width(text: str) -> int:
    """Columns in a fixed width."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def images(items: Sequence[Image], pictures: Mapping[str, str]) -> list[Group]:
    """Pictures that stand together. One that is not attached is a line that says where it is."""
    made: list[Group] = []
    missing: list[str] = []
    there: list[tuple[str, str]] = []
    for item in items:
        file, alt = pictures.get(item.path, ""), " ".join(calm(item.alt).split()) or "A picture"
        if file and units(alt) <= ALT:
            there.append((file, alt))
        else:
            missing.append(alt)
    for first in range(0, len(there), GALLERY):
        some = there[first : first + GALLERY]
        gallery: ui.MediaGallery[Any] = ui.MediaGallery(
            *(discord.MediaGalleryItem(f"attachment://{file}", description=alt) for file, alt in some)
        )
        whole = "\n".join(alt for _, alt in some)
        made.append(Group(pieces=[Piece(items=[gallery], count=len(some))], whole=whole, name="picture.txt", rank=Rank.EVIDENCE))
    if missing:
        whole = "\n".join(missing)
        said = told.pictures_elsewhere(missing)
        cut = units(said) > LINE
        made.append(
            Group(pieces=[Piece(text=small(clip(said, LINE // 3) if cut else said))], whole=whole, name="pictures.txt", cut=cut)
        )
    return made
