"""Discord's desk: what people do in Discord, seen through to the private answer.

Given values of `adapters.discord.inbound` by `adapters.discord.app`; how it goes on from there is `core.conversation.desk`. It
finds the server and the thread that something is about, fetches what was attached, asks whether they are sure, and opens forms
once more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from adapters.discord import completing, inbound
from adapters.discord.answering import Answering
from adapters.discord.attachments import Attachments
from adapters.discord.calls import Calls
from adapters.discord.completing import Offered
from adapters.discord.directs import Directs
from adapters.discord.drafts import Draft, Drafts
from adapters.discord.faults import DiscordRefusal
from adapters.discord.home import Homes
from adapters.discord.inbound import Filled, Pressed, Said, Sought, Told, Where
from adapters.discord.interactions import Interactions
from adapters.discord.people import DiscordPeople
from adapters.discord.ports import DiscordEngine
from adapters.discord.tail import DiscordTails
from core.conversation import checking
from core.conversation.confirming import confirmation
from core.conversation.desk import Desk, thread_id
from core.conversation.journal import Journal
from core.conversation.outbox import Clock, RealClock
from core.conversation.ports import Handles
from core.conversation.remembered import Known
from core.conversation.saying import meaning
from core.errors import Forbidden, NexusError, TemporaryError
from core.ids import ThreadId
from core.words.attachment import Attachment
from core.words.cards import Button, Confirm
from core.words.inbound import Action, Answer, Command, FormSubmit, Inbound, Who
from core.words.views import ThreadView

log = structlog.get_logger(__name__)

KINDS: Sequence[type[Told]] = (Said, Pressed, Filled)  #: what the journal keeps

HOPS: Final = 10  #: replies to replies that are followed to the message that a conversation begins with
GIVE_WAY: Final = 0.5  #: seconds in which another process may take a press on what it keeps
SURE: Final = Confirm(title="Are you sure?", text="It is done at once.", yes="Yes")
GONE: Final = "What was filled in is not kept any more. Ask for the form again."
CLOSED: Final = (
    "You may not write in #{channel}, so you cannot have it told of anything. Choose another channel, or ask its admins."
)
DANGEROUS: Final = frozenset({"stop", "discard", "delete"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the desk works with. ``removed`` is told of a server that removed Nexus, and why."""

    dialogue: Handles
    engine: DiscordEngine
    calls: Calls
    people: DiscordPeople
    attachments: Attachments
    interactions: Interactions
    drafts: Drafts
    answering: Answering
    directs: Directs
    tails: DiscordTails
    homes: Homes
    removed: Callable[[str, str], Awaitable[None]]
    journal: Journal[Told]
    clock: Clock = field(default_factory=RealClock)


