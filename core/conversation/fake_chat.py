"""A chat platform in memory, for tests: it keeps the `Chat` contract, checks what real platforms would refuse, and fails on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.conversation.chat import Capability, Chat
from core.errors import InvalidInput, NotFound, TemporaryError
from core.ids import ThreadId
from core.words.cards import Button, Card, Files, Form, Link, Log, Section, Steps, Table
from core.words.cards import Text as Paragraph
from core.words.sent import Sent
from core.words.thread_ref import ThreadRef

MAX_BUTTONS = 25
MAX_CHILDREN = 40


@dataclass(slots=True, kw_only=True)
class FakeMessage:
    """A message as it is shown now; ``history`` has every card that it showed."""

    id: str
    thread: ThreadRef
    key: str
    card: Card | None = None
    author: str = ""
    text: str = ""
    history: list[Card]


class FakeChat(Chat):
    """The fake. ``fail`` makes the next calls raise; ``before`` is called at the start of each with the verb and the key."""

    capabilities = frozenset({Capability.THREAD_REPLIES})

    def __init__(self, platform: str = "fake", *, min_interval: float = 0.0, now: Callable[[], float] = lambda: 0.0) -> None:
        self.platform = platform
        self.messages: list[FakeMessage] = []
        self.threads: dict[str, ThreadRef] = {}
        self.files: list[tuple[str, bytes]] = []
        self.calls: list[tuple[str, str]] = []  #: verb and key, of the calls that succeeded
        self.before: Callable[[str, str], None] = lambda verb, key: None
        self._min_interval = min_interval
        self._now = now
        self._last: dict[str, float] = {}
        self._failures: list[Exception] = []
        self._lost_answers = 0

    def fail(self, *errors: Exception) -> None:
        """Raise these, one per call, with nothing done."""
        self._failures += errors

    def lose_answers(self, number: int) -> None:
        """Do what the next calls ask, and raise `TemporaryError` as if the answer had been lost."""
        self._lost_answers = number

    def shown(self) -> list[Card | str]:
        """What the thread shows, from top to bottom."""
        return [m.card if m.card is not None else f"{m.author}: {m.text}" for m in self.messages]

    async def open_thread(self, workspace: str, channel: str, title: str, *, key: str, user: str = "") -> ThreadRef:
        self._begin("open", key)
        return self.threads.setdefault(
            key, ThreadRef(platform=self.platform, workspace=workspace, channel=channel, thread=f"t{len(self.threads) + 1}")
        )

    async def post(self, thread: ThreadRef, card: Card, *, key: str) -> str:
        self._begin("post", key)
        check_card(card)
        for message in self.messages:
            if message.key == key and message.thread == thread and message.card != card:
                message.card = card
                message.history.append(card)
        return self._add(thread, "post", key, card=card)

    async def edit(self, thread: ThreadRef, message: str, card: Card) -> None:
        found = next((m for m in self.messages if m.id == message and m.thread == thread), None)
        if found is None:
            raise NotFound(f"There is no message {message!r}.")
        self._begin("edit", found.key)
        check_card(card)
        if found.card == card:
            return
        last = self._last.get(message)
        if last is not None and self._now() - last < self._min_interval - 1e-9:
            raise TemporaryError("This message was edited too soon after the last time.")
        self._last[message] = self._now()
        found.card = card
        found.history.append(card)
        self._done("edit", found.key)

    async def say(self, thread: ThreadRef, text: str, *, author: str, key: str) -> str:
        self._begin("say", key)
        return self._add(thread, "say", key, author=author, text=text)

    async def post_file(self, thread: ThreadRef, name: str, content: bytes, *, key: str) -> str:
        self._begin("file", key)
        if not any(m.key == key and m.thread == thread for m in self.messages):
            self.files.append((name, content))
        return self._add(thread, "file", key, text=name)

    def _begin(self, verb: str, key: str) -> None:
        self.before(verb, key)
        if self._failures:
            raise self._failures.pop(0)

    def _done(self, verb: str, key: str) -> None:
        self.calls.append((verb, key))
        if self._lost_answers:
            self._lost_answers -= 1
            raise TemporaryError("The answer was lost.")

    def _add(self, thread: ThreadRef, verb: str, key: str, *, card: Card | None = None, author: str = "", text: str = "") -> str:
        for message in self.messages:
            if message.key == key and message.thread == thread:
                return message.id
        made = FakeMessage(
            id=f"m{len(self.messages) + 1}",
            thread=thread,
            key=key,
            card=card,
            author=author,
            text=text,
            history=[card] if card is not None else [],
        )
        self.messages.append(made)
        self._last[made.id] = self._now()
        self._done(verb, key)
        return made.id


class MemorySentMessages:
    """The record of what was sent, in memory."""

    def __init__(self) -> None:
        self.sent: dict[tuple[ThreadId, str], Sent] = {}

    async def find(self, thread: ThreadId, key: str) -> Sent | None:
        return self.sent.get((thread, key))

    async def record(self, thread: ThreadId, key: str, sent: Sent) -> None:
        self.sent[thread, key] = sent


class MemoryInbox:
    """The idempotency keys that were seen, in memory."""

    def __init__(self) -> None:
        self.keys: set[str] = set()

    async def first(self, key: str) -> bool:
        seen = key in self.keys
        self.keys.add(key)
        return not seen

    async def seen(self, key: str) -> bool:
        return key in self.keys


def check_card(card: Card) -> None:
    """Refuse what one of the real platforms would refuse.

    Raises:
        InvalidInput: an empty title, label or list, too many parts, an action that does not fit Discord, or a control character.
    """

    def need(held: bool, what: str) -> None:
        if not held:
            raise InvalidInput(f"The card {card.title!r} {what}.")

    need(bool(card.title.strip()), "has no title")
    need(len(card.title) <= 100 and "\n" not in card.title, "has a title that is too long")
    need(len(card.children) <= MAX_CHILDREN, "has too many parts")
    need(len(card.actions) <= MAX_BUTTONS, "has too many actions")
    _check_actions(card, need)
    for part in _parts(card):
        if isinstance(part, Section):
            need(bool(part.id and part.title), "has a section without a name")
        elif isinstance(part, Steps):
            need(bool(part.steps) and all(step.name.strip() for step in part.steps), "has a step without a name")
        elif isinstance(part, Table):
            need(bool(part.rows) and all(len(row) == len(part.columns) for row in part.rows), "has an uneven table")
        elif isinstance(part, Paragraph):
            need(bool(part.text.strip()), "has an empty paragraph")
        elif isinstance(part, Log):
            need(bool(part.lines) or bool(part.live_app), "has an empty log")
            need(not any("\n" in line for line in part.lines), "has a log line that is two")
        elif isinstance(part, Files):
            need(bool(part.build), "has files of no build")
    for text in strings(card.model_dump(mode="json")):
        need(all(c == "\n" or c.isprintable() or ord(c) > 0x9F for c in text), "has a control character")


def _check_actions(card: Card, need: Callable[[bool, str], None]) -> None:
    for action in card.actions:
        need(0 < len(action.label) <= 75, "has an action without a label")
        if isinstance(action, Link):
            need(0 < len(action.url) <= 512, "has a link without an address")
            continue
        need(len(action.action) + len(action.value) <= 100, "has an action that is too long")
        if action.confirm is not None:
            need(0 < len(action.confirm.text) <= 300 and len(action.confirm.title) <= 100, "has a confirmation that is too long")
    pressed = [(action.action, action.value) for action in card.actions if isinstance(action, Button)]
    need(len(pressed) == len(set(pressed)), "has the same action twice")


def check_form(form: Form) -> None:
    """Refuse what one of the real platforms would refuse.

    Raises:
        InvalidInput: no input or more than 5, two with one name, a select with no option or more than 25.
    """
    names = [i.name for i in [*form.inputs, *form.more]]
    if not 1 <= len(form.inputs) <= 5 or len(set(names)) != len(names):
        raise InvalidInput(f"The form {form.title!r} needs 1 to 5 inputs with different names.")
    for i in [*form.inputs, *form.more]:
        if i.kind == "select" and not 1 <= len(i.options) <= 25:
            raise InvalidInput(f"The input {i.name!r} needs 1 to 25 options.")
        if not i.label or len(i.label) > 45 or len(i.hint) > 100:
            raise InvalidInput(f"The input {i.name!r} needs a label of at most 45 characters and a hint of at most 100.")


def _parts(card: Card) -> Iterator[object]:
    for child in card.children:
        yield child
        if isinstance(child, Section):
            yield from child.children


def strings(value: object) -> Iterator[str]:
    """Every string in a dumped value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
