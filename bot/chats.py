"""The program behind ``nexus bot``: serves chat platforms, and nothing else, for the Nexus that runs on the same data folder.

Called by the CLI, in a process of its own. Any number of them may run beside each other and beside ``nexus up``: whatever is done once is
decided in the ledger, and a thread is shown by one process at a time. It takes in what people do, shows threads and tells channels; it
builds nothing, starts no app, and starts neither Postgres nor Caddy. While the Nexus it serves is down, it waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

import structlog
import yaml
from aiohttp import web
from sqlalchemy import text

from bot import wiring_discord, wiring_slack
from bot.chat_platform import Tell
from bot.discord import discord as discord_settings
from bot.doctor import Finding, Outcome
from bot.joining import LOOK_SECONDS, Joined, join, look, until_moved
from bot.platform.data_folder import DataFolder
from bot.platform.parts import find_parts
from bot.process import at_work, until_told_to_stop
from bot.settings import Settings
from bot.slack import slack as slack_settings
from bot.wiring import Chats, wire_chats
from core.errors import OperatorError, PortTaken, TemporaryError
from core.ledger.migrations import check
from core.words.check import Check

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 3.0  #: for requests in flight at the end
LOOPBACK = ("127.0.0.1", "::1")


async def serve(settings: Settings, data: DataFolder, *, port: int | None, tell: Tell) -> None:
    """Serve until told to stop. With ``port``, requests of chat platforms are taken there, for a balancer or a proxy.

    Raises:
        OperatorError: no platform is configured, half of one is, or one that sends requests has no port for them here.
    """
    _check(settings, port)
    told = asyncio.create_task(until_told_to_stop(), name="until told to stop")
    while (joined := await _unless(told, join(data, tell=tell))) is not None:
        try:
            async with serving(settings, data, joined, port=port, tell=tell):
                tell(f"Serving chats for the Nexus at {joined.url}.")
                if await _unless(told, _moved(data, joined)) is None:
                    tell("Stopping")
                    break
        except TemporaryError as error:  # it stops, or starts, at this very moment
            log.warning("the Nexus could not be joined; trying again", error=error.message)
            await asyncio.sleep(LOOK_SECONDS)
    await told


def _check(settings: Settings, port: int | None) -> None:
    slack, discord = slack_settings(settings), discord_settings(settings)
    if slack is None and discord is None:
        raise OperatorError(
            "No chat platform is configured: set SLACK_BOT_TOKEN and SLACK_APP_TOKEN (docs/slack.md says how), or DISCORD_TOKEN "
            "(docs/discord.md)."
        )
    if slack is not None and port is None and not slack.sockets:
        raise OperatorError(
            "Slack sends signed requests here, so this process needs a port for them: `nexus bot --port 8081`, behind a proxy with TLS. "
            "Or set SLACK_APP_TOKEN: Socket Mode needs none."
        )


async def _moved(data: DataFolder, joined: Joined) -> bool:
    await until_moved(data, joined)
    log.info("the Nexus moved; joining it anew")
    return True


async def _unless(told: asyncio.Task[None], work: Coroutine[Any, Any, Any]) -> Any:
    """What the work gives; None when it was told to stop before."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({told, task}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() and not told.done() else None
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def serving(settings: Settings, data: DataFolder, joined: Joined, *, port: int | None, tell: Tell) -> AsyncIterator[Chats]:
    """Chats, served for the length of the block; what was taken in by then is seen through."""
    async with contextlib.AsyncExitStack() as stack:
        parts = await find_parts(data)
        chats = wire_chats(settings, data, parts, joined.postgres, joined.caddy, tell=tell)
        stack.push_async_callback(chats.face.close)
        for platform in chats.platforms:
            stack.push_async_callback(platform.close)
        if port is not None:
            await stack.enter_async_context(_listening(chats, settings, port, tell))
        face = chats.face
        async with face.ledger.reading() as session:
            await check(session)
        worker = {"feed": face.feed.run(), "showing": chats.showing.run(), "notifying": chats.notifying.run()}
        await stack.enter_async_context(at_work(worker))
        for platform in chats.platforms:
            await stack.enter_async_context(platform.serving())
        yield chats


@contextlib.asynccontextmanager
async def _listening(chats: Chats, settings: Settings, port: int, tell: Tell) -> AsyncIterator[None]:
    async def healthz(request: web.Request) -> web.Response:
        try:
            async with chats.face.ledger.reading() as session:
                await session.execute(text("SELECT 1"))
        except TemporaryError as error:
            return web.json_response({"ok": False, "why": error.message}, status=503)
        return web.json_response({"ok": True})

    chats.site.router.add_get("/healthz", healthz)
    runner = web.AppRunner(chats.site, access_log=None, shutdown_timeout=DRAIN_SECONDS)
    await runner.setup()
    try:
        for host in [a.strip() for a in settings.bind.split(",")] if settings.bind else LOOPBACK:
            try:
                await web.TCPSite(runner, host or None, port).start()
            except OSError as error:
                if host == "::1":
                    continue  # a machine without IPv6
                raise PortTaken(
                    f"This process cannot listen on {host}:{port} ({error.strerror}). Choose another port with --port."
                ) from error
        tell(f"Taking requests at port {port}.")
        yield
    finally:
        await runner.cleanup()


def slack_manifest(*, url: str, command: str, as_json: bool) -> str:
    """The manifest of the app in Slack, to be pasted there."""
    made = wiring_slack.slack_manifest(url=url, command=command)
    return json.dumps(made, indent=2) + "\n" if as_json else yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=100)


async def findings(settings: Settings, folder: Callable[[], DataFolder]) -> list[Finding]:
    """What the doctor finds of the platforms that are configured. ``folder`` gives the data folder, where that is needed."""
    found: list[Finding] = []
    try:
        if (slack := slack_settings(settings)) is not None:
            data = folder()
            joined = await asyncio.to_thread(look, data)
            found += _found(await wiring_slack.slack_checks(slack, data, joined.postgres if joined is not None else None))
    except OperatorError as error:
        found.append(Finding(name="slack", outcome=Outcome.FAIL, found="half configured", remedy=error.message))
    try:
        if (discord := discord_settings(settings)) is not None:
            found += _found(await wiring_discord.discord_checks(discord))
    except OperatorError as error:
        found.append(Finding(name="discord", outcome=Outcome.FAIL, found="cannot be used as it is set", remedy=error.message))
    return found


def _found(checks: Sequence[Check]) -> list[Finding]:
    return [Finding(name=one.name, outcome=Outcome(one.verdict), found=one.found, remedy=one.remedy) for one in checks]


async def discord_invitation(settings: Settings, *, application: str, guild: str) -> str:
    """The link that adds the app to a server, and what it asks for there and why.

    Raises:
        OperatorError: there is neither an application's id nor a token, or Discord refuses the token.
        TemporaryError: Discord cannot be asked just now.
        InvalidInput: an id is none.
    """
    discord = discord_settings(settings) if not application else None
    if not application and discord is None:
        raise OperatorError(
            "Set DISCORD_TOKEN, or give the application's id: `nexus discord invite --application ID`. It is on the application's General "
            "Information page at https://discord.com/developers/applications."
        )
    return await wiring_discord.discord_invitation(discord, application=application, guild=guild)
