"""A card as one Discord message: its components, the words of a notification, and what did not fit, as files.

Called by the outbound, for the thread, and by whatever answers one person. Pure: pictures are attached by the caller, and come as the names
of the attachments. Everything stands in one container, whose edge has the colour of the card's tone. In which order the parts are
shown, and what is behind a button, says `core.conversation.presenter.untabbed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from discord import ui

from adapters.discord.render import parts
from adapters.discord.render.buttons import Ids, buttons
from adapters.discord.render.fitting import MAX_FILES, Drawn, Group, Piece, Rank, fit, is_row
from adapters.discord.render.text import Span, calm, draw, escape
from core.conversation.measuring import clip, units
from core.conversation.presenter.lines import DOTS, file_name
from core.conversation.presenter.untabbed import headed, inside, summary, untabbed
from core.words.cards import Card, Child, Facts, Files, Image, Log, Section, Steps, Table, Text, Tone

TITLE, STATUS, SUBTITLE = 150, 60, 300
TEXT = 600  #: characters of the words of a notification
COLOURS: Mapping[Tone, int | None] = {
    Tone.WORKING: 0x5865F2,
    Tone.WAITING: 0xF0B232,
    Tone.GOOD: 0x23A55A,
    Tone.BAD: 0xDA373C,
    Tone.QUIET: None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message. ``rest`` are the names and texts of the files in which is what did not fit; the components name them. ``pictures`` are the
    attachments that it shows; Discord wants no other. Two are equal when they show the same."""

    view: ui.LayoutView = field(compare=False, repr=False)
    components: list[dict[str, Any]]
    text: str
    rest: Sequence[tuple[str, str]] = ()
    pictures: tuple[str, ...] = ()


def render(card: Card, *, pictures: Mapping[str, str] | None = None, in_thread: bool = False) -> Rendered:
    """The message of a card. ``pictures`` are the names of the attachments by the path of the image. ``in_thread``: it stands among the
    app's other cards, and what is live is told by its own."""
    card = untabbed(card, in_thread=in_thread)
    ids = Ids()
    files = list(dict.fromkeys((pictures or {}).values()))[:MAX_FILES]
    there = {path: file for path, file in (pictures or {}).items() if file in files}
    message = _Message(ids=ids, pictures=there, code_name=file_name(card.title), follow=card.kind == "notice")
    facts = [fact for child in inside(card.children) if isinstance(child, Facts) for fact in child.facts]
    shown = [fact.value for fact in facts if fact.style == "link"]
    made, rest = fit([*_frame(card), *message.groups(card.children)], buttons(card.actions, ids, shown))
    return laid_out(made, tone=card.tone, text=clip(calm(summary(card)), TEXT), rest=rest)


def laid_out(made: Sequence[Drawn], *, tone: Tone, text: str = "", rest: Sequence[tuple[str, str]] = ()) -> Rendered:
    """The message whose parts these are, in a container."""
    container: ui.Container[Any] = ui.Container(accent_colour=COLOURS[tone])
    for part in made:
        if part is None:
            container.add_item(ui.Separator())
        elif isinstance(part, str):
            container.add_item(ui.TextDisplay(part))
        elif is_row(part):
            container.add_item(ui.ActionRow(*part))
        else:
            for item in part:
                container.add_item(item)
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    components: list[dict[str, Any]] = view.to_components()  # type: ignore[no-untyped-call]
    galleries = [item for item in container.children if isinstance(item, ui.MediaGallery)]
    urls = (item.media.url for gallery in galleries for item in gallery.items)
    pictures = tuple(dict.fromkeys(url.removeprefix("attachment://") for url in urls))
    return Rendered(view=view, components=components, text=text, rest=rest, pictures=pictures)


def _frame(card: Card) -> list[Group]:
    """The title, and the lines below it."""
    title, status, subtitle = (" ".join(calm(text).split()) for text in (card.title, card.status, card.subtitle))
    title = title or "Nexus"
    lines = [f"## {escape(clip(title, TITLE))}"]
    if status:
        lines.append(f"{DOTS[card.tone]} {draw([Span(clip(status, STATUS), 'bold')])}")
    if subtitle and units(subtitle) <= SUBTITLE:
        lines.append(parts.small(subtitle))
    whole = "\n".join(text for text in (card.title, card.status, card.subtitle) if text.strip())
    made = [Group(pieces=[Piece(text="\n".join(lines))], whole=whole, name="title.txt", rank=Rank.FRAME)]
    long = [text for text, most in ((title, TITLE), (status, STATUS), (subtitle, SUBTITLE)) if units(text) > most]
    return [*made, *(group for text in long for group in parts.text(Text(text=text)))]


@dataclass(slots=True, kw_only=True)
class _Message:
    """What the parts of one message share."""

    ids: Ids
    pictures: Mapping[str, str]
    code_name: str
    follow: bool

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
                return parts.table(child)
            case Section():
                return self.section(child)

    def section(self, section: Section) -> list[Group]:
        """A named part: its name comes with the first of what is in it."""
        title, children = headed(section)
        groups = self.groups(children)
        if not groups:
            return parts.text(Text(text=title))
        lead, before = parts.heading(title, "###")
        first, *others = [*before, *groups]
        whole = first.whole if before else f"{title}\n{first.whole}".strip()
        leads = "\n".join(line for line in (lead, first.lead) if line)
        return [replace(first, whole=whole, lead=leads, divider=True), *others]
