"""The real product with a local Slack in front of it, and people who use it there.

Used by the journeys in Slack and by ``bench/slack``. A `SlackHouse` is one Nexus on a data folder, processes of ``nexus bot`` beside
it where a test wants them, and a local Slack; a `Talk` is an app's thread as people read it. What tests know they see in Slack, as one
of the people, or get from the Nexus as any other journey does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass, field

from tests.support.bot_process import Bot
from tests.support.nexus import Nexus
from tests.support.slack import LocalSlack, Message, Receipt, SlackUser, View, render_text

SEEN_SECONDS = 60.0  #: in which something must be seen; builds on a busy machine take a while


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """An app's thread, as people read it."""

    slack: LocalSlack
    channel: str
    ts: str

    @property
    def said(self) -> list[Message]:
        """What everybody sees below the first message, in order."""
        return [one for one in self.slack.messages(self.channel, self.ts) if one.ts != self.ts]

    @property
    def cards(self) -> list[Message]:
        """What Nexus says there, in order: its cards, and files."""
        return [one for one in self.said if one.bot_id]

    @property
    def texts(self) -> list[str]:
        return [render_text(one) for one in self.cards]

    def showing(self, *words: str) -> list[Message]:
        """The cards that show all of these words now."""
        return [one for one in self.cards if all(word in render_text(one) for word in words)]

    async def card(self, *words: str, seconds: float = SEEN_SECONDS) -> Message:
        """The newest card that shows all of these words, once there is one."""
        found = await self.slack.wait_for(lambda: self.showing(*words), timeout=seconds, why=f"a card with {words}")
        return found[-1]

    async def over(self, count: int, *, seconds: float = SEEN_SECONDS) -> list[Message]:
        """The cards, once there are so many and all of them tell how it ended."""

        def look() -> list[Message]:
            cards = self.cards
            return cards if len(cards) >= count and not any("🔵" in text for text in self.texts) else []

        cards = await self.slack.wait_for(look, timeout=seconds, why=f"{count} cards that are over")
        assert count == len(cards), "\n---\n".join(self.texts)
        return cards

    def once(self) -> None:
        """No message is there twice: the key that each was posted with tells them apart."""
        keys = [json.dumps(one.metadata, sort_keys=True) for one in self.cards if one.metadata]
        assert len(keys) == len(set(keys)), "\n---\n".join(self.texts)


