"""A card as one Slack message: its blocks, the text of its notification, and what did not fit, as files.

Called by the outbound, for the thread, and by whatever answers one person. Pure: pictures are uploaded before, and come as ids. A button's
``action_id`` is its action (`adapters.slack.render.buttons.action_of`), its value the card's. The parts are shown in the card's order, but
what a decision hangs on, the section with the evidence, stands before the files, and the setup instructions are behind a button.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from adapters.slack.render import parts
from adapters.slack.render.blocks import CONTEXT, HEADER, Block, context, divider, header, mrkdwn, plain
from adapters.slack.render.buttons import Ids, as_action, buttons
from adapters.slack.render.fitting import Group, Piece, Rank, fit
from adapters.slack.render.text import calm, clip, markup, units
from core.words.cards import Button, Card, Child, Facts, Files, Image, Link, Log, Section, Steps, Table, Text, Tone

STATUS = 60
TEXT = 600  #: characters of the notification
_DOTS: Mapping[Tone, str] = {Tone.WORKING: "🔵", Tone.WAITING: "🟡", Tone.GOOD: "🟢", Tone.BAD: "🔴", Tone.QUIET: "⚪"}
_SECTIONS_FIRST = ("deploy",)
_DEPLOY = "Deploy"  #: the name of that section, which says nothing where there are no tabs
_FACTS = 2  #: groups of facts about an artifact and its release; those that follow are about what is live


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message. ``rest`` are the names and texts of the files in which is what did not fit; the blocks name them."""

    blocks: list[Block]
    text: str
    rest: Sequence[tuple[str, str]] = ()


def render(card: Card, *, pictures: Mapping[str, str] | None = None, in_thread: bool = False) -> Rendered:
    """The message of a card. ``pictures`` are the ids of Slack's files by the path of the image. ``in_thread``: it stands among the app's
    other cards, and what is live is told by its own."""
    ids = Ids()
    if in_thread and card.kind == "build":
        card = card.model_copy(update={"children": [_without_live(child) for child in card.children]})
    build = _build(card)
    children = _in_order(card.children)
    setup = next((child for child in children if isinstance(child, Section) and child.id == "setup" and build), None)
    items = list(card.actions)
    if setup is not None:
        children = [child for child in children if child is not setup]
        at = next((n for n, item in enumerate(items) if item.style == "danger"), len(items))
        if items:  # a card on which nobody can do anything any more has none at all
            items.insert(at, Button(action="setup", value=build, label=clip(setup.title.strip() or "Setup", 75)))
    message = _Message(
        ids=ids,
        pictures=pictures or {},
        code_name=parts.file_name(card.title),
        follow=card.kind == "notice",
        table=_own_table(children),
    )
    blocks, rest = fit([*_frame(card), *message.groups(children)], buttons(items, ids))
    return Rendered(blocks=blocks, text=notification(card), rest=rest)


def notification(card: Card) -> str:
    """What a notification, a screen reader or an old client shows."""
    told = [part for part in (card.title.strip(), card.status.strip()) if part]
    said = ": ".join(told) or "Nexus"
    warnings = [c.text.partition("\n")[0] for c in card.children if isinstance(c, Text) and c.style == "warning"]
    facts = [fact for child in _inside(card.children) if isinstance(child, Facts) for fact in child.facts]
    link = next((fact.value for fact in facts if fact.style == "link"), "")
    more = [part.strip() for part in (card.subtitle, *warnings, link) if part.strip()]
    return markup(clip(" · ".join([said, *more]), TEXT))


def _frame(card: Card) -> list[Group]:
    """The title, and the line below it."""
    title, status, subtitle = (calm(text).strip() for text in (card.title, card.status, card.subtitle))
    title = title or "Nexus"
    made = [Group(pieces=[Piece(block=header(title))], whole=card.title, name="title.txt", rank=Rank.FRAME)]
    elements = []
    if status:
        elements.append(mrkdwn(f"{_DOTS[card.tone]} *{markup(clip(status, STATUS))}*"))
    if subtitle and units(subtitle) <= CONTEXT:
        elements.append(plain(subtitle, CONTEXT))
    if elements:
        made.append(Group(pieces=[Piece(block=context(*elements))], whole=subtitle, name="title.txt", rank=Rank.FRAME))
    long = [text for text, most in ((title, HEADER), (status, STATUS), (subtitle, CONTEXT)) if units(text) > most]
    return [*made, *(group for text in long for group in parts.text(Text(text=text)))]


