"""The composition root: the one place that constructs adapters and hands them to the engine.

Called by `bot.program` with the started platform, and by `bot.chats` with one that another process started. Nothing else imports an adapter
to make one; everything else is given what it needs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from adapters.api.app import Api, add_api
from adapters.api.authentication import Authentication
from adapters.api.tokens import Tokens
from adapters.browsers.chromium import Chromium
from adapters.databases.postgres import PostgresTenants
from adapters.hosts.process import ProcessHost
from adapters.packages.registries import Clients, RegistryIndex
from adapters.routers.caddy import CaddyRouter
from adapters.sandboxes.absent import NoWalls
from adapters.sandboxes.confined import ConfinedSandbox
from adapters.sandboxes.confinement import Confinement
from adapters.web.app import Web, add_web
from adapters.web.outbound import WebChat
from adapters.web.session import Sessions
from bot.chat_platform import ChatPlatform, Tell
from bot.discord import discord as discord_settings
from bot.platform.caddy import CaddyPlace
from bot.platform.data_folder import DataFolder
from bot.platform.parts import Parts, chromium
from bot.platform.postgres import PostgresPlace
from bot.settings import Settings
from bot.slack import slack as slack_settings
from bot.wiring_discord import discord_platform
from bot.wiring_face import Face, face_of
from bot.wiring_slack import slack_platform
from core.builds.work import BuildWork
from core.conversation.completion import complete
from core.conversation.outbox import Outbox
from core.deployments.work import DeploymentWork
from core.frameworks.registry import framework
from core.generation.pipeline import Pipeline
from core.hosting.edge import Edge
from core.ids import PrincipalId
from core.ledger.feed import Feed
from core.ledger.ledger import Ledger
from core.ledger.messages import Messages, SentRecord
from core.ledger.queue import WorkKind
from core.ledger.signins import Signins
from core.ledger.waking import Waker
from core.operations.app_work import AppWork
from core.operations.engine import Engine
from core.operations.notifying import Notifying
from core.operations.pruning import Pruning
from core.operations.reconcile import Reconciler
from core.operations.showing import Showing
from core.people import People
from core.verification.artifacts import ArtifactStore
from core.verification.verifier import Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Chats:
    """A process that serves chat platforms alone."""

    face: Face
    showing: Showing
    notifying: Notifying
    platforms: Sequence[ChatPlatform]
    site: web.Application


@dataclass(frozen=True, slots=True, kw_only=True)
class Nexus:
    """Everything, put together."""

    ledger: Ledger
    feed: Feed
    waker: Waker
    showing: Showing
    notifying: Notifying
    platforms: Sequence[ChatPlatform]
    reconciler: Reconciler
    app_work: AppWork
    pruning: Pruning
    verifier: Verifier
    store: ArtifactStore
    host: ProcessHost
    router: CaddyRouter
    tenants: PostgresTenants
    people: People
    engine: Engine
    sessions: Sessions
    tokens: Tokens
    edge: Edge
    signin_link: Callable[[PrincipalId], Awaitable[str]]  #: signs this principal in, once, within 15 minutes
    site: web.Application

    async def close(self) -> None:
        await self.router.close()
        await self.tenants.close()
        await self.ledger.close()


def wire(
    settings: Settings,
    data: DataFolder,
    parts: Parts,
    postgres: PostgresPlace,
    caddy: CaddyPlace,
    confinement: Confinement,
    *,
    tell: Tell,
) -> Nexus:
    """Put everything together; starts nothing. ``tell`` is told what whoever runs it should know of chat platforms."""
    face = face_of(settings, data, parts, postgres, caddy, confinement)
    ledger, feed, platform, engine = face.ledger, face.feed, face.platform, face.engine
    sandbox = ConfinedSandbox(confinement)
    found = chromium(settings.browser)
    browser = Chromium(found.path if found else None, sandbox, python=parts.python.path, folder=data.runtime / "b")
    verifier = Verifier(
        store=platform.store,
        sandbox=sandbox,
        host=face.host,
        tenants=face.tenants,
        prober=platform.prober,
        toolchain=platform.tools,
        platform_api_url=platform.edge.platform_api_url,
        browser=browser,
        allow_unconfined=settings.allow_unconfined,
    )
    tools = platform.tools
    index = RegistryIndex(Clients(node=tools.node, pnpm=tools.pnpm, uv=tools.uv))
    pipeline = Pipeline(framework, index=index)
    app_work = AppWork(platform)
    waker = Waker(
        ledger,
        {
            WorkKind.BUILD: BuildWork(ledger, feed, face.models, pipeline, verifier, places=settings.builds).advance,
            WorkKind.DEPLOYMENT: DeploymentWork(platform).advance,
            WorkKind.APP: app_work.advance,
        },
    )
    sessions = Sessions(Signins(ledger))
    tokens = Tokens(data.secret("tokens"))
    authentication = Authentication(tokens, engine)
    site = web.Application(client_max_size=4 * 1024 * 1024)
    add_web(
        site,
        Web(
            engine=engine,
            dialogue=face.dialogue,
            sessions=sessions,
            complete=complete,
            authenticate=authentication.who,
        ),
    )

    async def signin_link(principal: PrincipalId) -> str:
        return f"{platform.edge.base_url}/signin?token={await sessions.create_link(principal)}"

    add_api(site, Api(engine=engine, authentication=authentication, edge=platform.edge, signin_link=signin_link))
    platforms = _platforms(settings, data, face, tell) if settings.chats else []
    for one in platforms:
        one.add_to(site)
    chats = {one.chat.platform: one.chat for one in platforms}
    return Nexus(
        ledger=ledger,
        feed=feed,
        waker=waker,
        showing=Showing(ledger, feed, Outbox({"web": WebChat(Messages(ledger)), **chats}, SentRecord(ledger))),
        notifying=Notifying(ledger, feed, chats),
        platforms=platforms,
        reconciler=Reconciler(ledger, waker, app_work, face.tenants, platform.registry),
        app_work=app_work,
        pruning=Pruning(ledger, platform.store, face.host, platform.snapshots),
        verifier=verifier,
        store=platform.store,
        host=face.host,
        router=face.router,
        tenants=face.tenants,
        people=face.people,
        engine=engine,
        sessions=sessions,
        tokens=tokens,
        edge=platform.edge,
        signin_link=signin_link,
        site=site,
    )


# -- chat platforms ------------------------------------------------------------------------------------------------------------


def wire_chats(
    settings: Settings, data: DataFolder, parts: Parts, postgres: PostgresPlace, caddy: CaddyPlace, *, tell: Tell
) -> Chats:
    """Put together what a process needs that serves chat platforms alone, beside a Nexus that does the work; starts nothing.

    Raises:
        OperatorError: a platform is half configured.
    """
    face = face_of(settings, data, parts, postgres, caddy, NoWalls())
    platforms = _platforms(settings, data, face, tell)
    site = web.Application(client_max_size=1024 * 1024)
    for one in platforms:
        one.add_to(site)
    chats = {one.chat.platform: one.chat for one in platforms}
    return Chats(
        face=face,
        showing=Showing(face.ledger, face.feed, Outbox(chats, SentRecord(face.ledger))),
        notifying=Notifying(face.ledger, face.feed, chats),
        platforms=platforms,
        site=site,
    )


def _platforms(settings: Settings, data: DataFolder, face: Face, tell: Tell) -> list[ChatPlatform]:
    slack, discord = slack_settings(settings), discord_settings(settings)
    platforms = [slack_platform(slack, data, face, tell)] if slack is not None else []
    if discord is not None:
        platforms.append(discord_platform(discord, face, tell))
    return platforms
