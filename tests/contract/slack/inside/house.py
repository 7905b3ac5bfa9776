"""A local Slack, and processes of the bot as far as they take in what people do: the real Bolt app over Socket Mode or signed
HTTP, the real dialogue, an engine that remembers what it was asked."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from aiohttp import web
from pydantic import SecretStr
from slack_bolt.authorization import AuthorizeResult

from adapters.slack.answering import Answering
from adapters.slack.app import slack_app
from adapters.slack.attachments import Attachments
from adapters.slack.calls import Calls, OneToken
from adapters.slack.desk import KINDS, Parts, SlackDesk
from adapters.slack.directs import Directs
from adapters.slack.home import Homes
from adapters.slack.http import add_slack
from adapters.slack.outbound import SlackChat
from adapters.slack.paths import EVENTS
from adapters.slack.people import SlackPeople
from adapters.slack.sockets import Sockets
from adapters.slack.tail import SlackTails
from core.conversation.dialogue import Dialogue
from core.conversation.fake_chat import MemoryInbox
from core.conversation.journal import Journal, Store
from core.conversation.ports import Marks, Members
from core.ids import ThreadId
from core.words.views import AppState
from tests.support import stories
from tests.support.desk_house import Engine as Engine
from tests.support.desk_house import KeptInMemory as KeptInMemory
from tests.support.desk_house import People as People
from tests.support.passing_clock import PassingClock
from tests.support.slack import LocalSlack, Message, SlackUser, Timings, View, render_text
from tests.unit.conversation.test_dialogue import THREAD


class SlackTime:
    """A clock that goes as Slack's does, on which nobody sleeps."""

    def __init__(self, slack: LocalSlack) -> None:
        self._slack = slack

    def now(self) -> float:
        return self._slack.clock.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@dataclass(kw_only=True)
class Process:
    """One process of the bot."""

    desk: SlackDesk
    homes: Homes
    tails: SlackTails
    people: SlackPeople
    calls: Calls
    clock: PassingClock


@dataclass(kw_only=True)
class House:
    """A local Slack with people in it, and processes of the bot."""

    slack: LocalSlack
    ada: SlackUser
    stack: AsyncExitStack
    engine: Engine = field(default_factory=Engine)
    inbox: Marks = field(default_factory=MemoryInbox)
    members: People | Members = field(default_factory=People)
    removed: list[tuple[str, str]] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    kept: Store = field(default_factory=lambda: KeptInMemory())

    async def process(self, *, sockets: bool = True, http: bool = False) -> Process:
        """Start a process, which Slack reaches by sockets or by signed requests."""
        team, clock = self.slack.workspace, PassingClock()
        tokens = OneToken(SecretStr(self.slack.bot_token))
        calls = Calls(tokens, base_url=self.slack.api_url, clock=clock)
        chat, directs = SlackChat(calls, clock=clock), Directs(calls)
        people = SlackPeople(calls, self.members, now=self.slack.clock.now)
        tails = SlackTails(calls, self.engine, self.inbox, directs, clock=clock)
        homes = Homes(calls, self.engine, people, self.members, link=chat.link, clock=SlackTime(self.slack))

        async def removed(workspace: str, why: str) -> None:
            self.removed.append((workspace, why))

        async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult | None:
            if team_id != team.id:
                return None
            return AuthorizeResult(
                enterprise_id=enterprise_id, team_id=team.id, bot_id=team.bot_id, bot_user_id=team.bot.id, bot_token="xoxb-0"
            )

        desk = SlackDesk(
            Parts(
                dialogue=Dialogue(self.engine, self.inbox),
                engine=self.engine,
                people=people,
                attachments=Attachments(calls, tokens, api_url=self.slack.api_url),
                answering=Answering(
                    calls,
                    self.inbox,
                    self.engine,
                    tails,
                    directs,
                    link=chat.link,
                    groups=people.groups,
                    api_url=self.slack.api_url,
                ),
                directs=directs,
                tails=tails,
                homes=homes,
                removed=removed,
                journal=Journal(self.kept, KINDS),
                clock=clock,
            )
        )
        app = slack_app(desk, authorize, signing_secret=self.slack.signing_secret, api_url=self.slack.api_url)
        self.stack.push_async_callback(calls.close)
        self.stack.push_async_callback(chat.close)
        self.stack.push_async_callback(desk.close)
        if http:
            site = web.Application()
            add_slack(site, app, signing_secret=SecretStr(self.slack.signing_secret))
            runner = web.AppRunner(site, access_log=None)
            await runner.setup()
            self.stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.slack.deliver_to(f"http://127.0.0.1:{runner.addresses[0][1]}{EVENTS}")
        elif sockets:
            keeping = asyncio.create_task(
                Sockets(app, SecretStr(self.slack.app_token), api_url=self.slack.api_url).run(), name="sockets"
            )

            async def stop() -> None:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)

            self.stack.push_async_callback(stop)
            await self.slack.wait_for_sockets(2 * (len(self.processes) + 1))
        made = Process(desk=desk, homes=homes, tails=tails, people=people, calls=calls, clock=clock)
        self.processes.append(made)
        return made

    async def settled(self) -> None:
        """Wait until everything that was acknowledged is seen through."""
        for process in self.processes:
            await process.desk.settled()

    # -- what is there -------------------------------------------------------------------------------------------------------

    @property
    def general(self) -> str:
        return self.slack.workspace.channel_id("#general")

    async def app_thread(self, thread: ThreadId = THREAD) -> str:
        """A thread in #general in which the todo app is talked about."""
        said = await self.ada.say("#general", "a todo app, please")
        self.engine.places[self.general, said.ts] = thread
        return said.ts

    def private(self, user: SlackUser, channel: str = "#general") -> list[Message]:
        """What only this person sees in a channel."""
        here = self.slack.workspace.channel_id(channel)
        return [one for one in self.slack.workspace.messages if one.channel == here and one.ephemeral_to == user.id]

    def told(self, user: SlackUser, channel: str = "#general") -> list[str]:
        """The same, as they read it."""
        return [render_text(one) for one in self.private(user, channel)]

    def direct(self, user: SlackUser) -> list[Message]:
        """What the bot wrote to this person alone."""
        bot = self.slack.workspace.bot.id
        return [one for one in self.slack.messages(user.dm) if one.user == bot]

    def modal(self, user: SlackUser) -> View:
        """The modal that they see."""
        return self.slack.views(user)[-1]

    def public(self) -> list[Message]:
        """What the bot wrote where others see it."""
        bot, channels = self.slack.workspace.bot.id, self.slack.workspace.channels
        return [
            one
            for one in self.slack.workspace.messages
            if one.user == bot and one.ephemeral_to is None and channels[one.channel].kind != "im"
        ]


async def furnished(stack: AsyncExitStack, *, timings: Timings | None = None, **house: object) -> House:
    """A house without a process."""
    slack = await stack.enter_async_context(LocalSlack(timings=timings))
    made = House(slack=slack, ada=slack.workspace.add_user("Ada"), stack=stack, **house)  # type: ignore[arg-type]
    made.engine.apps_there = [app.model_copy(update={"updated_at": stories.START}) for app in made.engine.apps_there]
    assert made.engine.apps_there[0].state is AppState.LIVE
    return made
