"""The desk: takes up what people do in Slack after it was acknowledged, and sees it through to the private answer.

Given values of `adapters.slack.inbound` by `adapters.slack.app`. For each it asks who it is and which thread it is about, fetches
what was attached, lets the dialogue do it and has the answer brought. Everything runs in tasks of its own, which `close` waits
for. It decides nothing: refusals come from the dialogue and from `adapters.slack.people`, and are said to the one who asked. An
exception that nobody meant is logged, and they are told that something went wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from adapters.slack import inbound
from adapters.slack.answering import Answering
from adapters.slack.attachments import Attachments
from adapters.slack.directs import Directs
from adapters.slack.home import Homes
from adapters.slack.inbound import Filled, Pressed, Said, Sought, Where
from adapters.slack.journal import Journal, Told
from adapters.slack.people import Bot, SlackPeople
from adapters.slack.ports import SlackDialogue, SlackEngine
from adapters.slack.render.files import paths, suggestions
from adapters.slack.tail import Tails
from core.conversation.outbox import Clock, RealClock
from core.errors import NexusError, TemporaryError, UserError
from core.ids import BuildId, ThreadId
from core.words.attachment import Attachment
from core.words.inbound import Answer, Inbound, Who
from core.words.views import ThreadView

log = structlog.get_logger(__name__)

AT_ONCE = 24  #: requests that are seen through at the same time; the others wait in line, acknowledged
PAUSES = (0.5, 2.0, 5.0)  #: seconds before each further attempt at what fails for the moment
NOTHING_DONE = "Nexus cannot find out just now who you are or what this is about. Nothing was done; try again in a minute."
OFFER = 2.5  #: seconds in which the options of a menu are found; Slack waits for three
GIVES_WAY = 0.5  #: seconds, at most, that something acknowledged lets others be acknowledged first
GOODBYE = 20.0  #: seconds that `close` waits for what is under way


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the desk works with. ``removed`` is told of a workspace that Nexus was removed from, and why."""

    dialogue: SlackDialogue
    engine: SlackEngine
    people: SlackPeople
    attachments: Attachments
    answering: Answering
    directs: Directs
    tails: Tails
    homes: Homes
    removed: Callable[[str, str], Awaitable[None]]
    journal: Journal
    clock: Clock = field(default_factory=RealClock)


class Desk:
    """Takes up what people do."""

    def __init__(self, parts: Parts) -> None:
        self._p = parts
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._arriving = 0
        self._nobody_arrives = asyncio.Event()
        self._nobody_arrives.set()
        self._somebody: dict[str, Who] = {}  # of each workspace, the member who acted last

    @property
    def answering(self) -> Answering:
        """What brings its answers."""
        return self._p.answering

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it in a task of its own. Raises nothing."""
        task = asyncio.create_task(self._guarded(work), name="slack desk")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def keep(self, told: Told) -> bool:
        """Keep it until it is seen through; False when another has it in hand. Raises nothing."""
        self._arriving += 1
        self._nobody_arrives.clear()
        try:
            return await self._p.journal.keep(told)
        finally:
            self._arriving -= 1
            if not self._arriving:
                self._nobody_arrives.set()

    async def _give_way(self) -> None:
        """What waits for its acknowledgement goes first: whoever has theirs can wait a moment for what comes of it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GIVES_WAY):
                await self._nobody_arrives.wait()

    async def see_through(self, told: Told) -> None:
        """Do what was kept, to its end."""
        match told:
            case Said():
                await self.said(told)
            case Pressed():
                await self.pressed(told)
            case Filled():
                await self.filled(told)
        await self._p.journal.done(told)

    async def run(self) -> None:
        """Take up what processes that died have left, until cancelled."""

        async def again(told: Told) -> None:
            self.begin(self.see_through(told))

        await self._p.journal.run(again)

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def close(self) -> None:
        """See through what was acknowledged, as long as that takes no more than `GOODBYE`; then stop."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=GOODBYE)
        for task in (left := list(self._tasks)):
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._p.tails.close()
        await self._p.people.close()

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            async with self._places:
                await self._give_way()
                await work
        except Exception:
            log.exception("what Slack sent could not be handled")
        finally:
            work.close()  # where its turn never came

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
            return inbound.meaning(here, who, thread=_id(thread), app=app, attachments=files)

        if said.way == "reply" and not await self._concerns(said.where):
            return
        await self._through(said.where, said.key, mean)

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
            return inbound.press(did, who, _id(await self._known(who, did.where)))

        await self._through(did.where, did.key, mean)
        if did.where.view == "home":
            await self._p.homes.opened(did.where.workspace, did.where.user)

    async def filled(self, sent: Filled) -> None:
        """A form."""

        async def mean(who: Who) -> Inbound:
            await self._p.people.keep_names(who, sent.where.workspace, sent.people)
            where = await self._reachable(sent.where)
            return inbound.submission(replace(sent, where=where), who, _id(await self._known(who, where)))

        await self._through(sent.where, sent.key, mean)
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

    # -- how ----------------------------------------------------------------------------------------------------------------

    async def _through(self, where: Where, key: str, mean: Callable[[Who], Awaitable[Inbound | None]]) -> None:
        """Find out who it is and what they mean, do it, and bring the answer."""
        who: Who | None = None
        asked: Inbound | None = None
        try:
            try:
                who, asked = await self._meant(where, mean)
                if asked is None:
                    return
                await self._give_way()
                answer = await self._p.dialogue.handle(asked)
                await self._give_way()
            except Bot:
                return
            except NexusError as error:
                answer = Answer(text=error.message, error=True)
            await self._brought(where, answer, key=key, who=who, asked=asked)
        except Exception:
            log.exception("what somebody did in Slack could not be done", workspace=where.workspace, user=where.user, key=key)
            await self._p.answering.wrong(where)

    async def _meant(self, where: Where, mean: Callable[[Who], Awaitable[Inbound | None]]) -> tuple[Who, Inbound | None]:
        """Who it is and what they mean. Slack and the ledger are asked again when they cannot say: it was acknowledged, so nobody
        else does it."""
        for pause in (*PAUSES, None):
            try:
                who = await self._p.people.who(where.workspace, where.user)
                self._somebody[where.workspace] = who
                return who, await mean(who)
            except TemporaryError as error:
                if pause is None:
                    log.warning("what somebody did in Slack could not be looked into", user=where.user, reason=error.message)
                    raise TemporaryError(NOTHING_DONE) from error
                await self._p.clock.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def _brought(self, where: Where, answer: Answer, *, key: str, who: Who | None, asked: Inbound | None) -> None:
        try:
            await self._p.answering.give(where, answer, key=key, who=who, asked=asked)
        except NexusError as error:  # a log that cannot be followed, a file that Slack does not take
            log.info("an answer could not be given", user=where.user, reason=error.message)
            await self._p.answering.say(where, error.message)

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


def _id(thread: ThreadView | None) -> ThreadId | None:
    return thread.thread if thread is not None else None
