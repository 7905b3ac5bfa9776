"""What words mean that somebody typed or said to Nexus, wherever that was: a command, a change, a request, or nothing for Nexus.

Called by the desks of the chat platforms, with words of which the platform's markup is already taken off. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, Protocol

from core.conversation.grammar import VERBS, parse
from core.conversation.names import nearest
from core.errors import InvalidInput
from core.ids import ThreadId
from core.words.attachment import Attachment
from core.words.inbound import Command, Inbound, Reply, Who
from core.words.thread_ref import ThreadRef

NO_WORDS = frozenset({"build", "db", "env", "help", "rollback"})  #: nobody begins a sentence about an app with these
SHORT_COMMAND = 3  #: words; a longer line that is no command is a request
TYPO = 0.83  #: how alike a word and a verb are of which one is taken for the other

Way = Literal["command", "mention", "reply", "pick"]

_SLASH = re.compile(r"/?nexus(?:\s+|$)", re.IGNORECASE)


class Said(Protocol):
    """Words. ``way``: typed after the slash word, said to the bot, said in a thread, or picked from somebody's message."""

    @property
    def key(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def way(self) -> Way: ...


def is_command(text: str) -> bool:
    """Whether these words are meant as a command: the first is a verb, and what follows reads like one.
    "delete the due dates" does not."""
    typed = text.split()
    if not typed or typed[0].casefold() not in VERBS:
        return False
    if typed[0].casefold() in NO_WORDS:
        return True
    try:
        parsed = parse(text)
    except InvalidInput:
        return len(typed) <= SHORT_COMMAND
    app = getattr(parsed, "app", None)
    return app is None or app in {word.casefold() for word in typed[1:]}


def _mistyped(text: str) -> bool:
    """Whether the first word is a verb with a slip in it ("deplyo todos"), and what follows does not make it a request."""
    typed = text.split()
    first = typed[0].casefold() if typed else ""
    meant = nearest(first, VERBS, cutoff=TYPO) or next((verb for verb in VERBS if _swapped(first, verb)), "")
    if not meant or first in VERBS or first.startswith(meant):  # "lists of books" is one
        return False
    return len(typed) <= SHORT_COMMAND or meant == "build"


def _swapped(word: str, verb: str) -> bool:
    """Whether two neighbouring letters changed places."""
    differ = [at for at, (a, b) in enumerate(zip(word, verb, strict=False)) if a != b]
    return len(word) == len(verb) and len(differ) == 2 and differ[1] == differ[0] + 1 and sorted(word) == sorted(verb)


def meaning(
    said: Said,
    who: Who,
    *,
    place: ThreadRef | None,
    thread: ThreadId | None = None,
    app: str = "",
    attachments: Sequence[Attachment] = (),
) -> Inbound | None:
    """What these words ask for; ``thread`` and ``app`` are what Nexus knows of the place. None when they are not for Nexus."""
    text = said.text
    if said.way == "command":
        return Command(who=who, key=said.key, text=text, thread=thread, place=place, attachments=attachments, hidden=True)
    if said.way == "reply" and not app:
        return None
    if slash := _SLASH.match(text):
        rest = text[slash.end() :]
        # What somebody else wrote is built and no more, or they could have whoever may more run a command.
        if (text.startswith("/") or is_command(rest)) and (said.way != "pick" or rest.split()[:1] == ["build"]):
            return Command(who=who, key=said.key, text=rest, thread=thread, place=place, attachments=attachments)
    if said.way == "mention" and (is_command(text) or not (text or attachments) or _mistyped(text)):
        return Command(who=who, key=said.key, text=text or "help", thread=thread, place=place, attachments=attachments)
    if app and thread is not None:
        return Reply(who=who, key=said.key, text=text, thread=thread, attachments=attachments)
    if said.way == "mention" and len(text.split()) == 1:  # "hello" is no app
        return Command(who=who, key=said.key, text=text, thread=thread, place=place)
    return Command(who=who, key=said.key, text=f"build {text}", thread=thread, place=place, attachments=attachments)
