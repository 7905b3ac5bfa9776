"""Answers for the one person who acted, brought by whichever way still works.

Called by `adapters.slack.desk` with an `Answer` and where its person acted. What everybody should see is not shown here: that
reaches the thread through events.

Ways, in order. In a thread: an ephemeral message there, then the ``response_url``, then a direct message. In a channel: the
``response_url`` first, since it works where the bot is no member. In a direct message: a message, which stays. From the Home tab:
a modal. A secret takes only the ways that leave nothing behind (ephemeral, modal) and is otherwise not shown at all; it is never
logged.

Files go to the person's direct messages, sources as .zip too: an answer is for whoever asked, and a thread tells all who follow
it of each file that is put there. Whoever wants others to have it shares it from there.

A form needs a trigger, which Slack takes for three seconds. After that the person gets a button that asks for the form again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp
import structlog
from slack_sdk.errors import SlackClientError
from slack_sdk.webhook.async_client import AsyncWebhookClient

from adapters.slack import inbound
from adapters.slack.calls import BASE_URL, Calls
from adapters.slack.directs import Directs
from adapters.slack.faults import SlackBusy, SlackRefusal
from adapters.slack.inbound import Where
from adapters.slack.render.blocks import Block, actions
from adapters.slack.render.buttons import LINK, Ids, button, link
from adapters.slack.render.card import render
from adapters.slack.render.form import modal
from adapters.slack.render.text import calm, clip, markup, pieces, web_url
from adapters.slack.uploads import upload
from core.conversation.ports import ChatEngine, Marks
from core.errors import NexusError, NotFound
from core.words.cards import Form
from core.words.inbound import Answer, Inbound, Who
from core.words.thread_ref import ThreadRef

log = structlog.get_logger(__name__)
# The SDK logs what is sent at DEBUG; that may be a secret.
_sdk_log = logging.getLogger("slack_sdk.quiet")
_sdk_log.setLevel(logging.INFO)

PATIENCE = 2.0  #: seconds that an answer waits for its turn before the next way is tried
SECTION = 3000
IN_MODALS = frozenset({"section", "context", "divider", "header", "actions", "image", "rich_text", "input"})
WRONG = "Something went wrong here; it is in Nexus's log."
NO_PLACE = "It is a secret, so it is shown only where it leaves nothing behind. Press it again in the app's thread."


class Follow(Protocol):
    """Starts to follow a log."""

    async def start(self, where: Where, who: Who, slug: str) -> str:
        """Returns what to say about it, empty when it can be seen where they are."""
        ...


class Answering:
    """Brings answers."""

    def __init__(
        self,
        calls: Calls,
        marks: Marks,
        engine: ChatEngine,
        follow: Follow,
        directs: Directs,
        *,
        link: Callable[[ThreadRef], Awaitable[str]],
        groups: Callable[[str], Awaitable[Sequence[tuple[str, str]]]],
        api_url: str = BASE_URL,
    ) -> None:
        self._calls = calls
        self._marks = marks
        self._engine = engine
        self._follow = follow
        self._link = link
        self._groups = groups
        self._directs = directs
        self._api_url = api_url

    async def give(self, where: Where, answer: Answer, *, key: str, who: Who | None = None, asked: Inbound | None = None) -> None:
        """Bring it, once: what was redelivered, to this process or another one, is answered one time."""
        empty = not (answer.text or answer.card or answer.form or answer.file or answer.follow)
        if empty or not await self._marks.first(f"{key}:answer"):
            return
        if answer.form is not None:
            await self._open(where, answer.form, asked)
        if answer.follow and who is not None:
            text = await self._follow.start(where, who, answer.follow)
            await self.say(where, text)
        if answer.file is not None:
            await self._send(where, answer.file.name, answer.file.content)
        way = await self._way_to_thread(where, answer, who)
        if answer.card is not None:
            shown = render(answer.card)
            await self._private(where, [*shown.blocks, *(way or ())], shown.text, secret=answer.secret)
            for name, whole in shown.rest:
                if not answer.secret:
                    await self._send(where, name, whole.encode())
        elif answer.text and way is not None:
            await self._private(where, [*paragraphs(answer.text), *way], fallback(answer.text), secret=answer.secret)

    async def say(self, where: Where, text: str, *, secret: bool = False) -> None:
        """A sentence or a few, for the one person."""
        if text:
            await self._private(where, paragraphs(text), fallback(text), secret=secret)

    async def wrong(self, where: Where) -> None:
        """A defect of ours."""
        await self.say(where, WRONG)

    # -- what is brought ------------------------------------------------------------------------------------------------------

    async def _way_to_thread(self, where: Where, answer: Answer, who: Who | None) -> Sequence[Block] | None:
        """A button that leads to the thread of which the answer speaks; None when that is before their eyes."""
        if answer.thread is None or answer.error or who is None:
            return ()
        try:
            ref = await self._engine.thread_ref(who, answer.thread)
        except NotFound:
            return ()
        if ref is None or ref.platform != inbound.PLATFORM:
            return ()
        if (ref.channel, ref.thread) == (where.channel, where.thread):
            return None
        url = web_url(await self._link(ref))
        return [actions([link(Ids(), "Open the thread", url) | {"action_id": f"{LINK}:thread"}])] if url else ()

    async def _open(self, where: Where, form: Form, asked: Inbound | None) -> None:
        asks_for_people = any(one.kind == "people" for one in form.inputs)
        groups = await self._groups(where.workspace) if asks_for_people else ()
        view = modal(form, metadata=inbound.remember(where), groups=groups)
        if where.trigger:
            try:
                await self._view(where, view)
                return
            except SlackRefusal as error:
                log.info("a form came too late", form=form.form, reason=error.error)
            except SlackBusy as error:
                if error.doubtful:
                    return
        value = inbound.later(asked, where) if asked is not None else ""
        if not value:
            await self.say(where, f"The form “{form.title}” could not be opened in time. Ask for it again.")
            return
        text = f"“{form.title}” needs a form."
        row = actions([button(Ids(), inbound.OPEN_FORM, "Open the form", value, style="primary")])
        await self._private(where, [*paragraphs(text), row], text)

    async def _view(self, where: Where, view: Mapping[str, Any]) -> None:
        method = "views.push" if where.view == "modal" else "views.open"
        await self._calls.call(where.workspace, method, patience=PATIENCE, urgent=True, trigger_id=where.trigger, view=view)

    async def _send(self, where: Where, name: str, content: bytes) -> None:
        channel = await self._directs.channel(where.workspace, where.user)
        await upload(self._calls, where.workspace, name, content, channel=channel)
        if channel != where.channel:
            await self.say(where, f"{name} is in your direct messages with Nexus.")

    # -- ways ----------------------------------------------------------------------------------------------------------------

    async def _private(self, where: Where, blocks: Sequence[Block], text: str, *, secret: bool = False) -> None:
        for way in self._ways(where, blocks, text, secret=secret):
            try:
                await way()
                return
            except SlackBusy as error:
                if error.doubtful:  # it may be there, and twice would be worse than not at all
                    log.warning("whether an answer arrived is not known", user=where.user, error=error.error)
                    return
            except NexusError as error:
                log.info("an answer takes another way", user=where.user, reason=error.message)
        if secret:
            await self._private(where, paragraphs(NO_PLACE), NO_PLACE)
            return
        log.warning("an answer could not be brought", workspace=where.workspace, user=where.user)

    def _ways(self, where: Where, blocks: Sequence[Block], text: str, *, secret: bool) -> list[Callable[[], Awaitable[None]]]:
        async def ephemeral() -> None:
            await self._calls.call(
                where.workspace,
                "chat.postEphemeral",
                patience=PATIENCE,
                channel=where.channel,
                user=where.user,
                thread_ts=where.thread if where.within else None,
                text=text,
                blocks=list(blocks),
            )

        async def respond() -> None:
            await _respond(where, blocks, text, api_url=self._api_url)

        async def post(channel: str, thread: str | None) -> None:
            await self._calls.call(
                where.workspace,
                "chat.postMessage",
                channel=channel,
                thread_ts=thread,
                text=text,
                blocks=list(blocks),
                unfurl_links=False,
                unfurl_media=False,
            )

        async def message_here() -> None:
            await post(where.channel, where.thread if where.within else None)

        async def message() -> None:
            await post(await self._directs.channel(where.workspace, where.user), None)

        async def view() -> None:
            await self._view(where, _view_of(where, blocks))

        here: list[Callable[[], Awaitable[None]]] = [view] if where.trigger and _fits_a_modal(where, blocks) else []
        if where.direct and not secret:
            here.append(message_here)
        elif where.channel:
            here.append(ephemeral)
        if where.response_url:
            # The bot may be no member of a channel; in a direct message what is said by the URL would not stay.
            here.insert(len(here) if where.within or where.direct else 0, respond)
        return here if secret else [*here, message]


def _fits_a_modal(where: Where, blocks: Sequence[Block]) -> bool:
    return bool(where.view or not where.channel) and {block["type"] for block in blocks} <= IN_MODALS


def fallback(text: str) -> str:
    """What a notification shows of these words."""
    return markup(clip(text, 600))


def paragraphs(text: str) -> list[Block]:
    """Words as they are: nothing in them is markup."""
    return [
        {"type": "section", "text": {"type": "plain_text", "text": piece, "emoji": False}}
        for piece in pieces(calm(text), SECTION)
        if piece.strip()
    ]


def _view_of(where: Where, blocks: Sequence[Block]) -> dict[str, Any]:
    """An answer as a modal with nothing to send."""
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": "Nexus"},
        "close": {"type": "plain_text", "text": "Close"},
        "private_metadata": json.dumps(inbound.remember(where)),
        "blocks": list(blocks),
    }


def is_hook(url: str, api_url: str) -> bool:
    """Whether answers may go to this address: hooks.slack.com, or the server that stands in for Slack."""
    own, there = urlsplit(api_url), urlsplit(url)
    if (there.scheme, there.netloc) == (own.scheme, own.netloc):
        return True
    return there.scheme == "https" and there.netloc == f"hooks.{(own.hostname or '').removeprefix('www.')}"


async def _respond(where: Where, blocks: Sequence[Block], text: str, *, api_url: str) -> None:
    """By the URL that came with what they did: five times, for half an hour.

    Raises:
        SlackBusy: Slack cannot be reached.
        SlackRefusal: the URL is used up, or the channel is gone, or it does not lead to Slack.
    """
    if not is_hook(where.response_url, api_url):
        raise SlackRefusal("The address for answers does not lead to Slack.", error="foreign_response_url")
    # No retries of the SDK's: they post twice when an answer is lost.
    client = AsyncWebhookClient(where.response_url, timeout=15, retry_handlers=[], trust_env_in_session=True, logger=_sdk_log)
    body: dict[str, Any] = {"response_type": "ephemeral", "replace_original": False, "text": text, "blocks": list(blocks)}
    if where.within:
        body["thread_ts"] = where.thread
    try:
        answer = await client.send_dict(body)
    except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
        unsent = isinstance(error, aiohttp.ClientConnectorError)
        raise SlackBusy("Slack cannot be reached.", error="unreachable", doubtful=not unsent) from error
    if answer.status_code != 200:
        raise SlackRefusal("Slack does not take the answer by that URL any more.", error=answer.body[:60])
