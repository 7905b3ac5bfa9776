"""Signed HTTP: what Slack sends when there is no socket, and the pages of an installation.

`add_slack` is called by the composition root with the site that Nexus serves, or that a bot process serves by itself. Everything goes
through Bolt, which handles it as it handles a socket's envelopes. A request without Slack's signature, with one that is more than five
minutes old, or larger than anything that Slack sends, is refused before anything of it is parsed.

The signature is looked at here although Bolt looks at it as well: Bolt answers a timestamp that is no number with a fault, and writes
the whole body of what it refuses into the log.
"""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

import aiohttp
import structlog
from aiohttp import web
from pydantic import SecretStr
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier

from adapters.slack.paths import EVENTS, INSTALL, OAUTH_REDIRECT
from core.errors import NexusError

log = structlog.get_logger(__name__)

MAX_BODY = 1_000_000  #: bytes; the largest that Slack sends is a form, some ten thousand

_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def add_slack(
    site: web.Application,
    app: AsyncApp,
    *,
    signing_secret: SecretStr | None,
    oauth: AsyncOAuthFlow | None = None,
    taking: Callable[[], bool] = lambda: True,
) -> None:
    """Add the routes that are configured; the others stay 404. While ``taking`` says no, as at the end, Slack is asked to come again."""
    if signing_secret is not None:
        site.router.add_post(EVENTS, _events(app, SignatureVerifier(signing_secret.get_secret_value()), taking))
    if oauth is not None:
        site.router.add_get(INSTALL, _install(oauth))
        site.router.add_get(OAUTH_REDIRECT, _redirect(oauth))


Handler = Callable[[web.Request], Awaitable[web.Response]]


def _events(app: AsyncApp, verifier: SignatureVerifier, taking: Callable[[], bool]) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        if (request.content_length or 0) > MAX_BODY:
            raise web.HTTPRequestEntityTooLarge(max_size=MAX_BODY, actual_size=request.content_length or 0)
        body = await request.read()
        if not _genuine(verifier, body, request):
            if parse_qs(body[:2000].decode(errors="replace")).get("ssl_check") == ["1"]:
                return web.Response()  # Slack looks whether the certificate is good, and signs nothing
            log.warning("a request to Slack's address without Slack's signature was refused", length=len(body))
            return web.json_response({"error": "This is not signed by Slack, or more than five minutes ago."}, status=401)
        if not taking():
            return web.json_response({"error": "Nexus is being stopped or started; send it again."}, status=503)
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    return handle


def _genuine(verifier: SignatureVerifier, body: bytes, request: web.Request) -> bool:
    try:
        return verifier.is_valid(
            body=body,
            timestamp=request.headers.get("X-Slack-Request-Timestamp"),
            signature=request.headers.get("X-Slack-Signature"),
        )
    except (ValueError, TypeError):  # a timestamp that is no number, a body that is no text, a signature that is no ASCII
        return False


def _install(oauth: AsyncOAuthFlow) -> Handler:
    return _page(oauth.handle_installation)


def _redirect(oauth: AsyncOAuthFlow) -> Handler:
    return _page(oauth.handle_callback)


def _page(make: Callable[[AsyncBoltRequest], Awaitable[BoltResponse]]) -> Handler:
    """A page of an installation, whatever goes wrong."""

    async def handle(request: web.Request) -> web.Response:
        try:
            answer = await make(await to_bolt_request(request))
        except NexusError as error:
            answer = page(503, "Nexus was not installed", error.message)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.warning("Slack could not be asked about an installation", error=repr(error)[:300])
            answer = page(503, "Nexus was not installed", "Slack is not reachable just now. Begin again in a minute.")
        response = await to_aiohttp_response(answer)
        response.headers.update(_PAGE_HEADERS)
        return response

    return handle


def page(status: int, title: str, text: str) -> BoltResponse:
    """A page of one sentence, with the way to begin again where it failed."""
    again = f'<p><a href="{INSTALL}">Begin again</a></p>' if status >= 400 else ""
    body = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><h1>{html.escape(title)}</h1><p>{html.escape(text)}</p>{again}</html>"
    )
    return BoltResponse(status=status, body=body, headers={"content-type": "text/html; charset=utf-8"})
