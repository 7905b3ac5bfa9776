"""The parts of a card as groups of blocks: paragraphs, facts, steps, files, logs, tables, pictures.

Called by the card's renderer, part by part, in order. Words from outside go into rich and plain text, which Slack does not parse; mrkdwn
is used for the two columns of facts alone, and only for values that mean the same in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from adapters.slack.render import files as trees
from adapters.slack.render.blocks import (
    CONTEXT,
    FIELDS,
    Block,
    Element,
    Line,
    actions,
    context,
    in_lines,
    mrkdwn,
    note,
    packed,
    paragraph,
    plain,
    preformatted,
    rich,
    weight,
)
from adapters.slack.render.buttons import Ids, button
from adapters.slack.render.fitting import Group, Piece, Rank
from adapters.slack.render.text import calm, escape, exact, inline, pieces, tame, units, web_url, words
from core.conversation.presenter import lines as told
from core.conversation.presenter.trees import tree
from core.words.cards import Fact, Facts, Files, Image, Log, Step, Steps, Table, Text

CODE_BYTES = 7000
TREE_LINES = 40
LOG_LINES = 10
FEW_LINES = 15  #: of a log that is shown whole: a file with a few more lines is in the way
LOG_BYTES = 6000
WARNING_BYTES = 4000
STEPS_BYTES = 7000
TABLE_ROWS, TABLE_COLUMNS, TABLE_BYTES = 100, 20, 6000
HEADING = 300
NARROW = 30  #: characters of a cell that stays on one line
WIDE_TABLE = 90  #: characters of a line; wider rows are shown as paragraphs
FACT = 80  #: characters of a value that has room in a column


# -- words -----------------------------------------------------------------------------------------------------------------


def text(item: Text, code_name: str = "code.txt") -> list[Group]:
    """A paragraph."""
    if not item.text.strip():
        return []
    match item.style:
        case "code":
            made = [Piece(block=preformatted(part), count=part.count("\n") + 1) for part in in_lines(item.text)]
            return [Group(pieces=made, whole=item.text, name=code_name, most=CODE_BYTES)]
        case "muted":
            made = [Piece(block=note(part), count=part.count("\n") + 1) for part in pieces(calm(item.text.strip()), CONTEXT)]
            return [Group(pieces=made, whole=item.text, name="notes.txt")]
        case "warning":
            first, *others = [line for line in item.text.split("\n") if line.strip()]
            lines: list[Line] = [[*words("⚠️ "), *words(first, "bold")], *(inline(line) for line in others)]
            made = [Piece(block=paragraph(part, "rich_text_quote"), count=len(part)) for part in packed(lines)]
            return [Group(pieces=made, whole=item.text, name="warning.txt", rank=Rank.WARNING, most=WARNING_BYTES)]
        case "body":
            return [Group(pieces=list(_prose(item.text)), whole=item.text, name="text.txt")]


def _prose(text: str) -> Iterator[Piece]:
    """Paragraphs. Instructions are Markdown, of which headings and fenced code are shown as what they are."""
    lines: list[Line] = []
    for part in told.prose(text):
        if part.kind == "code":
            yield from _paragraphs(lines)
            yield from _code(part.lines)
            lines = []
        else:
            lines += [inline(line, "bold" if part.kind == "heading" else "") for line in part.lines]
    yield from _paragraphs(lines)


def _paragraphs(lines: Sequence[Line]) -> Iterator[Piece]:
    return (Piece(block=paragraph(part), count=len(part)) for part in packed(lines) if any(part))


def _code(lines: Sequence[str]) -> Iterator[Piece]:
    return (Piece(block=preformatted(part), count=part.count("\n") + 1) for part in in_lines("\n".join(lines)))


def heading(title: str) -> tuple[list[Block], list[Group]]:
    """The name of a part, as what leads it; one that is too long for that, as a paragraph before it."""
    title = title.strip()
    if units(title) > HEADING:
        return [], text(Text(text=title))
    return [paragraph([words(" ".join(title.split()), "bold")])] if title else [], []


# -- facts -----------------------------------------------------------------------------------------------------------------


def facts(item: Facts) -> list[Group]:
    """Labels and values: in two columns where they have room, else each on its own line."""
    made: list[Piece] = []
    mostly = sum(map(_narrow, item.facts)) * 2 > len(item.facts)  # else all on their own lines: half and half looks torn
    for narrow, run in groupby(item.facts, lambda fact: mostly and _narrow(fact)):
        run_facts = list(run)
        if narrow:
            for start in range(0, len(run_facts), FIELDS):
                fields = [mrkdwn(_field(fact)) for fact in run_facts[start : start + FIELDS]]
                made.append(Piece(block={"type": "section", "fields": fields}, count=len(fields)))
        else:
            made += [Piece(block=paragraph(part), count=len(part)) for part in packed([_line(fact) for fact in run_facts])]
    whole = told.facts_whole(item)
    return [Group(pieces=made, whole=whole, name="facts.txt")] if made else []


def _narrow(fact: Fact) -> bool:
    """Whether mrkdwn shows it as it is, in half the width."""
    if any(calm(text) != text for text in (fact.label, fact.value)) or not tame(fact.label) or not fact.label.strip():
        return False
    if not 0 < len(fact.value) <= FACT or len(fact.label) > FACT:
        return False
    if fact.style == "link":
        return bool(web_url(fact.value))
    plain_enough = "\n" not in fact.value and fact.value == fact.value.strip()
    return plain_enough and ("`" not in fact.value if fact.style == "code" else tame(fact.value.replace("_", "")))


def _field(fact: Fact) -> str:
    label = f"*{escape(fact.label.strip())}*"
    if fact.style == "link":
        return f"{label}\n<{escape(fact.value)}|{escape(told.bare(fact.value))}>"
    return f"{label}\n`{escape(fact.value)}`" if fact.style == "code" else f"{label}\n{escape(fact.value)}"


def _line(fact: Fact) -> Line:
    label = words(fact.label.strip() + "  ", "bold") if fact.label.strip() else []
    if fact.style == "link" and web_url(fact.value):
        return [*label, {"type": "link", "url": fact.value, "text": exact(told.bare(fact.value))}]
    return [*label, *(words(fact.value, "code" if fact.style == "code" else "") or words("–"))]


# -- steps -----------------------------------------------------------------------------------------------------------------


def steps(item: Steps) -> list[Group]:
    """Progress or evidence, a line each. Of very many, those that need somebody come first."""
    listed = list(item.steps)
    lines = [_step_line(step) for step in listed]
    if weight(lines) > STEPS_BYTES:
        lines = [_step_line(step) for step in sorted(listed, key=lambda step: step.state not in told.LOUD)]
    title: list[Line] = [words(item.title.strip(), "bold")] if item.title.strip() else []
    made = [Piece(block=paragraph(part), count=len(part)) for part in packed([*title, *lines])]
    whole = told.steps_whole(item)
    return [Group(pieces=made, whole=whole, name="steps.txt", rank=Rank.EVIDENCE, most=STEPS_BYTES)] if made else []


def _step_line(step: Step) -> Line:
    name = inline(f"{told.MARKS[step.state]} {step.name}", "" if step.state in told.QUIET else "bold")
    return [*name, *inline(told.after(step))]


# -- files and logs --------------------------------------------------------------------------------------------------------


def files(item: Files, ids: Ids) -> list[Group]:
    """The tree, and a menu to see one of them."""
    lines = tree(item.files)
    if not lines:
        return []
    shown = "\n".join(lines[:TREE_LINES])
    made = [Piece(block=preformatted(part), count=part.count("\n") + 1) for part in in_lines(shown)]
    hidden = max(len(lines) - TREE_LINES, 0)
    groups = [Group(pieces=made, whole="\n".join(lines), name="files.txt", cut=hidden > 0, hidden=hidden)]
    action_id = ids.of("file")
    number = action_id.partition(":")[2]
    block_id = f"files:{item.build}" + (f":{number}" if number else "")
    menu = trees.menu(item.build, item.files, action_id, block_id[:255])
    if menu is not None:
        groups.append(Group(pieces=[Piece(block=menu)], whole="", name="menu.txt", rank=Rank.EVIDENCE))
    return groups


def log(item: Log, ids: Ids, *, follow: bool) -> list[Group]:
    """The last lines, all of them in a file. ``follow``: it is an answer to somebody who asked for the log, so there is more of it, and
    buttons to watch it and to get the whole."""
    if not item.lines and not item.live_app:
        return []
    asked = follow and bool(item.live_app)
    most = LOG_LINES if len(item.lines) > FEW_LINES and not asked else len(item.lines)
    shown = told.tail(item.lines, most, LOG_BYTES, weight)
    made = [Piece(block=preformatted(part), count=part.count("\n") + 1) for part in in_lines("\n".join(shown))]
    made = made or [Piece(block=note("It has printed nothing yet."), count=0)]
    hidden = len(item.lines) - len(shown)
    whole = "\n".join([item.title, *item.lines]).strip("\n")
    lead, before = heading(item.title)
    groups = [
        *before,
        Group(pieces=made, whole=whole, name="log.txt", noun="earlier line", cut=hidden > 0, hidden=hidden, lead=lead),
    ]
    if asked:
        row = [
            button(ids, "follow", "Follow it live", item.live_app),
            button(ids, "logfile", "Whole log", item.live_app),
        ]
        groups.append(Group(pieces=[Piece(block=actions(row))], whole="", name="follow.txt", rank=Rank.EVIDENCE))
    return groups


# -- tables and pictures ---------------------------------------------------------------------------------------------------


def table_block(item: Table) -> Block | None:
    """Slack's own table, where it fits one."""
    rows = [item.columns, *item.rows]
    width = max((len(row) for row in rows), default=0)
    if not 0 < width <= TABLE_COLUMNS or len(rows) > TABLE_ROWS:
        return None
    block: Block = {
        "type": "table",
        "column_settings": [{"is_wrapped": any(len(row[at]) > NARROW for row in rows if at < len(row))} for at in range(width)],
        "rows": [[_cell(cell) for cell in [*row, *[""] * (width - len(row))]] for row in rows],
    }
    return block if weight(block) <= TABLE_BYTES else None


