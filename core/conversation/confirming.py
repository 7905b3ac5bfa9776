"""What is asked again when somebody presses a button that asks, on platforms whose buttons cannot carry the question themselves.

Called by the adapter of such a platform, with the action and the value that came back. The question is looked for on the cards that the
thread has now, so that it says what is true now; a private card is in no thread, and its questions are known by their action.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from core.conversation.presenter.questions import discard_question, stop_question
from core.ids import ThreadId
from core.words.cards import Button, Card, Confirm
from core.words.inbound import Who


class Cards(Protocol):
    """The engine, as far as it is asked."""

    async def cards(self, who: Who, thread: ThreadId) -> Sequence[Card]:
        """The cards that a thread shows now."""
        ...


async def confirmation(engine: Cards, who: Who, thread: ThreadId | None, action: str, value: str) -> Confirm | None:
    """The question; None when there is none to ask any more.

    Raises:
        NotFound: the thread is not theirs to see.
    """
    shown: Iterable[Card] = await engine.cards(who, thread) if thread is not None else ()
    for card in shown:
        for item in card.actions:
            if isinstance(item, Button) and (item.action, item.value) == (action, value) and item.confirm is not None:
                return item.confirm
    match action:
        case "stop":
            return stop_question(value)
        case "discard":
            return discard_question()
    return None
