"""What arrives at a response url: an answer to one person, to the channel, or in place of the message they acted on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.slack.api import Refused, Request
from tests.support.slack.api_chat import remember
from tests.support.slack.content import MAX_TEXT, message_content
from tests.support.slack.state import Json, Message, Workspace
from tests.support.slack.triggers import ResponseUrl

if TYPE_CHECKING:
    from tests.support.slack.server import LocalSlack


class Gone(Exception):
    """``expired_url`` or ``used_url``."""


def respond(slack: LocalSlack, ticket: str, body: Json) -> None:
    """Do what the app asks.

    Raises:
        Gone: the url is too old, was used five times, or never was.
        Refused: the content is not valid.
    """
    url = slack.triggers.response_urls.get(ticket)
    if url is None or slack.clock.now() >= url.expires:
        raise Gone("expired_url")
    if url.posts_left <= 0:
        raise Gone("used_url")
    show(slack, slack.workspaces[url.team], url, body)
    url.posts_left -= 1
    slack.poke()


def show(slack: LocalSlack, team: Workspace, url: ResponseUrl, body: Json) -> Message | None:
    """Show an answer; None when it deleted the original."""
    original = url.original
    if body.get("delete_original"):
        if original is None:
            raise Refused("invalid_arguments", "there is no original to delete")
        slack.delete_message(original)
        return None
    if original is not None and "replace_original" not in body:
        # Slack's default has changed over the years and differs by kind of message: an app that does not say leaves it to chance.
        raise Refused("invalid_arguments", "an answer to a button says replace_original, true or false")
    content = message_content(Request(slack=slack, method="response_url", args=dict(body), team_or_none=team), limit=MAX_TEXT)
    if body.get("replace_original") and original is not None:
        remember(original, slack.clock.now())
        original.text = content.get("text", "")
        original.blocks = content.get("blocks", [])
        slack.changed_message(original)
        return original
    message = Message(
        ts=slack.clock.ts(),
        team=team.id,
        channel=url.channel,
        user=team.bot.id,
        bot_id=team.bot_id,
        thread_ts=str(body["thread_ts"]) if body.get("thread_ts") else None,
        ephemeral_to=None if body.get("response_type") == "in_channel" else url.user,
        **content,
    )
    slack.add_message(message)
    return message
