"""Using what a message or a view shows: finding the element that somebody means, and the payload that Slack sends of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.support.slack.content import INTERACTIVE, elements
from tests.support.slack.payloads import acting, channel_in_interaction, shown_message, shown_view
from tests.support.slack.rendering import render_text, text_of
from tests.support.slack.state import Json, Message, Person, View, Workspace

if TYPE_CHECKING:
    from tests.support.slack.server import LocalSlack


def interactive(shown: Message | View) -> Iterator[tuple[Json, Json]]:
    """Blocks and their elements that can be used."""
    blocks = [*shown.blocks]
    if isinstance(shown, Message):
        blocks += [block for attachment in shown.attachments for block in attachment.get("blocks", [])]
    for block in blocks:
        for element in elements(block):
            if element.get("type") in INTERACTIVE:
                yield block, element


def find(shown: Message | View, *, label: str = "", action_id: str = "", kinds: tuple[str, ...] = ()) -> tuple[Json, Json]:
    """The block and the element that is meant.

    Raises:
        AssertionError: there is none, or more than one; with what is shown.
    """
    found = [
        (block, element)
        for block, element in interactive(shown)
        if (not action_id or element["action_id"] == action_id)
        and (not label or text_of(element.get("text")) == label)
        and (not kinds or element["type"] in kinds)
    ]
    wanted = f"{label or action_id!r}"
    if not found:
        raise AssertionError(f"there is no {wanted} in:\n{render_text(shown)}")
    if len(found) > 1:
        raise AssertionError(f"there are {len(found)} of {wanted} in:\n{render_text(shown)}")
    return found[0]


def options(element: Json) -> list[Json]:
    """The options of a select, an overflow menu, radio buttons or checkboxes."""
    return [*element.get("options", []), *(one for group in element.get("option_groups", []) for one in group["options"])]


def option(element: Json, wanted: str) -> Json:
    """The option with this text, or this value."""
    for one in options(element):
        if wanted in (text_of(one["text"]), one.get("value")):
            return one
    raise AssertionError(f"there is no option {wanted!r} among {[text_of(one['text']) for one in options(element)]}")


def payload(
    slack: LocalSlack, team: Workspace, user: Person, shown: Message | View, block: Json, element: Json, value: Json
) -> Json:
    """``block_actions``, in a message or in a view. ``value`` is what the element adds to the action."""
    action: Json = {"type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"]}
    action |= value | {"action_ts": slack.clock.ts()}
    common = {"type": "block_actions", **acting(slack, team, user), "actions": [action]}
    if isinstance(shown, View):
        return common | {
            "trigger_id": slack.triggers.new(team.id, user.id, shown if shown.body["type"] == "modal" else None),
            "container": {"type": "view", "view_id": shown.id},
            "view": shown_view(team, shown),
        }
    channel = team.channels[shown.channel]
    container: Json = {
        "type": "message",
        "message_ts": shown.ts,
        "channel_id": channel.id,
        "is_ephemeral": shown.ephemeral_to is not None,
    }
    if shown.thread_ts:
        container["thread_ts"] = shown.thread_ts
    common |= {
        "trigger_id": slack.triggers.new(team.id, user.id),
        "container": container,
        "channel": channel_in_interaction(channel),
        "state": {"values": {}},
        "response_url": slack.triggers.response_url(slack.hooks_url, "actions", team.id, user.id, channel.id, shown),
    }
    if shown.ephemeral_to is None:
        common["message"] = shown_message(team, shown)
    return common