def _cell(cell: str) -> Element:
    if url := web_url(cell.strip()):
        return rich({"type": "rich_text_section", "elements": [{"type": "link", "url": url, "text": exact(told.bare(url))}]})
    return {"type": "raw_text", "text": calm(cell).strip() or "–"}


def table(item: Table, block: Block | None) -> list[Group]:
    """A table: as Slack's own when it is the one of its message, else in a fixed width, or as paragraphs when it is wide."""
    rows = told.filled(item)
    if not rows:
        return []
    whole = "\n".join("\t".join(row) for row in rows)
    if block is not None:
        return [Group(pieces=[Piece(block=block, count=len(rows))], whole=whole, name="table.txt", noun="more row")]
    lines = told.aligned(rows)
    if max(units(line) for line in lines) <= WIDE_TABLE and not any("\n" in line for line in lines):
        made = [Piece(block=preformatted(part), count=part.count("\n") + 1) for part in in_lines("\n".join(lines))]
    else:
        made = [Piece(block=paragraph(part), count=len(part)) for part in packed([_row(row) for row in rows])]
    return [Group(pieces=made, whole=whole, name="table.txt", noun="more row")]


def _row(row: Sequence[str]) -> Line:
    first, *others = row
    return [*words(first, "bold"), *inline("".join(f" · {cell}" for cell in others if cell.strip()))]


def images(items: Sequence[Image], pictures: Mapping[str, str]) -> list[Group]:
    """Pictures that stand together. One that Slack does not have is a line that says where it is."""
    made: list[Group] = []
    missing: list[str] = []
    for item in items:
        file, alt = pictures.get(item.path, ""), calm(item.alt).strip() or "A picture"
        if file and units(alt) <= CONTEXT:
            block: Block = {"type": "image", "slack_file": {"id": file}, "alt_text": alt, "title": plain(alt, CONTEXT)}
            made.append(Group(pieces=[Piece(block=block)], whole=item.alt, name="picture.txt", rank=Rank.EVIDENCE))
        else:
            missing.append(alt)
    if missing:
        whole = "\n".join(missing)
        said = context(plain(told.pictures_elsewhere(missing), CONTEXT))
        cut = units(whole) > CONTEXT - 200
        made.append(Group(pieces=[Piece(block=said)], whole=whole, name="pictures.txt", cut=cut))
    return made
