"""Getting what happens in Slack to the app, through sockets or by HTTP, until it is acknowledged.

Called by what people do (`people`) and by the Web API, whose effects are events too. Events are delivered again when nobody acknowledges
them in time; commands and interactions are not: the person sees an error.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from tests.support.slack.state import Json

if TYPE_CHECKING:
    from tests.support.slack.server import LocalSlack


@dataclass(kw_only=True, eq=False)
class Attempt:
    """One try to deliver something."""

    number: int  #: 0 is the first; more is a redelivery
    reason: str = ""  #: why it is delivered again
    via: str = ""  #: "socket 3", "http", or empty when there was no way
    envelope_id: str = ""
    acknowledged: bool = False
    late: bool = False  #: acknowledged after the deadline
    seconds: float | None = None  #: until the acknowledgement
    answer: Any = None  #: what the acknowledgement brought: an object, text, or nothing
    failure: str = ""  #: "timeout", "no connection", "disconnected", "http 500"


@dataclass(kw_only=True, eq=False)
class Delivery:
    """Something that happened, on its way to the app."""

    kind: str  #: "events_api", "slash_commands" or "interactive"
    payload: Json
    attempts: list[Attempt] = field(default_factory=list)
    given_up: bool = False

    @property
    def acknowledged(self) -> bool:
        return any(one.acknowledged for one in self.attempts)

    @property
    def answer(self) -> Any:
        """What the acknowledgement brought."""
        return next((one.answer for one in self.attempts if one.acknowledged), None)

    @property
    def seconds(self) -> float | None:
        """How long the acknowledgement took, of the attempt that got it."""
        return next((one.seconds for one in self.attempts if one.acknowledged), None)

    @property
    def event(self) -> Json:
        """The event inside, of an event."""
        return self.payload.get("event", {})  # type: ignore[no-any-return]


class Way(Protocol):
    """A way to the app: its sockets, or its request URL."""

    async def deliver(self, delivery: Delivery, attempt: Attempt) -> None:
        """Try once, and note in ``attempt`` how it went."""


class Deliveries:
    """Everything that was ever sent to the app."""

    def __init__(self, slack: LocalSlack) -> None:
        self._slack = slack
        self._tasks: set[asyncio.Task[None]] = set()
        self.all: list[Delivery] = []

    async def once(self, delivery: Delivery, number: int = 0, reason: str = "") -> Attempt:
        """Try once; acknowledged or not."""
        if delivery not in self.all:
            self.all.append(delivery)
        attempt = Attempt(number=number, reason=reason)
        delivery.attempts.append(attempt)
        await self._slack.way.deliver(delivery, attempt)
        self._slack.poke()
        return attempt

    async def event(self, payload: Json) -> Delivery:
        """Deliver an event; returns after the first attempt, and tries again in the background where that was in vain."""
        delivery = Delivery(kind="events_api", payload=payload)
        if not (await self.once(delivery)).acknowledged:
            self.spawn(self._again(delivery))
        return delivery

    async def _again(self, delivery: Delivery) -> None:
        for number, pause in enumerate(self._slack.timings.retries, start=1):
            await self._slack.clock.sleep(pause)
            reason = {"timeout": "http_timeout", "no connection": "connection_failed"}.get(
                delivery.attempts[-1].failure, "http_error"
            )
            if (await self.once(delivery, number, reason)).acknowledged:
                return
        delivery.given_up = True
        self._slack.poke()

    def spawn(self, work: Any) -> None:
        """Run in the background until it is done or Slack is closed."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
