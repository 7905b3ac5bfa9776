"""The Slack app: Bolt's `AsyncApp` with a listener for everything that the manifest asks Slack to tell.

Made once by the composition root, served by `adapters.slack.sockets` and `adapters.slack.http` alike. A listener reads what came, has it
kept (see `core.conversation.journal`), acknowledges, and hands on to the desk, which does the work in tasks of its own. A form is looked at
before for what can be told in no time: its errors stand beside the fields then; and a menu gets its options by the acknowledgement itself.

Whatever arrives is acknowledged, also what nobody asked for: Bolt would write the whole of it, with people's words, into the log.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, cast

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import inbound
from adapters.slack.calls import BASE_URL
from adapters.slack.desk import SlackDesk, Told
from adapters.slack.manifest import COMMAND, MESSAGE_SHORTCUT, SHORTCUT
from adapters.slack.render.form import errors, read
from core.conversation import checking

log = structlog.get_logger(__name__)

Body = Mapping[str, Any]
Authorize = Callable[[str | None, str | None], Awaitable[AuthorizeResult | None]]  #: (enterprise, team)

ANYTHING = re.compile(r".*", re.DOTALL)
NOT_INSTALLED = "Nexus is not installed in this workspace, or not any more. Whoever runs it can install it again."

# Bolt writes at DEBUG what people say, and at WARNING whatever it does not know.
_bolt_log = logging.getLogger("slack_bolt.quiet")
_bolt_log.setLevel(logging.ERROR)


def slack_app(
    desk: SlackDesk, authorize: Authorize, *, signing_secret: str = "", api_url: str = BASE_URL, command: str = COMMAND
) -> AsyncApp:
    """The app. Without a signing secret it serves sockets alone."""

    async def authorized(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        # Bolt gives arguments by these names, and takes None for a workspace in which the app is not installed.
        return cast(AuthorizeResult, await authorize(enterprise_id, team_id))

    with _without_environment():
        app = AsyncApp(
            name="nexus",
            logger=_bolt_log,
            signing_secret=signing_secret,
            authorize=authorized,
            client=AsyncWebClient(base_url=api_url, retry_handlers=[], logger=_bolt_log),
            user_facing_authorize_error_message=NOT_INSTALLED,
            # Without, Bolt acknowledges an event before its listener begins, and looks every 10 ms whether others have been.
            process_before_response=True,
        )
    _listen(app, desk, command)
    return app


@contextlib.contextmanager
def _without_environment() -> Iterator[None]:
    """Bolt reads variables of its own, and turns to OAuth by itself where it finds some; everything is given to it here."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("SLACK_")}
    try:
        yield
    finally:
        os.environ.update(kept)


def _listen(app: AsyncApp, desk: SlackDesk, command: str) -> None:
    @app.command(command)
    async def typed(ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        await _take(desk, ack, lambda: inbound.command(body, _workspace(context)))

    @app.shortcut(SHORTCUT)
    async def anywhere(ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        await _take(desk, ack, lambda: inbound.shortcut(body, _workspace(context)))

    @app.shortcut(MESSAGE_SHORTCUT)
    async def picked(ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        await _take(desk, ack, lambda: inbound.picked(body, _workspace(context)))

    @app.event("app_mention")
    @app.event("message")
    async def heard(ack: AsyncAck, event: Body, context: AsyncBoltContext) -> None:
        await _take(desk, ack, lambda: inbound.message(event, _workspace(context), context.bot_user_id or ""))

    @app.action(ANYTHING)
    async def pressed(ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        await _take(desk, ack, lambda: inbound.pressed(body, _workspace(context)))

    @app.view_submission(ANYTHING)
    async def filled(ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        wrong: Mapping[str, str] = {}

        def look() -> Told | None:
            nonlocal wrong
            form, value, values = read(body["view"])
            sent = inbound.filled(body, _workspace(context), form, value, values)
            wrong = checking.problems(sent)
            return None if wrong else sent

        async def acknowledge() -> None:
            if wrong:
                await ack(response_action="errors", errors=errors(body["view"], wrong)["errors"])
            else:
                await ack()

        await _take(desk, acknowledge, look)

    @app.event("app_home_opened")
    async def home(ack: AsyncAck, event: Body, context: AsyncBoltContext) -> None:
        await ack()
        if event.get("tab") == "home":
            desk.begin(desk.home_opened(_workspace(context), str(event.get("user", ""))))

    @app.event("app_uninstalled")
    async def uninstalled(ack: AsyncAck, context: AsyncBoltContext) -> None:
        await ack()
        desk.begin(desk.removed(_workspace(context), "the app was uninstalled"))

    @app.event("tokens_revoked")
    async def revoked(ack: AsyncAck, event: Body, context: AsyncBoltContext) -> None:
        await ack()
        if (event.get("tokens") or {}).get("bot"):
            desk.begin(desk.removed(_workspace(context), "its token was revoked"))

    async def acknowledged(ack: AsyncAck) -> None:
        await ack()

    @app.options(ANYTHING)
    async def typing(ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        await ack(await desk.offered(inbound.sought(body, _workspace(context))))

    app.event(ANYTHING)(acknowledged)
    app.shortcut(ANYTHING)(acknowledged)
    app.view_closed(ANYTHING)(acknowledged)
    app.command(ANYTHING)(acknowledged)


async def _take(desk: SlackDesk, ack: Callable[[], Awaitable[object]], read_payload: Callable[[], Told | None]) -> None:
    """Read it, keep it, acknowledge it, and have it done. What cannot be read is acknowledged too: it would only come again."""
    try:
        told = read_payload()
    except Exception:
        log.exception("what Slack sent could not be read")
        told = None
    ours = told is not None and await desk.keep(told)
    await ack()
    if told is not None and ours:
        desk.begin(desk.see_through(told))


def _workspace(context: AsyncBoltContext) -> str:
    return context.team_id or ""