@dataclass(slots=True, kw_only=True)
class SlackHouse:
    """A Nexus, and a Slack in front of it."""

    slack: LocalSlack
    nexus: Nexus
    bots: list[Bot] = field(default_factory=list)

    # -- processes --------------------------------------------------------------------------------------------------------

    async def bot(self) -> Bot:
        """One more process of the bot, with its two sockets."""
        before = len([one for one in self.slack.sockets.live if not one.leaving])
        made = await Bot.begin(self.nexus)
        self.bots.append(made)
        try:
            await self.slack.wait_for_sockets(before + 2)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{made.said}") from None
        return made

    async def close(self) -> None:
        for bot in self.bots:
            if bot.alive:
                await bot.down()
        await self.nexus.close()

    def bot_of(self, receipt: Receipt) -> Bot:
        """The process that got what somebody did."""
        number = receipt.deliveries[0].attempts[-1].via.removeprefix("socket ")
        socket = next(one for one in self.slack.sockets.ever if str(one.number) == number)
        return self._bot_at(socket.transport.get_extra_info("peername")[1] if socket.transport is not None else 0)

    def writer(self, talk: Talk) -> Bot:
        """The process that wrote to the thread last."""
        wrote = [
            call
            for call in self.slack.calls
            if call.method in ("chat.update", "chat.postMessage")
            and call.args.get("channel") == talk.channel
            and talk.ts in (call.args.get("thread_ts"), self._thread_of(talk, call.args.get("ts")))
        ]
        return self._bot_at(wrote[-1].port)

    def _thread_of(self, talk: Talk, ts: object) -> str:
        return next((talk.ts for one in talk.said if one.ts == ts), "")

    def _bot_at(self, port: int) -> Bot:
        return next(bot for bot in self.bots if bot.alive and bot.has(port))

    # -- people -----------------------------------------------------------------------------------------------------------

    async def asked(self, user: SlackUser, text: str, channel: str = "#general") -> Talk:
        """``/nexus build text`` in a channel; returns the thread that opens."""
        before = set(self._roots(channel, user))
        receipt = await user.command("/nexus", f"build {text}", channel)
        assert receipt.acknowledged, receipt.error
        assert not receipt.error
        return await self.opened(user, channel, before=before)

    async def opened(self, user: SlackUser, channel: str = "#general", *, before: set[str] | None = None) -> Talk:
        """The thread that opens for somebody in a channel, other than those ``before``."""
        known = set() if before is None else before
        new = await self.slack.wait_for(
            lambda: [ts for ts in self._roots(channel, user) if ts not in known], why=f"a thread for {user.name} in {channel}"
        )
        assert 1 == len(new)
        return Talk(slack=self.slack, channel=user.team.channel_id(channel), ts=new[0])

    def _roots(self, channel: str, user: SlackUser) -> list[str]:
        return [one.ts for one in self.slack.messages(channel, user=user) if one.bot_id and f"<@{user.id}> asked" in one.text]

    def private(self, user: SlackUser) -> list[Message]:
        """What only this person sees, oldest first: ephemeral answers, and the bot's direct messages."""
        mine = user.dm
        return [
            one
            for one in user.team.messages
            if not one.deleted and one.bot_id and (one.ephemeral_to == user.id or (one.channel == mine and not one.ephemeral_to))
        ]

    async def told(self, user: SlackUser, act: Awaitable[Receipt], *words: str) -> Message:
        """Do something, and read the private answer with these words."""
        before = len(self.private(user))
        receipt = await act
        assert receipt.acknowledged, receipt.error
        found = await self.slack.wait_for(
            lambda: [one for one in self.private(user)[before:] if all(word in render_text(one) for word in words)],
            timeout=SEEN_SECONDS,
            why=f"{user.name} is told {words}",
        )
        return found[-1]

    async def form(self, user: SlackUser, act: Awaitable[Receipt], title: str) -> View:
        """Do something that opens a modal."""
        before = self.slack.views(user)
        receipt = await act
        assert receipt.acknowledged, receipt.error
        found = await self.slack.wait_for(
            lambda: [one for one in self.slack.views(user) if one not in before and one.title == title],
            why=f"a modal {title!r} for {user.name}",
        )
        return found[-1]

    async def home(self, user: SlackUser, *words: str) -> View:
        """The Home tab of somebody who has opened it, once it shows these words."""

        def look() -> View | None:
            view = self.slack.home(user)
            return view if view is not None and all(word in render_text(view) for word in words) else None

        try:
            return await self.slack.wait_for(look, why=f"the Home tab of {user.name} shows {words}")
        except AssertionError as error:
            view = self.slack.home(user)
            raise AssertionError(f"{error}\nit shows:\n{render_text(view) if view is not None else 'nothing'}") from None

    # -- secrets ----------------------------------------------------------------------------------------------------------

    def seen_by_others(self, user: SlackUser) -> str:
        """All that anybody but this person was ever shown, and all that was sent to Slack but what only they see."""
        mine = user.dm
        shown: list[object] = [
            [one.text, one.blocks, one.attachments, [[old.text, old.blocks] for old in one.edits]]
            for one in user.team.messages
            if one.ephemeral_to != user.id
        ]
        shown += [view.body for view in user.team.views() if view.user != user.id]
        shown += [file.content.decode(errors="replace") for file in self.slack.files(user.team)]
        shown += [
            call.args
            for call in self.slack.calls
            if not (call.method == "chat.postEphemeral" and call.args.get("user") == user.id)
            and not (call.method.startswith("views.") and call.method != "views.publish")
        ]
        shown += [one.text for one in user.team.messages if one.channel == mine]
        return json.dumps(shown, ensure_ascii=False)


def settings(slack: LocalSlack, *, sockets: bool = True) -> dict[str, str]:
    """The environment of a Nexus, or of a bot, that this Slack is configured in."""
    way = {"SLACK_APP_TOKEN": slack.app_token} if sockets else {"SLACK_SIGNING_SECRET": slack.signing_secret}
    return {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_API_URL": slack.api_url, **way}


@contextlib.asynccontextmanager
async def house(slack: LocalSlack, nexus: Nexus, *, bots: int = 0) -> AsyncIterator[SlackHouse]:
    """A started Nexus for this Slack. At the end nothing is left of it, and its log tells of no fault."""
    made = SlackHouse(slack=slack, nexus=nexus)
    try:
        await nexus.up()
        for _ in range(bots):
            await made.bot()
        yield made
        for bot in made.bots:
            if bot.alive:
                await bot.down()
        await nexus.down()
        assert nexus.faults() == [], json.dumps(nexus.faults(), indent=1)
    finally:
        await made.close()


def press_each(people: Sequence[SlackUser], shown: Message, label: str) -> Awaitable[list[Receipt]]:
    """All of them press the same button at the same moment."""
    return asyncio.gather(*(one.press(shown, label) for one in people))
