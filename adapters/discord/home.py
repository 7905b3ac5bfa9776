"""The workspace's card, for the person who asked for it: their apps, and what their server has decided.

Called by `adapters.discord.desk` for ``/nexus settings``. What Slack shows in its Home tab, Discord has no place for, so that it
is an answer: it shows what is true when it is asked for. How it looks is `adapters.discord.render.home`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from adapters.discord.inbound import PLATFORM, Where
from adapters.discord.people import DiscordPeople
from adapters.discord.ports import DiscordEngine, Members
from adapters.discord.render.card import Rendered
from adapters.discord.render.home import MAX_APPS, home
from core.conversation.answers import workspace_facts
from core.conversation.presenter.overview import Overview, by_urgency
from core.words.inbound import Who
from core.words.thread_ref import ThreadRef
from core.words.views import AppView


class Homes:
    """Makes the card."""

    def __init__(
        self,
        engine: DiscordEngine,
        people: DiscordPeople,
        members: Members,
        *,
        link: Callable[[ThreadRef], Awaitable[str]],
    ) -> None:
        self._engine = engine
        self._people = people
        self._members = members
        self._link = link

    async def card(self, who: Who, where: Where) -> Rendered:
        """What there is now.

        Raises:
            NexusError: it cannot be told.
        """
        apps, settings, usage, subscriptions, admin = await asyncio.gather(
            self._engine.apps(who),
            self._engine.workspace(who),
            self._engine.workspace_usage(who),
            self._engine.subscriptions(who),
            self._people.is_admin(where),
        )
        there = by_urgency(apps)
        names = await self._members.names(who, settings.named_approvers)
        server = await self._people.called((await self._people.settle(where)).workspace)
        links = await asyncio.gather(*(self._thread(who, app) for app in there[:MAX_APPS]))
        return home(
            Overview(
                apps=there,
                settings=settings,
                may_change=admin,
                approvers=[names.get(one, one) for one in settings.named_approvers],
                links=dict(link for link in links if link[1]),
                subscriptions=subscriptions,
                usage=workspace_facts(usage, settings),
                name=server,
            )
        )

    async def _thread(self, who: Who, app: AppView) -> tuple[str, str]:
        """The slug, and the address of the app's thread where it has one in Discord."""
        ref = await self._engine.thread_ref(who, app.thread) if app.thread is not None else None
        return app.slug, await self._link(ref) if ref is not None and ref.platform == PLATFORM else ""
