"""The questions that are asked again before something grave is done.

Used by the cards, and by platforms that ask in a message of their own.
"""

from __future__ import annotations

from core.words.cards import Confirm


def stop_question(name: str) -> Confirm:
    """Before an app stops answering."""
    return Confirm(title=f"Stop {name}?", text="It stops answering. Its data and its releases stay.", yes="Stop")


def discard_question() -> Confirm:
    """Before a build cannot be approved any more."""
    return Confirm(title="Discard this build?", text="It cannot be approved any more. What is live stays.", yes="Discard")
