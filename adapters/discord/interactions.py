"""Answering an interaction by the token that came with it: privately, with a form, or by taking "is thinking" away.

Used by `adapters.discord.answering`, and by `adapters.discord.desk`, which says of what arrived that it is not acknowledged yet
(`Interactions.expect`): then the first answer may be a form, and where none comes in time it is acknowledged here. All it needs
is the interaction's id and token, so that a process may answer what another one was told; only whoever acknowledged knows how,
and that is in `Where`. It logs no token, and nothing of what is answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import discord
import structlog
from discord import ui
from discord.http import MultipartParameters, handle_message_parameters

from adapters.discord.calls import MENTIONS_NOBODY, Calls, Upload
from adapters.discord.faults import DiscordBusy, DiscordRefusal, InteractionOver, MessageGone
from adapters.discord.inbound import Where
from core.conversation.outbox import Clock, RealClock
from core.conversation.remembered import Known
from core.errors import NexusError

log = structlog.get_logger(__name__)

PATIENCE: Final = 2.0  #: seconds that something may wait for its form; Discord waits for three
PAUSES: Final = (0.5, 2.0, 5.0)  #: seconds before each further attempt to show what Discord, away for a moment, did not take
ANSWERED: Final = 40060  #: Discord's number for an interaction that has its first answer
EPHEMERAL: Final = 1 << 6
MESSAGE, DEFERRED, UPDATE_LATER, MODAL = 4, 5, 6, 9  # kinds of first answers

_CALLBACK = "/interactions/{webhook_id}/{webhook_token}/callback"
_HOOK = "/webhooks/{webhook_id}/{webhook_token}"
_ORIGINAL = _HOOK + "/messages/@original"

Later = Literal["message", "update"]


@dataclass(eq=False, slots=True)
class _State:
    """How an interaction was answered so far, as this process knows it."""

    answered: Literal["", "message", "update", "unknown"]
    question: bool = False  #: what was pressed is a question
    shown: bool = False  #: "is thinking", or the question, was replaced
    later: Later = "message"
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    timer: asyncio.Task[None] | None = None

    @property
    def thinking(self) -> bool:
        """What stands there is to be replaced, or taken away where there is nothing to say."""
        return not self.shown and (self.answered == "message" or (self.question and self.answered == "update"))


class Interactions:
    """Answers them."""

    def __init__(self, calls: Calls, *, clock: Clock | None = None) -> None:
        self._calls = calls
        self._clock = clock or RealClock()
        self._states: Known[_State] = Known()
        self._timers: set[asyncio.Task[None]] = set()

    def now(self) -> float:
        """For `expect`."""
        return self._clock.now()

    def expect(self, where: Where, later: Later, *, since: float) -> None:
        """This process answers it, and it is not acknowledged yet. ``later``: how it is, in two seconds, if nothing was answered."""
        state = _State(answered="", question=where.question, later=later)
        self._states.keep(where.interaction, state)
        state.timer = asyncio.create_task(
            self._in_time(where, state, since + PATIENCE - self._clock.now()), name="discord deadline"
        )
        self._timers.add(state.timer)
        state.timer.add_done_callback(self._timers.discard)

    async def open(self, where: Where, modal: ui.Modal) -> bool:
        """Show a form; False where it is too late for one.

        Raises:
            DiscordRefusal: it takes no such form.
        """
        state = self._state(where)
        async with state.lock:
            if state.answered:
                return False
            return await self._first(where, state, MODAL, modal.to_dict(), how="update")

    async def show(self, where: Where, view: ui.LayoutView, files: Sequence[Upload] = ()) -> None:
        """Show this to the one person.

        Raises:
            InteractionOver: its time is over.
            DiscordBusy, DiscordRefusal: it cannot be shown so.
        """
        state = self._state(where)
        async with state.lock:
            if not state.answered:
                if not files:
                    with _parameters(view, private=True) as made:
                        if await self._first(where, state, MESSAGE, made.payload or {}, how="message"):
                            state.shown = True
                            return
                else:
                    await self._acknowledge(where, state, "message")
            if state.thinking:

                async def replace() -> None:
                    with _parameters(view, files) as made:
                        await self._call("PATCH", _ORIGINAL, where, message=made)

                with contextlib.suppress(MessageGone):
                    try:
                        await self._insist(replace, twice=True)
                    except DiscordBusy as error:
                        state.shown = error.doubtful  # what may be there is not taken away
                        raise
                    state.shown = True
                    return
                state.shown = True

            async def add() -> None:
                with _parameters(view, files, private=True) as made:
                    await self._call("POST", _HOOK, where, message=made, query={"wait": 1, "with_components": 1})

            await self._insist(add, twice=False)

    async def done(self, where: Where) -> None:
        """There is nothing (more) to show: nothing says any more that Nexus is thinking. Raises nothing."""
        if not where.token:
            return
        state = self._state(where)
        async with state.lock:
            try:
                if not state.answered:
                    await self._acknowledge(where, state, state.later)
                if state.thinking:
                    await self._call("DELETE", _ORIGINAL, where)
                    state.shown = True
            except NexusError as error:
                log.info("an interaction could not be brought to its end", reason=error.message)

    async def close(self) -> None:
        """Acknowledge nothing any more."""
        for timer in (timers := list(self._timers)):
            timer.cancel()
        await asyncio.gather(*timers, return_exceptions=True)

    # -- together ----------------------------------------------------------------------------------------------------------------

    async def _insist(self, send: Callable[[], Awaitable[None]], *, twice: bool) -> None:
        """Send it, again in a while where it did not arrive; where nobody knows whether it did, if it may come ``twice``."""
        for pause in (*PAUSES, None):
            try:
                await send()
                return
            except DiscordBusy as error:
                if pause is None or error.retry_after is not None or (error.doubtful and not twice):
                    raise
                await self._clock.sleep(pause)

    def _state(self, where: Where) -> _State:
        if where.interaction not in self._states:
            # What is to be acknowledged by the process that kept it, and was taken up by this one, it is too late to acknowledge.
            self._states.keep(where.interaction, _State(answered=where.deferred or "unknown", question=where.question))
        return self._states[where.interaction]

    async def _in_time(self, where: Where, state: _State, seconds: float) -> None:
        await self._clock.sleep(max(seconds, 0.0))
        async with state.lock:
            state.timer = None
            if not state.answered:
                with contextlib.suppress(NexusError):
                    await self._acknowledge(where, state, state.later)

    async def _acknowledge(self, where: Where, state: _State, how: Later) -> None:
        kind, data = (DEFERRED, {"flags": EPHEMERAL}) if how == "message" else (UPDATE_LATER, None)
        await self._first(where, state, kind, data, how=how)

    async def _first(self, where: Where, state: _State, kind: int, data: Mapping[str, Any] | None, *, how: Later) -> bool:
        """The first answer; False where it is too late for one, or another was first."""
        body: dict[str, Any] = {"type": kind} | ({"data": data} if data is not None else {})
        for again in (False, True):
            try:
                await self._call("POST", _CALLBACK, where, webhook=where.interaction, json=body)
            except InteractionOver as error:
                if not (again and error.code == ANSWERED):  # by the attempt of which nothing was heard
                    log.info("it is too late to answer first", reason=error.message)
                    state.answered = "unknown"
                    return False
            except DiscordBusy as error:
                if not again and error.retry_after is None:
                    continue  # at once: a connection that Discord had closed is the usual reason, and twice does no harm
                if not error.doubtful:
                    raise
                log.warning("whether an interaction was answered is not known", error=error.error)
            break
        state.answered = how
        if state.timer is not None:
            state.timer.cancel()
            state.timer = None
        return True

    async def _call(
        self,
        method: str,
        path: str,
        where: Where,
        *,
        webhook: str = "",
        message: MultipartParameters | None = None,
        json: object = None,
        query: Mapping[str, object] | None = None,
    ) -> None:
        if not where.token:
            raise DiscordRefusal("There is no token by which this could be answered.")
        await self._calls.call(
            method,
            path,
            message=message,
            json=json,
            query=query,
            needs="file" if message is not None and message.files else "",
            webhook_id=webhook or where.application,
            webhook_token=where.token,
        )


def _parameters(view: ui.LayoutView, files: Sequence[Upload] = (), *, private: bool = False) -> MultipartParameters:
    made: Callable[..., MultipartParameters] = handle_message_parameters
    more: dict[str, Any] = {"flags": discord.MessageFlags(ephemeral=True)} if private else {}
    if files:
        more["files"] = [discord.File(io.BytesIO(one.content), one.name, description=one.about[:1024] or None) for one in files]
    return made(view=view, allowed_mentions=MENTIONS_NOBODY, **more)
