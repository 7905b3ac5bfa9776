"""A card as one Slack message: its blocks, the text of its notification, and what did not fit, as files.

Called by the outbound, for the thread, and by whatever answers one person. Pure: pictures are uploaded before, and come as ids. A button's
``action_id`` is its action (`adapters.slack.render.buttons.action_of`), its value the card's. The parts are shown in the card's order, but
what a decision hangs on, the section with the evidence, stands before the files, and the setup instructions are behind a button.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from adapters.slack.render import parts
from adapters.slack.render.blocks import CONTEXT, HEADER, Block, context, divider, header, mrkdwn, plain
from adapters.slack.render.buttons import Ids, buttons
from adapters.slack.render.fitting import Group, Piece, Rank, fit
from adapters.slack.render.text import calm, clip, markup, units
from core.conversation.presenter.lines import DOTS, file_name
from core.conversation.presenter.untabbed import headed, inside, summary, untabbed
from core.words.cards import Card, Child, Facts, Files, Image, Log, Section, Steps, Table, Text

STATUS = 60
TEXT = 600  #: characters of the notification


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message. ``rest`` are the names and texts of the files in which is what did not fit; the blocks name them."""

    blocks: list[Block]
    text: str
    rest: Sequence[tuple[str, str]] = ()


def render(card: Card, *, pictures: Mapping[str, str] | None = None, in_thread: bool = False) -> Rendered:
    """The message of a card. ``pictures`` are the ids of Slack's files by the path of the image. ``in_thread``: it stands among the app's
    other cards, and what is live is told by its own."""
    card = untabbed(card, in_thread=in_thread)
    ids = Ids()
    message = _Message(
        ids=ids,
        pictures=pictures or {},
        code_name=file_name(card.title),
        follow=card.kind == "notice",
        table=_own_table(card.children),
    )
    blocks, rest = fit([*_frame(card), *message.groups(card.children)], buttons(card.actions, ids))
    return Rendered(blocks=blocks, text=notification(card), rest=rest)


def notification(card: Card) -> str:
    """What a notification, a screen reader or an old client shows."""
    return markup(clip(summary(card), TEXT))


def _frame(card: Card) -> list[Group]:
    """The title, and the line below it."""
    title, status, subtitle = (calm(text).strip() for text in (card.title, card.status, card.subtitle))
    title = title or "Nexus"
    made = [Group(pieces=[Piece(block=header(title))], whole=card.title, name="title.txt", rank=Rank.FRAME)]
    elements = []
    if status:
        elements.append(mrkdwn(f"{DOTS[card.tone]} *{markup(clip(status, STATUS))}*"))
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
        title, children = headed(section)
        groups = self.groups(children)
        if not groups:
            return parts.text(Text(text=title))
        lead, before = parts.heading(title)
        first, *others = [*before, *groups]
        whole = first.whole if before else f"{title}\n{first.whole}".strip()
        return [replace(first, whole=whole, lead=[divider(), *lead, *first.lead]), *others]


def _own_table(children: Sequence[Child]) -> Table | None:
    """The one table that is Slack's own: of those that fit, the one with the most in it."""
    fitting = [child for child in inside(children) if isinstance(child, Table) and parts.table_block(child) is not None]
    return max(fitting, key=lambda table: len(str(table.rows)), default=None)
