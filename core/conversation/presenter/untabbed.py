"""A card for platforms without tabs: what is shown, in which order, and what is behind a button.

Called by the chat adapters' renderers before anything else. What a decision hangs on, the section with the evidence, stands before the
files, and the setup instructions are behind a button. It makes no markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from core.conversation.measuring import clip, web_url
from core.words.cards import Button, Card, Child, Facts, Files, Link, Log, Section, Steps, Text

_SECTIONS_FIRST = ("deploy",)
_DEPLOY = "Deploy"  #: the name of that section, which says nothing where there are no tabs
_FACTS = 2  #: groups of facts about an artifact and its release; those that follow are about what is live


def untabbed(card: Card, *, in_thread: bool = False) -> Card:
    """The card as it is shown. ``in_thread``: it stands among the app's other cards, and what is live is told by its own."""
    if in_thread and card.kind == "build":
        card = card.model_copy(update={"children": [_without_live(child) for child in card.children]})
    build = build_of(card)
    children = _in_order(card.children)
    setup = next((child for child in children if isinstance(child, Section) and child.id == "setup" and build), None)
    items = list(card.actions)
    if setup is not None:
        children = [child for child in children if child is not setup]
        at = next((n for n, item in enumerate(items) if item.style == "danger"), len(items))
        if items:  # a card on which nobody can do anything any more has none at all
            items.insert(at, Button(action="setup", value=build, label=clip(setup.title.strip() or "Setup", 75)))
    return card.model_copy(update={"children": children, "actions": items})


def headed(section: Section) -> tuple[str, list[Any]]:
    """The name of a section and what is in it: one heading, where its first part has one of its own."""
    title, children = section.title.strip(), list(section.children)
    if title and children and isinstance(children[0], Steps) and children[0].title.strip():
        inner = children[0].title.strip()
        title = inner if section.id in _SECTIONS_FIRST and title == _DEPLOY else f"{title} · {inner}"
        children[0] = children[0].model_copy(update={"title": ""})
    return title, children


def as_action(link: Link) -> Button | None:
    """The button that does in a chat what a link of the page does: a path of Nexus's own leads nowhere from there."""
    if not link.action or web_url(link.url):
        return None
    return Button(action=link.action, value=link.value, label=link.label, style=link.style)


def summary(card: Card) -> str:
    """What a notification, a screen reader or an old client tells of it, in one line of plain words."""
    told = [part for part in (card.title.strip(), card.status.strip()) if part]
    said = ": ".join(told) or "Nexus"
    warnings = [c.text.partition("\n")[0] for c in card.children if isinstance(c, Text) and c.style == "warning"]
    facts = [fact for child in inside(card.children) if isinstance(child, Facts) for fact in child.facts]
    link = next((fact.value for fact in facts if fact.style == "link"), "")
    more = [part.strip() for part in (card.subtitle, *warnings, link) if part.strip()]
    return " · ".join([said, *more])


def inside(children: Sequence[Child]) -> Iterator[Child]:
    """The parts, and those of the sections."""
    for child in children:
        yield from child.children if isinstance(child, Section) else [child]


def build_of(card: Card) -> str:
    """The build that a card is about, where it can be told."""
    for item in card.actions:
        action = as_action(item) if isinstance(item, Link) else None
        if action is not None:
            return action.value
    known = next((child.build for child in inside(card.children) if isinstance(child, Files)), "")
    return known if re.fullmatch(r"[\w-]{1,60}", known) else ""


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
