"""The Home tab: published when somebody opens it, after what they do, and, while they may still be looking, when apps change.

Called by `adapters.slack.desk`; `run` is one of the worker's tasks. Each process knows whose tab was opened by way of it in the
last minutes, and publishes for those alone; a tab that would show the same is not published again. What it shows is
`adapters.slack.render.home`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import structlog

from adapters.slack.calls import Calls
from adapters.slack.inbound import PLATFORM
from adapters.slack.people import SlackPeople
from adapters.slack.render.home import MAX_APPS, Home, home
from core.conversation.answers import workspace_facts
from core.conversation.desk import Bot
from core.conversation.outbox import Clock, RealClock
from core.conversation.ports import ChatEngine, Members
from core.errors import NexusError
from core.words.inbound import Who
from core.words.thread_ref import ThreadRef
from core.words.views import AppState, AppView

log = structlog.get_logger(__name__)

LOOKING = 900.0  #: seconds after it was opened, or used, in which somebody may still be looking at it
MOST = 200  #: people whose tab is kept up to date by one process
PAUSE = 3.0  #: seconds between looks at what has changed

Person = tuple[str, str]  #: workspace and user


class Homes:
    """Home tabs."""

    def __init__(
        self,
        calls: Calls,
        engine: ChatEngine,
        people: SlackPeople,
        members: Members,
        *,
        link: Callable[[ThreadRef], Awaitable[str]],
        clock: Clock | None = None,
    ) -> None:
        self._calls = calls
        self._engine = engine
        self._people = people
        self._members = members
        self._link = link
        self._clock = clock or RealClock()
        self._looking: dict[Person, float] = {}
        self._shown: dict[Person, str] = {}
        self._lines: dict[Person, asyncio.Lock] = {}

    async def opened(self, workspace: str, user: str) -> None:
        """Somebody opened it."""
        person = (workspace, user)
        self._looking.pop(person, None)
        self._looking[person] = self._clock.now()
        self._shown.pop(person, None)  # whatever another process has shown them since
        while len(self._looking) > MOST:
            self._forget(next(iter(self._looking)))
        await self.publish(workspace, user)

    async def acted(self, workspace: str, user: str) -> None:
        """Somebody did something, perhaps by way of a form that was opened in it."""
        if (workspace, user) in self._looking:
            await self.publish(workspace, user)

    async def publish(self, workspace: str, user: str) -> None:
        """Show what there is now; nothing when they see that already, or it cannot be shown just now."""
        person = (workspace, user)
        async with self._lines.setdefault(person, asyncio.Lock()):
            try:
                who = await self._people.who(workspace, user)
                view = await self._view(who, person)
                shown = hashlib.sha256(json.dumps(view, sort_keys=True).encode()).hexdigest()
                if self._shown.get(person) == shown:
                    return
                await self._calls.call(workspace, "views.publish", user_id=user, view=view)
                self._shown[person] = shown
            except Bot:
                self._forget(person)
            except NexusError as error:
                log.info("a Home tab could not be shown", workspace=workspace, user=user, reason=error.message)

    async def run(self, wakes: AsyncGenerator[None, None]) -> None:
        """Publish when something has changed, until cancelled."""
        async with contextlib.aclosing(wakes):
            async for _ in wakes:
                for person, since in list(self._looking.items()):
                    if self._clock.now() - since > LOOKING:
                        self._forget(person)
                        continue
                    try:
                        await self.publish(*person)
                    except Exception:
                        log.exception("a Home tab could not be shown", user=person[1])
                await self._clock.sleep(PAUSE)

    def _forget(self, person: Person) -> None:
        self._looking.pop(person, None)
        self._shown.pop(person, None)
        self._lines.pop(person, None)

    async def _view(self, who: Who, person: Person) -> dict[str, Any]:
        apps, settings, usage, subscriptions, admin = await asyncio.gather(
            self._engine.apps(who),
            self._engine.workspace(who),
            self._engine.workspace_usage(who),
            self._engine.subscriptions(who),
            self._people.is_admin(*person),
        )
        there = [app for app in apps if app.state is not AppState.DELETED]
        names = await self._members.names(who, settings.named_approvers)
        links = await asyncio.gather(*(self._thread(who, app) for app in there[: 2 * MAX_APPS]))
        shown = Home(
            apps=there,
            settings=settings,
            may_change=admin,
            approvers=[names.get(one, one) for one in settings.named_approvers],
            links=dict(link for link in links if link[1]),
            subscriptions=subscriptions,
            usage=workspace_facts(usage, settings),
        )
        return home(shown)

    async def _thread(self, who: Who, app: AppView) -> tuple[str, str]:
        """The slug, and the address of the app's thread where it has one in Slack."""
        ref = await self._engine.thread_ref(who, app.thread) if app.thread is not None else None
        return app.slug, await self._link(ref) if ref is not None and ref.platform == PLATFORM else ""
