"""Answers through a response url: to whom, in place of what, how often, and for how long."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.support.slack import LocalSlack, Message, SlackUser

BUTTON: list[dict[str, Any]] = [
    {"type": "actions", "elements": [{"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}]}
]


async def pressed(slack: LocalSlack, user: SlackUser, client: AsyncWebClient) -> tuple[Message, AsyncWebhookClient]:
    """A message whose button was pressed, and what answers it."""
    await client.chat_postMessage(channel="#general", text="before", blocks=BUTTON)
    message = slack.messages("#general")[-1]
    receipt = await user.press(message, "Go")
    return message, AsyncWebhookClient(receipt.payload["response_url"])


async def test_an_answer_to_a_command_is_for_one_person_unless_it_says_otherwise(slack: LocalSlack, ada: SlackUser) -> None:
    bob = slack.workspace.add_user("Bob")
    respond = AsyncWebhookClient((await ada.command("/nexus")).payload["response_url"])
    await respond.send(text="for you")
    await respond.send(text="for all", response_type="in_channel")
    assert [one.text for one in slack.messages("#general", user=ada)] == ["for you", "for all"]
    assert [one.text for one in slack.messages("#general", user=bob)] == ["for all"]


async def test_an_answer_to_a_button_says_whether_it_replaces(slack: LocalSlack, ada: SlackUser, client: AsyncWebClient) -> None:
    message, respond = await pressed(slack, ada, client)
    vague = await respond.send(text="x")
    assert (vague.status_code, "replace_original" in vague.body) == (400, True)
    await respond.send(text="beside", replace_original=False)
    await respond.send(text="after", replace_original=True)
    assert [one.text for one in slack.messages("#general", user=ada)] == ["after", "beside"]
    assert [one.text for one in message.edits] == ["before"]
    await respond.send_dict({"delete_original": True})
    assert slack.messages("#general") == []


async def test_what_only_one_person_sees_can_be_pressed_replaced_and_taken_away(
    slack: LocalSlack, ada: SlackUser, client: AsyncWebClient
) -> None:
    channel = slack.workspace.channel_id("#general")
    await client.chat_postEphemeral(channel=channel, user=ada.id, text="psst", blocks=BUTTON)
    [message] = slack.messages("#general", user=ada)
    bob = slack.workspace.add_user("Bob")
    with pytest.raises(AssertionError, match="does not see"):
        await bob.press(message, "Go")
    payload = (await ada.press(message, "Go")).payload
    assert payload["container"]["is_ephemeral"]
    assert "message" not in payload
    respond = AsyncWebhookClient(payload["response_url"])
    await respond.send(text="more", replace_original=True)
    assert [one.text for one in slack.messages("#general", user=ada)] == ["more"]
    await respond.send_dict({"delete_original": True})
    assert slack.messages("#general", user=ada) == []


async def test_a_response_url_is_good_five_times(slack: LocalSlack, ada: SlackUser) -> None:
    respond = AsyncWebhookClient((await ada.command("/nexus")).payload["response_url"])
    answers = [await respond.send(text=str(number)) for number in range(6)]
    assert [one.status_code for one in answers] == [200] * 5 + [404]
    assert answers[-1].body == "used_url"


async def test_a_response_url_is_good_for_half_an_hour(slack: LocalSlack, ada: SlackUser) -> None:
    respond = AsyncWebhookClient((await ada.command("/nexus")).payload["response_url"])
    slack.advance(1790)
    assert (await respond.send(text="just in time")).status_code == 200
    slack.advance(10)
    late = await respond.send(text="too late")
    assert (late.status_code, late.body) == (404, "expired_url")


async def test_an_answer_that_is_not_valid_is_refused_and_does_not_count(slack: LocalSlack, ada: SlackUser) -> None:
    respond = AsyncWebhookClient((await ada.command("/nexus")).payload["response_url"])
    for _ in range(6):
        bad = await respond.send(text="x", blocks=[{"type": "nothing"}])
        assert (bad.status_code, bad.body.startswith("invalid_blocks")) == (400, True)
    assert (await respond.send(text="good")).status_code == 200
