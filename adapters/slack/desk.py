"""Slack's desk: what people do in Slack, seen through to the private answer.

Given values of `adapters.slack.inbound` by `adapters.slack.app`; how it goes on from there is `core.conversation.desk`. It finds the
thread that something is about, fetches what was attached, and keeps the Home tab and followed logs up to date with what people do there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from adapters.slack import inbound
from adapters.slack.answering import Answering
from adapters.slack.attachments import Attachments
from adapters.slack.directs import Directs
from adapters.slack.home import Homes
from adapters.slack.inbound import Filled, Pressed, Said, Sought, Where
from adapters.slack.people import SlackPeople
from adapters.slack.render.files import paths, suggestions
from adapters.slack.tail import SlackTails
from core.conversation.desk import Bot, Desk, thread_id
from core.conversation.journal import Journal
from core.conversation.outbox import Clock, RealClock
from core.conversation.ports import ChatEngine, Handles
from core.conversation.saying import meaning
from core.errors import NexusError, TemporaryError, UserError
from core.ids import BuildId
from core.words.attachment import Attachment
from core.words.inbound import Answer, Inbound, Who
from core.words.views import ThreadView

log = structlog.get_logger(__name__)

Told = Said | Pressed | Filled
KINDS: Sequence[type[Told]] = (Said, Pressed, Filled)  #: what the journal keeps

OFFER = 2.5  #: seconds in which the options of a menu are found; Slack waits for three


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the desk works with. ``removed`` is told of a workspace that Nexus was removed from, and why."""

    dialogue: Handles
    engine: ChatEngine
    people: SlackPeople
    attachments: Attachments
    answering: Answering
    directs: Directs
    tails: SlackTails
    homes: Homes
    removed: Callable[[str, str], Awaitable[None]]
    journal: Journal[Told]
    clock: Clock = field(default_factory=RealClock)


class SlackDesk(Desk[Told, Where]):
    """Takes up what people do in Slack."""

    platform = inbound.PLATFORM

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts.journal, parts.dialogue, clock=parts.clock)
        self._p = parts
        self._somebody: dict[str, Who] = {}  # of each workspace, the member who acted last

    @property
    def answering(self) -> Answering:
        """What brings its answers."""
        return self._p.answering

    async def close(self) -> None:
        """See through what was acknowledged, then stop."""
        await super().close()
        await self._p.tails.close()
        await self._p.people.close()

    async def do(self, told: Told) -> None:
        match told:
            case Said():
                await self.said(told)
            case Pressed():
                await self.pressed(told)
            case Filled():
                await self.filled(told)

    async def who(self, where: Where) -> Who:
        who = self._somebody[where.workspace] = await self._p.people.who(where.workspace, where.user)
        return who

    async def give(self, where: Where, answer: Answer, *, key: str, who: Who | None, asked: Inbound | None) -> None:
        await self._p.answering.give(where, answer, key=key, who=who, asked=asked)

    async def say(self, where: Where, text: str) -> None:
        await self._p.answering.say(where, text)

    async def wrong(self, where: Where) -> None:
        await self._p.answering.wrong(where)

    # -- what is done -------------------------------------------------------------------------------------------------------

    async def said(self, said: Said) -> None:
        """Words."""

        async def mean(who: Who) -> Inbound | None:
            thread = await self._known(who, said.where)
            if said.way == "reply" and (thread is None or not thread.app):
                return None
            files: Sequence[Attachment] = await self._p.attachments.fetch(said.where.workspace, said.files)
            app = thread.app if thread is not None else ""
            here = replace(said, where=await self._reachable(said.where))
            return meaning(here, who, place=here.where.place, thread=thread_id(thread), app=app, attachments=files)

        if said.way == "reply" and not await self._concerns(said.where):
            return
        await self.through(said.where, said.key, mean)

    async def pressed(self, did: Pressed) -> None:
        """A button."""
        if did.action == inbound.OPEN_FORM:
            match inbound.again(did):
                case Said() as said:
                    await self.said(said)
                case Pressed() as again:
                    await self.pressed(again)
            return
        if did.action == inbound.STOP_TAIL:
            await self._p.tails.stop(did.where.workspace, did.where.channel, did.message)
            return

        async def mean(who: Who) -> Inbound:
            return inbound.press(did, who, thread_id(await self._known(who, did.where)))

        await self.through(did.where, did.key, mean)
        if did.where.view == "home":
            await self._p.homes.opened(did.where.workspace, did.where.user)

    async def filled(self, sent: Filled) -> None:
        """A form."""

        async def mean(who: Who) -> Inbound:
            await self._p.people.keep_names(who, sent.where.workspace, sent.people)
            where = await self._reachable(sent.where)
            return inbound.submission(replace(sent, where=where), who, thread_id(await self._known(who, where)))

        await self.through(sent.where, sent.key, mean)
        await self._p.homes.acted(sent.where.workspace, sent.where.user)

    async def offered(self, sought: Sought) -> dict[str, list[dict[str, Any]]]:
        """The options of a menu of files; none where they cannot be told, since there is no place to say why."""
        try:
            async with asyncio.timeout(OFFER):
                who = await self._p.people.who(sought.where.workspace, sought.where.user)
                build = await self._p.engine.build_view(who, BuildId(sought.build))
            return suggestions(build.build, paths(build.files), sought.text)
        except (Bot, NexusError, TimeoutError) as error:
            log.info("a menu gets no options", user=sought.where.user, reason=str(error))
        except Exception:
            log.exception("a menu gets no options", user=sought.where.user)
        return {"options": []}

    async def home_opened(self, workspace: str, user: str) -> None:
        """Somebody looks at the Home tab."""
        await self._p.homes.opened(workspace, user)

    async def removed(self, workspace: str, why: str) -> None:
        """Nexus was removed from a workspace."""
        await self._p.removed(workspace, why)

    # -- where it belongs --------------------------------------------------------------------------------------------------------

    async def _known(self, who: Who, where: Where) -> ThreadView | None:
        """The thread that Nexus has there."""
        place = where.place
        return await self._p.engine.thread_at(who, place) if place is not None and place.thread else None

    async def _reachable(self, where: Where) -> Where:
        """The same, but between the person and the bot where there was no channel (the Home tab, a shortcut from anywhere), or
        one that is between the person and somebody else."""
        if where.thread or not (where.direct or not where.channel):
            return where
        return replace(where, channel=await self._p.directs.channel(where.workspace, where.user))

    async def _concerns(self, where: Where) -> bool:
        """Whether a plain reply stands in an app's thread. Asked as any member who was here, before its author is looked at, whom
        Nexus may have to refuse: people talk in threads that are none of its business."""
        try:
            somebody = self._somebody.get(where.workspace)
            if somebody is None:  # the first words since the start: the author may be looked at, and is left alone where refused
                somebody = self._somebody[where.workspace] = await self._p.people.who(where.workspace, where.user)
            thread = await self._known(somebody, where)
        except (Bot, UserError):
            return False
        except TemporaryError:
            return True  # it is asked again there
        return thread is not None and bool(thread.app)