class DiscordDesk(Desk[Told, Where]):
    """Takes up what people do in Discord."""

    platform = inbound.PLATFORM

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts.journal, parts.dialogue, clock=parts.clock)
        self._p = parts
        self._sent: dict[str, Filled] = {}  # forms that are being done, by their keys
        self._concern: Known[bool] = Known()  # whether a thread is Nexus's, as it was the last time
        self._drafts: dict[str, Draft] = {}  # what forms that are being opened are to be filled in with, likewise

    @property
    def answering(self) -> Answering:
        """What brings its answers."""
        return self._p.answering

    async def keep(self, told: Told) -> bool:
        if isinstance(told, Said) and told.way == "reply" and not await self._concerns(told.where):
            return False  # and nothing of it is written down
        arrived = self._p.interactions.now()
        if isinstance(told, Pressed) and told.action == inbound.OPEN_FORM and self._p.drafts.lacks(told):
            await self._p.clock.sleep(GIVE_WAY)
        ours = await super().keep(told)
        if ours and told.where.opens:
            self._p.interactions.expect(told.where, "update" if isinstance(told, Pressed) else "message", since=arrived)
        return ours

    async def close(self) -> None:
        """See through what was acknowledged, then stop."""
        await super().close()
        await self._p.interactions.close()
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
        return await self._p.people.who(where)

    async def give(self, where: Where, answer: Answer, *, key: str, who: Who | None, asked: Inbound | None) -> None:
        await self._p.answering.give(
            where, answer, key=key, who=who, asked=asked, sent=self._sent.get(key), draft=self._drafts.get(key)
        )

    async def say(self, where: Where, text: str) -> None:
        await self._p.answering.say(where, text)

    async def wrong(self, where: Where) -> None:
        await self._p.answering.wrong(where)

    # -- what is done -------------------------------------------------------------------------------------------------------

    async def said(self, said: Said) -> None:
        """Words."""

        async def mean(who: Who) -> Inbound | None:
            here = await self._here(said)
            if here.thread != said.where.thread:  # it belongs to another conversation, which may be of another server
                who = await self.who(replace(said.where, thread=here.thread))
            thread = await self._known(who, here)
            if said.way == "reply" and (thread is None or not thread.app):
                return None
            files: Sequence[Attachment] = await self._p.attachments.fetch(said.files)
            app = thread.app if thread is not None else ""
            asked = meaning(said, who, place=here.place, thread=thread_id(thread), app=app, attachments=files)
            if isinstance(asked, Command) and asked.text.strip() == inbound.SETTINGS:
                await self._p.answering.show(said.where, await self._p.homes.card(who, said.where), key=said.key)
                return None
            return asked

        await self.through(said.where, said.key, mean)

    async def pressed(self, did: Pressed) -> None:
        """A button, or a choice."""
        if did.action == inbound.OPEN_FORM:
            await self._opened_again(did)
            return
        if did.action == inbound.STOP_TAIL:
            try:
                await self._p.tails.stop(did.where, did.message)
            except NexusError as error:
                await self.say(did.where, error.message)
            return

        async def mean(who: Who) -> Inbound | None:
            here = await self._placed(did.where)
            thread = thread_id(await self._known(who, here))
            if did.asks:
                await self._ask(did, who, thread)
                return None
            return Action(who=who, key=did.key, action=did.action, value=did.value, thread=thread, place=here.place)

        await self.through(did.where, did.key, mean)

    async def filled(self, sent: Filled) -> None:
        """A form."""

        async def mean(who: Who) -> Inbound | Answer:
            if wrong := checking.problems(sent):
                return Answer(text="\n".join(wrong.values()), error=True)
            if sent.closed:
                raise Forbidden(CLOSED.format(channel=sent.closed[0]))
            await self._p.people.keep_names(who, sent.where, sent.people)
            here = await self._placed(sent.where)
            return FormSubmit(
                who=who,
                key=sent.key,
                form=sent.form,
                value=sent.value,
                values=sent.values,
                thread=thread_id(await self._known(who, here)),
                place=here.place,
                attachments=await self._p.attachments.fetch(sent.files),
            )

        self._sent[sent.key] = sent
        try:
            await self.through(sent.where, sent.key, mean)
        finally:
            del self._sent[sent.key]

    async def offered(self, sought: Sought) -> Sequence[Offered]:
        """What fits to what is being typed."""

        async def look(where: Where) -> tuple[Who, str]:
            who = await self._p.people.who(where)
            thread = await self._known(who, await self._p.people.settle(where))
            return who, thread.app if thread is not None else ""

        return await completing.offered(self._p.engine, sought, look)

    async def removed(self, workspace: str, why: str) -> None:
        """Nexus was removed from a server."""
        await self._p.removed(workspace, why)

    async def opened_again(self, workspace: str, channel: str = "", thread: str = "") -> None:
        """A thread, or a whole server, is open to Nexus that may have been closed when something was to be shown."""
        await self._p.engine.opened_again(self.platform, workspace, channel, thread)

    async def unread(self, channel: str, thread: str) -> None:
        """Somebody wrote in a thread, and Discord lets Nexus not read it: they are told once how they are heard."""
        if await self._p.engine.workspace_at(self.platform, channel, thread) is not None:
            await self._p.answering.unread(thread)

    async def _ask(self, did: Pressed, who: Who, thread: ThreadId | None) -> None:
        asks = await confirmation(self._p.engine, who, thread, did.action, did.value) or SURE
        style: str = "danger" if did.action in DANGEROUS else "primary"
        yes = Button.model_validate({"action": did.action, "value": did.value, "label": asks.yes, "style": style})
        await self._p.answering.ask(did.where, asks, yes, key=did.key)

    async def _opened_again(self, did: Pressed) -> None:
        """A form that came too late, or was refused."""
        draft = self._p.drafts.find(did.value, did.where.user)
        match self._p.drafts.asked(did):
            case Said() as said:
                await self.said(said)
            case Pressed() as again:
                if draft is not None:
                    self._drafts[did.key] = draft
                try:
                    await self.pressed(again)
                finally:
                    self._drafts.pop(did.key, None)
            case None:
                await self.say(did.where, GONE)

    # -- where it belongs --------------------------------------------------------------------------------------------------------

    async def _known(self, who: Who, where: Where) -> ThreadView | None:
        """The thread that Nexus has there."""
        place = where.place
        return await self._p.engine.thread_at(who, place) if place is not None and place.thread else None

    async def _placed(self, where: Where) -> Where:
        """The same, in a server, and in the direct messages with the person where Nexus cannot write."""
        settled = await self._p.people.settle(where)
        if settled.channel:
            return settled
        return replace(settled, channel=await self._p.directs.channel(where.user), direct=True)

    async def _here(self, said: Said) -> Where:
        """Where words are: in direct messages, they belong to the conversation in which they reply, or begin one."""
        where = said.where
        if not (where.direct and where.within and not where.token):
            return await self._placed(where)
        message = where.thread
        for _ in range(HOPS):
            if await self._p.engine.workspace_at(self.platform, where.channel, message) is not None:
                return await self._placed(replace(where, thread=message))
            above = await self._above(where.channel, message)
            if not above:
                break
            message = above
        return await self._placed(replace(where, thread=said.key.rpartition(":")[2], within=False))

    async def _above(self, channel: str, message: str) -> str:
        """The message to which one replies; empty where it replies to none, or is gone."""
        try:
            found = await self._p.calls.call(
                "GET", "/channels/{channel_id}/messages/{message_id}", channel_id=channel, message_id=message
            )
        except DiscordRefusal:
            return ""
        return str((found.get("message_reference") or {}).get("message_id") or "")

    async def _concerns(self, where: Where) -> bool:
        """Whether a plain reply stands in a thread of Nexus's: people talk in threads that are none of its business."""
        place = (where.channel, where.thread)
        try:
            self._concern.keep(place, await self._p.engine.workspace_at(self.platform, *place) is not None)
        except TemporaryError as error:
            log.info("whether a thread is Nexus's cannot be told just now", reason=error.message)
        return self._concern.get(place, True)  # of what cannot be told, it is asked again