@dataclass(slots=True, kw_only=True)
class _Message:
    """What the parts of one message share: the ids of its buttons, and the one table that may be Slack's own."""

    ids: Ids
    pictures: Mapping[str, str]
    code_name: str
    follow: bool
    table: Table | None

    def groups(self, children: Sequence[Child]) -> list[Group]:
        made: list[Group] = []
        for is_image, run in groupby(children, lambda child: isinstance(child, Image)):
            if is_image:
                made += parts.images([child for child in run if isinstance(child, Image)], self.pictures)
            else:
                made += [group for child in run for group in self.part(child)]
        return made

    def part(self, child: Child) -> list[Group]:
        match child:
            case Text():
                return parts.text(child, self.code_name)
            case Facts():
                return parts.facts(child)
            case Steps():
                return parts.steps(child)
            case Files():
                return parts.files(child, self.ids)
            case Log():
                return parts.log(child, self.ids, follow=self.follow)
            case Image():
                return parts.images([child], self.pictures)
            case Table():
                own = child is self.table
                self.table = None if own else self.table
                return parts.table(child, parts.table_block(child) if own else None)
            case Section():
                return self.section(child)

    def section(self, section: Section) -> list[Group]:
        """A named part: its name comes with the first of what is in it."""
        title, children = section.title.strip(), list(section.children)
        if title and children and isinstance(children[0], Steps) and children[0].title.strip():  # one heading, not two
            inner = children[0].title.strip()
            title = inner if section.id in _SECTIONS_FIRST and title == _DEPLOY else f"{title} · {inner}"
            children[0] = children[0].model_copy(update={"title": ""})
        groups = self.groups(children)
        if not groups:
            return parts.text(Text(text=title))
        lead, before = parts.heading(title)
        first, *others = [*before, *groups]
        whole = first.whole if before else f"{title}\n{first.whole}".strip()
        return [replace(first, whole=whole, lead=[divider(), *lead, *first.lead]), *others]


def _without_live(child: Child) -> Child:
    """A build's part about its deployment, without the database, the hosting and the log of what is live."""
    if not isinstance(child, Section) or not any(isinstance(part, Log) and part.live_app for part in child.children):
        return child
    facts = [part for part in child.children if isinstance(part, Facts)][_FACTS:]
    kept = [p for p in child.children if p not in facts and not (isinstance(p, Log) and p.live_app)]
    return child.model_copy(update={"children": kept})


def _in_order(children: Sequence[Child]) -> list[Child]:
    """What a decision hangs on before what it is about; everything that is in no section first, as it is."""

    def place(child: Child) -> int:
        return 0 if not isinstance(child, Section) else 1 if child.id in _SECTIONS_FIRST else 2

    return sorted(children, key=place)


def _own_table(children: Sequence[Child]) -> Table | None:
    """The one table that is Slack's own: of those that fit, the one with the most in it."""
    fitting = [child for child in _inside(children) if isinstance(child, Table) and parts.table_block(child) is not None]
    return max(fitting, key=lambda table: len(str(table.rows)), default=None)


def _inside(children: Sequence[Child]) -> Iterator[Child]:
    """The parts, and those of the sections."""
    for child in children:
        yield from child.children if isinstance(child, Section) else [child]


def _build(card: Card) -> str:
    """The build that a card is about, where it can be told."""
    for item in card.actions:
        action = as_action(item) if isinstance(item, Link) else None
        if action is not None:
            return action.value
    known = next((child.build for child in _inside(card.children) if isinstance(child, Files)), "")
    return known if re.fullmatch(r"[\w-]{1,60}", known) else ""
