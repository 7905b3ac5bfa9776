"""The program behind ``nexus up``: starts the platform and the engine in order, runs until it is told to stop, and stops it all.

Called by the CLI, in a process of its own. What it starts it stops, in the opposite order, leaving no process; what survived a crash of an
earlier run is adopted. Apps that were running are running again at the next start.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from aiohttp import web
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from adapters.sandboxes.detect import detect
from bot.discord import discord
from bot.platform.caddy import LOOPBACK, EmbeddedCaddy
from bot.platform.data_folder import DataFolder
from bot.platform.orphans import Orphans
from bot.platform.parts import find_parts
from bot.platform.postgres import EmbeddedPostgres
from bot.process import at_work
from bot.settings import Settings
from bot.slack import slack
from bot.wiring import Nexus, wire
from bot.wiring_face import visible_programs
from core.approvals.approvals import expire
from core.errors import TemporaryError
from core.hosting.host import UnixAddress
from core.ids import LOCAL_USER
from core.ledger.migrations import migrate
from core.ledger.waking import holding
from core.tenants.tenants import TenantLimits
from core.words.walls import Isolation

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 3.0  #: for requests in flight at the end


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A started Nexus."""

    url: str
    signin: str  #: a one-time link for the local user
    isolation: Isolation
    walls: str  #: a sentence about the sandbox
    nexus: Nexus


def free_port() -> int:
    """A TCP port of loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def running(
    settings: Settings,
    data: DataFolder,
    *,
    port: int,
    say: Callable[[str], None] = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Running]:
    """A Nexus on this data folder for the length of the block; ``port`` 0 takes a free one. ``say`` gets what is done at the start,
    ``tell`` what whoever runs it should know of chat platforms, then and later.

    Raises:
        DataFolderError: another one runs on it, or a newer one has used it.
        PortTaken, MissingPart, DiskFull: with the remedy.
        OperatorError: a chat platform is half configured.
    """
    slack(settings)  # half a configuration is told before anything is started
    discord(settings)
    async with contextlib.AsyncExitStack() as stack:
        data.claim()
        stack.callback(data.release)
        orphans = Orphans()
        orphans.adopt()
        stack.callback(orphans.bury)
        stack.push_async_callback(_cancelled, asyncio.create_task(orphans.run(), name="orphans"))
        data.check_room()
        say("Looking for programs")
        parts = await find_parts(data, say=say)
        walls = asyncio.create_task(detect(programs=visible_programs(parts), forced=settings.sandbox or None))
        stack.push_async_callback(_cancelled, walls)
        say("Starting Postgres and the proxy")
        postgres = EmbeddedPostgres(data, bin=parts.postgres_bin)
        socket_path = data.runtime / "nexus.sock"
        caddy = EmbeddedCaddy(
            data,
            program=parts.caddy.path,
            port=port or free_port(),
            nexus=UnixAddress(path=socket_path),
            bind=tuple(a.strip() for a in settings.bind.split(",")) if settings.bind else LOOPBACK,
        )
        stack.push_async_callback(postgres.stop)
        stack.push_async_callback(caddy.stop)
        await _both(postgres.start(), caddy.start())
        confinement = await walls
        say("Preparing the ledger")
        nexus = wire(settings, data, parts, postgres, caddy, confinement, tell=tell)
        stack.push_async_callback(nexus.close)
        for platform in nexus.platforms:
            stack.push_async_callback(platform.close)
        await migrate(nexus.ledger.engine)
        stack.push_async_callback(nexus.app_work.stop_everything)
        await stack.enter_async_context(_serving(nexus, socket_path))
        await nexus.verifier.sweep()
        worker = {
            "feed": nexus.feed.run(),
            "waker": nexus.waker.run(),
            "showing": nexus.showing.run(),
            "notifying": nexus.notifying.run(),
            "ticks": _ticking(nexus),
        }
        await stack.enter_async_context(at_work(worker))
        say("Starting the apps")
        await nexus.app_work.sweep()
        await nexus.reconciler.works()
        await nexus.reconciler.apps()
        for platform in nexus.platforms:
            await stack.enter_async_context(platform.serving())
        you = await nexus.people.local(LOCAL_USER)
        data.publish(caddy.url)
        yield Running(
            url=caddy.url,
            signin=await nexus.signin_link(you.principal),
            isolation=confinement.isolation,
            walls=confinement.describe(),
            nexus=nexus,
        )


async def _both(first: Awaitable[object], second: Awaitable[object]) -> None:
    """Wait for both, and let neither run on when the other fails."""
    results = await asyncio.gather(first, second, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def _cancelled(task: asyncio.Task[object]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def _serving(nexus: Nexus, path: Path) -> AsyncIterator[None]:
    """The HTTP server, on a private socket behind the proxy."""
    runner = web.AppRunner(nexus.site, access_log=None, shutdown_timeout=DRAIN_SECONDS)
    await runner.setup()
    path.unlink(missing_ok=True)
    site = web.UnixSite(runner, str(path))
    await site.start()
    try:
        yield
    finally:
        await runner.cleanup()
        path.unlink(missing_ok=True)


async def _ticking(nexus: Nexus) -> None:
    """In-process ticks, in the one worker that holds the lock."""
    while True:
        with contextlib.suppress(TemporaryError):  # the lock was lost with Postgres: somebody ticks on when it is back
            async with holding(nexus.ledger, "ticks") as mine:
                if mine:
                    await _run_ticks(nexus)
        await asyncio.sleep(2.0)


async def _run_ticks(nexus: Nexus) -> None:
    scheduler = AsyncIOScheduler()

    def every(seconds: float, tick: Callable[[], Awaitable[object]]) -> None:
        async def guarded() -> None:
            try:
                await tick()
            except asyncio.CancelledError:  # Nexus stops; raised further, the scheduler would write it down as a fault
                return
            except Exception as error:
                log.warning("a tick failed and will come again", tick=tick.__qualname__, error=repr(error))

        scheduler.add_job(guarded, "interval", seconds=seconds, max_instances=1, coalesce=True, misfire_grace_time=None)

    async def limits() -> None:
        await nexus.tenants.end_overlong(TenantLimits())

    async def deadlines() -> None:
        await expire(nexus.ledger)

    every(3, nexus.reconciler.works)
    every(3, nexus.reconciler.apps)
    every(10, limits)
    every(5, deadlines)
    every(60, nexus.reconciler.quotas)
    every(60, nexus.host.trim_logs)
    every(60, nexus.reconciler.databases)
    every(600, nexus.app_work.sweep)
    every(15, nexus.verifier.sweep)
    every(600, nexus.pruning.prune)
    scheduler.start()
    try:
        await asyncio.Event().wait()
    finally:
        scheduler.shutdown(wait=False)
