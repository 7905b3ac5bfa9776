"""What lets an app answer somebody who has just acted: trigger ids, good for one view within seconds, and response urls."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from tests.support.slack.api import Refused
from tests.support.slack.clock import Clock
from tests.support.slack.state import Message, View
from tests.support.slack.timings import Timings


@dataclass(kw_only=True)
class Trigger:
    """Leave to open one view for one person."""

    id: str
    team: str
    user: str
    expires: float
    view: View | None = None  #: the modal in which they acted
    used: bool = False


@dataclass(kw_only=True)
class ResponseUrl:
    """Leave to post where somebody acted."""

    ticket: str
    url: str
    team: str
    user: str
    channel: str
    expires: float
    posts_left: int
    original: Message | None = None  #: the message with the button; None of a command


@dataclass(kw_only=True)
class Triggers:
    """All that were given out."""

    clock: Clock
    timings: Timings
    _triggers: dict[str, Trigger] = field(default_factory=dict)
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict)

    def new(self, team: str, user: str, view: View | None = None) -> str:
        trigger = Trigger(
            id=f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}",
            team=team,
            user=user,
            expires=self.clock.now() + self.timings.trigger,
            view=view,
        )
        self._triggers[trigger.id] = trigger
        return trigger.id

    def look(self, team: str, trigger_id: str) -> Trigger:
        """A trigger that may still be used.

        Raises:
            Refused: ``invalid_trigger_id``, ``exchanged_trigger_id``, ``expired_trigger_id``.
        """
        trigger = self._triggers.get(trigger_id)
        if trigger is None or trigger.team != team:
            raise Refused("invalid_trigger_id")
        if trigger.used:
            raise Refused("exchanged_trigger_id")
        if self.clock.now() >= trigger.expires:
            raise Refused("expired_trigger_id")
        return trigger

    def response_url(self, base: str, kind: str, team: str, user: str, channel: str, original: Message | None = None) -> str:
        """A new response url; ``kind`` is ``commands`` or ``actions``, as in Slack's."""
        ticket = secrets.token_urlsafe(18)
        url = f"{base}/{kind}/{team}/{ticket}"
        self.response_urls[ticket] = ResponseUrl(
            ticket=ticket,
            url=url,
            team=team,
            user=user,
            channel=channel,
            expires=self.clock.now() + self.timings.response_url,
            posts_left=self.timings.response_url_posts,
            original=original,
        )
        return url
