"""The presenter: a pure fold from an app's events to the messages of its thread.

Called after every new event, with all events of the app; the outbox then makes the thread look like it. The same events give the same
messages, in any process; any prefix of them gives valid cards. It reads no clock and no database, and no secret passes it.

    said:<event id>     words of a person
    build:<id>          one card per build, from the plan to the review and its deployment, edited in place
    deploy:<id>         one card per deployment, from the first step to the live card
    notice:<event id>   a crash, a recovery, stopped, deleted, changed settings
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.conversation.presenter.build_card import build_card
from core.conversation.presenter.deploy_card import deploy_card
from core.conversation.presenter.fold import AppFacts, fold
from core.conversation.presenter.message import Message
from core.conversation.presenter.notice import notice_card
from core.conversation.redaction import shown, shown_line
from core.words.events import Event

__all__ = ["AppFacts", "Message", "present"]


def present(events: Sequence[Event], *, app: AppFacts, now: datetime) -> list[Message]:
    """The messages of a thread, in the order they belong there.

    ``app`` is what is known of the app before its first plan; ``now`` decides whether a deadline has passed.
    """
    story = fold(events, app)
    messages: list[Message] = []
    for kind, name in story.order:
        key = f"{kind}:{name}"
        if kind == "build":
            messages.append(Message(key=key, card=build_card(story, story.builds[name], now)))
        elif kind == "deploy":
            messages.append(Message(key=key, card=deploy_card(story, story.deployments[name])))
        elif kind == "said":
            said = story.said[name]
            words = shown(said.text, 20_000)
            if said.attachments:
                words += "\n\nAttached: " + ", ".join(shown_line(name, 120) for name in said.attachments)
            messages.append(Message(key=key, author=shown(said.by, 80) or "Somebody", text=words, seen=said.seen))
        else:
            messages.append(Message(key=key, card=notice_card(story, story.notices[name])))
    return messages
