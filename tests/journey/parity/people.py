"""What a person can do on every platform, and how they read what they are shown: the words that the table in `steps` is written in.

Each platform has its own person (`web_person`, `slack_person`, `discord_person`), who does it as people there do: in a browser, in
Slack, in Discord. A person knows no step and expects nothing of Nexus; where their platform gives no way to do what is asked of them,
they say so with `Cannot`, from what they see and not from what they were told.
"""

from __future__ import annotations

import html
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.nexus import until

SEEN_SECONDS = 60.0  #: in which something must be seen; builds on a busy machine take a while

_LINK = re.compile(r"<https?:[^<>|]*\|([^<>]*)>|\[([^\[\]]*)\]\(<?https?:[^()]*\)|<https?://([^<>]*)>")
_MARKUP = re.compile(r"[*`\\]|^#+ |^-# |^> ", re.MULTILINE)


class Cannot(Exception):
    """It cannot be done here as it is done elsewhere; the words say what was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A card, an answer or a form, as it is read."""

    words: str  #: without markup, in one line
    buttons: Sequence[str] = ()  #: what can be pressed, links too
    links: Mapping[str, str] = field(default_factory=dict)  #: where those lead that are links
    inputs: Sequence[str] = ()  #: the labels of a form
    handle: Any = None  #: by which its person finds it again; equal for one message, however often it was edited

    def says(self, *words: str) -> bool:
        return all(word in self.words for word in words)

    def __str__(self) -> str:
        pressed = " ".join(f"[{label}]" for label in self.buttons)
        return "\n".join(part for part in (self.words, *(f"{label}: __" for label in self.inputs), pressed) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that somebody got."""

    name: str
    content: bytes = field(repr=False)
    by: str  #: "browser", "answer", or "direct message"


#: The words beside a title.
STATUSES = (
    *(
        "Queued",
        "Building",
        "Ready for review",
        "Superseded",
        "Discarded",
        "Cancelled",
        "Failed",
        "Deploying",
        "Deployed as",
        "Live",
    ),
    *(
        "Replaced by",
        "Started anew since",
        "Stopped",
        "Crashed earlier",
        "Crashed",
        "Recovered",
        "Settings changed",
        "Deleted",
        "Over",
        "App deleted",
    ),
)


def plain(text: str) -> str:
    """The words alone, with one space between."""
    linked = _LINK.sub(lambda found: found[1] or found[2] or found[3] or "", text)
    return " ".join(_MARKUP.sub("", html.unescape(linked)).split())


def status(words: str) -> str:
    """The word beside a title, which comes before any other of them."""
    at = {words.index(word): word for word in reversed(STATUSES) if word in words}
    return at[min(at)] if at else ""


def says(shown: Shown, *words: str) -> None:
    missing = [word for word in words if word not in shown.words]
    assert not missing, f"{missing} is not in:\n{shown}"


def offers(shown: Shown, *labels: str) -> None:
    missing = [label for label in labels if label not in shown.buttons]
    assert not missing, f"{missing} cannot be pressed on:\n{shown}"


class Person(ABC):
    """Somebody on a platform. A thread is whatever the platform knows it by."""

    platform: str
    name: str  #: as cards call them

    # -- what they do --------------------------------------------------------------------------------------------------------

    @abstractmethod
    async def types(self, text: str, *, thread: Any = None, place: str = "") -> None:
        """``/nexus text``: in a thread, in a channel, or where they usually do."""

    @abstractmethod
    async def leaves(self) -> None:
        """Go where no app is talked about; where commands are typed outside of threads, they are there."""

    @abstractmethod
    async def replies(self, thread: Any, text: str) -> None:
        """Plain words in a thread."""

    @abstractmethod
    async def press(self, shown: Shown, label: str, *, yes: bool = True) -> None:
        """Press a button; where it asks in a dialog whether they are sure, ``yes`` is what they say."""

    @abstractmethod
    async def submits(self, form: Shown, values: Mapping[str, str]) -> None:
        """Fill in a form by its labels, and send it."""

    @abstractmethod
    async def closes(self, form: Shown) -> None:
        """Close a form, and send nothing."""

    # -- what comes of it ----------------------------------------------------------------------------------------------------

    @abstractmethod
    async def answer(self, act: Awaitable[None], *words: str) -> Shown:
        """Do something, and read the answer with these words that nobody else sees."""

    @abstractmethod
    async def form(self, act: Awaitable[None], title: str) -> Shown:
        """Do something that opens a form. `Cannot`: it was answered with something else."""

    @abstractmethod
    async def refused(self, form: Shown, values: Mapping[str, str]) -> str:
        """Send a form that is refused; what it says of that, still open and with what was typed. `Cannot`: it is gone."""

    @abstractmethod
    async def opens(self, act: Awaitable[None]) -> Any:
        """Do something that opens a thread."""

    @abstractmethod
    async def gets(self, act: Awaitable[None]) -> File:
        """Do something that brings a file."""

    @abstractmethod
    async def question(self, shown: Shown, label: str) -> str:
        """Press a button that asks first, and say no; the question, when it was asked in a dialog. `Cannot`: it was not."""

    @abstractmethod
    async def look(self, shown: Shown) -> Shown:
        """The same message, as it is now."""

    # -- what is there -------------------------------------------------------------------------------------------------------

    @abstractmethod
    async def cards(self, thread: Any) -> list[Shown]:
        """The cards of a thread, in order."""

    @abstractmethod
    async def said(self, thread: Any) -> str:
        """What people are seen to have said in a thread, in order."""

    @abstractmethod
    async def before(self, shown: Shown) -> str:
        """Everything that a card has shown before, as far as they saw it."""

    @abstractmethod
    async def reads(self, shown: Shown, path: str) -> str:
        """Open a file of a card's list; its text."""

    @abstractmethod
    async def completed(self, typed: str) -> list[str]:
        """What is offered for a half-typed command. `Cannot`: nothing is ever offered."""

    @abstractmethod
    async def news(self, place: str) -> list[str]:
        """What a channel shows, message by message."""

    @abstractmethod
    async def others_see(self) -> str:
        """All that anybody but this person was ever shown."""

    # -- the same everywhere -------------------------------------------------------------------------------------------------

    async def card(self, thread: Any, *words: str, buttons: Sequence[str] = ()) -> Shown:
        """The newest card that shows all of these words and buttons, once there is one."""
        seen: list[Shown] = []

        async def look() -> list[Shown]:
            seen[:] = await self.cards(thread)
            return [card for card in seen if card.says(*words) and set(buttons) <= set(card.buttons)]

        try:
            return (await until(look, seconds=SEEN_SECONDS, what=f"a card with {words} and {list(buttons)}"))[-1]
        except AssertionError as error:
            raise AssertionError("\n---\n".join([str(error), *map(str, seen)])) from None

    async def again(self, shown: Shown, *words: str) -> Shown:
        """The same message, once it shows these words."""
        now = shown

        async def look() -> bool:
            nonlocal now
            now = await self.look(shown)
            return now.says(*words)

        try:
            await until(look, seconds=SEEN_SECONDS, what=f"it shows {words}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n---\n{now}") from None
        return now
