"""Socket Mode of the local Slack, with the real Bolt on the other end."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.slack import LocalSlack, SlackUser, render_text
from tests.support.slack.deliveries import Delivery
from tests.unit.slack_server.conftest import Connect, bolt

BUTTONS: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "Ready?"}},
    {
        "type": "actions",
        "elements": [{"type": "button", "action_id": "go", "value": "1", "text": {"type": "plain_text", "text": "Go"}}],
    },
]
MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "ask",
    "title": {"type": "plain_text", "text": "Ask"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "name",
            "label": {"type": "plain_text", "text": "Name"},
            "element": {"type": "plain_text_input", "action_id": "value"},
        }
    ],
}


def has_failed(delivery: Delivery, number: int) -> bool:
    return any(one.number == number and one.failure for one in delivery.attempts)


async def test_a_command_is_acknowledged_and_answered(slack: LocalSlack, ada: SlackUser, connect: Connect) -> None:
    app = bolt(slack)

    @app.command("/nexus")
    async def nexus(ack: Any, say: Any, command: Any) -> None:
        await ack("On it")
        await say(f"You said {command['text']}", blocks=BUTTONS)

    await connect(app, slack)
    receipt = await ada.command("/nexus", "help")
    assert receipt.acknowledged
    assert not receipt.error
    assert receipt.message is not None
    assert receipt.message.ephemeral_to == ada.id
    assert render_text(receipt.message) == "On it"
    [message] = await slack.wait_for(lambda: slack.messages("#general"))
    assert message.text == "You said help"
    assert render_text(message) == "Ready?\n[Go]"


async def test_a_press_opens_a_modal_and_its_submission_comes_back(slack: LocalSlack, ada: SlackUser, connect: Connect) -> None:
    app, submitted = bolt(slack), []

    @app.action("go")
    async def go(ack: Any, body: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @app.view("ask")
    async def ask(ack: Any, view: Any) -> None:
        submitted.append(view["state"]["values"]["name"]["value"]["value"])
        if submitted == ["x"]:
            await ack(response_action="errors", errors={"name": "Longer, please."})
        else:
            await ack()

    await connect(app, slack)
    await app.client.chat_postMessage(channel="#general", text="Ready?", blocks=BUTTONS)
    [message] = slack.messages("#general")
    await ada.press(message, "Go")
    [view] = await slack.wait_for(lambda: slack.views(ada))
    assert (await ada.submit(view)).errors == {"Name": "Please complete this required field."}
    assert (await ada.submit(view, {"Name": "x"})).errors == {"Name": "Longer, please."}
    assert slack.views(ada) == [view]
    receipt = await ada.submit(view, {"Name": "xyz"})
    assert receipt.acknowledged
    assert slack.views(ada) == []
    assert submitted == ["x", "xyz"]


async def test_a_trigger_opens_one_view_and_only_for_three_seconds(slack: LocalSlack, ada: SlackUser, connect: Connect) -> None:
    app, errors = bolt(slack), []

    @app.action("go")
    async def go(ack: Any, body: Any, client: Any) -> None:
        await ack()
        for later in (0, 0, 3):
            slack.advance(later)
            try:
                await client.views_open(trigger_id=body["trigger_id"], view=MODAL)
            except SlackApiError as error:
                errors.append(error.response["error"])

    @app.shortcut("late")
    async def late(ack: Any, body: Any, client: Any) -> None:
        await ack()
        slack.advance(3)
        try:
            await client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        except SlackApiError as error:
            errors.append(error.response["error"])

    await connect(app, slack)
    await app.client.chat_postMessage(channel="#general", text="Ready?", blocks=BUTTONS)
    await ada.press(slack.messages("#general")[0], "Go")
    await slack.wait_for(lambda: len(errors) == 2)
    await ada.shortcut("late")
    await slack.wait_for(lambda: len(errors) == 3)
    assert errors == ["exchanged_trigger_id", "exchanged_trigger_id", "expired_trigger_id"]


async def test_a_mention_is_heard_as_a_mention_and_as_a_message(slack: LocalSlack, ada: SlackUser, connect: Connect) -> None:
    app, heard = bolt(slack), []

    @app.event("app_mention")
    async def mentioned(event: Any, body: Any) -> None:
        heard.append((event["type"], event["text"], body["event_id"]))

    @app.event("message")
    async def message(event: Any, body: Any) -> None:
        heard.append((event["type"], event["text"], body["event_id"]))

    await connect(app, slack)
    receipt = await ada.mention("#general", "build a < b")
    await slack.wait_for(lambda: len(heard) == 2)
    assert receipt.acknowledged
    assert sorted(kind for kind, _, _ in heard) == ["app_mention", "message"]
    assert {text for _, text, _ in heard} == {f"<@{slack.workspace.bot.id}> build a &lt; b"}
    assert len({event_id for _, _, event_id in heard}) == 2


async def test_an_event_that_nobody_acknowledges_comes_again_in_another_envelope(hasty: LocalSlack, connect: Connect) -> None:
    app, heard, ada = bolt(hasty), [], hasty.workspace.add_user("Ada")

    @app.event("message")
    async def message(body: Any, request: Any) -> None:
        heard.append((body["event_id"], dict(request.headers)))

    await connect(app, hasty)
    hasty.sockets.live[0].frozen = True
    receipt = await ada.say("#general", "hello")
    assert not receipt.acknowledged
    [delivery] = receipt.deliveries
    await hasty.wait_for(lambda: len(delivery.attempts) == 2)
    hasty.sockets.live[0].frozen = False
    await hasty.wait_for(lambda: delivery.attempts[1].failure)
    hasty.advance(60)
    await hasty.wait_for(lambda: receipt.acknowledged)
    assert [(one.number, one.reason) for one in delivery.attempts] == [(0, ""), (1, "http_timeout"), (2, "http_timeout")]
    assert len({one.envelope_id for one in delivery.attempts}) == 3
    [socket] = hasty.sockets.ever
    assert [one["retry_attempt"] for one in socket.envelopes] == [0, 1, 2]
    assert len({event_id for event_id, _ in heard}) == 1
    assert heard[-1][1]["x-slack-retry-num"] == ["2"]


async def test_an_event_is_given_up_after_three_redeliveries(hasty: LocalSlack, connect: Connect) -> None:
    app, ada = bolt(hasty), hasty.workspace.add_user("Ada")
    await connect(app, hasty)
    hasty.sockets.live[0].frozen = True
    [delivery] = (await ada.say("#general", "hello")).deliveries
    for number in (1, 2, 3):
        await hasty.wait_for(partial(has_failed, delivery, number))
        hasty.advance(300)
    await hasty.wait_for(lambda: delivery.given_up)
    assert [one.failure for one in delivery.attempts] == ["timeout"] * 4


async def test_a_command_that_nobody_acknowledges_fails_for_the_person_and_does_not_come_again(
    hasty: LocalSlack, connect: Connect
) -> None:
    app, ada = bolt(hasty), hasty.workspace.add_user("Ada")
    assert (await ada.command("/nexus", "help")).error == '/nexus failed with the error "dispatch_failed"'

    @app.command("/nexus")
    async def nexus(command: Any) -> None:
        """Forgets to acknowledge."""

    await connect(app, hasty)
    receipt = await ada.command("/nexus", "help")
    assert receipt.error == '/nexus failed with the error "operation_timeout"'
    assert len(receipt.deliveries[0].attempts) == 1


async def test_slack_refuses_a_command_in_a_thread(slack: LocalSlack, ada: SlackUser) -> None:
    receipt = await ada.command("/nexus", "help", in_thread=True)
    assert receipt.error == "/nexus is not supported in threads. Sorry!"
    assert not receipt.deliveries


async def test_two_sockets_take_turns(slack: LocalSlack, ada: SlackUser, connect: Connect) -> None:
    app = bolt(slack)

    @app.command("/nexus")
    async def nexus(ack: Any) -> None:
        await ack()

    await connect(app, slack, sockets=2)
    for _ in range(4):
        assert (await ada.command("/nexus")).acknowledged
    assert [len(socket.envelopes) for socket in slack.sockets.ever] == [2, 2]


async def test_a_socket_url_opens_one_socket(slack: LocalSlack) -> None:
    async with aiohttp.ClientSession() as session:
        url = slack.sockets.new_url()
        async with session.ws_connect(url) as ws:
            hello = await ws.receive_json()
            assert (hello["type"], hello["num_connections"]) == ("hello", 1)
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(url)


async def test_an_eleventh_socket_is_sent_away(slack: LocalSlack) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(slack.sockets.new_url()) for _ in range(10)]
        assert [(await ws.receive_json())["num_connections"] for ws in sockets] == [*range(1, 11)]
        ws = await session.ws_connect(slack.sockets.new_url())
        assert (await ws.receive_json())["reason"] == "too_many_websockets"


async def test_an_app_that_is_asked_to_go_comes_back_on_another_socket(
    slack: LocalSlack, ada: SlackUser, connect: Connect
) -> None:
    app = bolt(slack)

    @app.command("/nexus")
    async def nexus(ack: Any) -> None:
        await ack()

    await connect(app, slack)
    await slack.sockets.live[0].disconnect("refresh_requested")
    await slack.wait_for(lambda: [one.number for one in slack.sockets.live] == [2])
    assert (await ada.command("/nexus")).acknowledged


async def test_a_socket_that_breaks_before_the_acknowledgement_loses_a_command_and_not_an_event(
    slack: LocalSlack, ada: SlackUser, connect: Connect
) -> None:
    app, heard = bolt(slack), []

    @app.event("message")
    async def message(body: Any) -> None:
        heard.append(body["event_id"])

    await connect(app, slack, sockets=2)
    slack.sockets.live[0].frozen = slack.sockets.live[1].frozen = True
    command = asyncio.create_task(ada.command("/nexus"))
    said = asyncio.create_task(ada.say("#general", "hello"))
    await slack.wait_for(lambda: sum(len(one.envelopes) for one in slack.sockets.live) == 2)
    slack.sockets.cut()
    assert (await command).error == '/nexus failed with the error "dispatch_failed"'
    receipt = await said
    await slack.wait_for(lambda: len(receipt.deliveries[0].attempts) == 2)
    await slack.wait_for_sockets(2)
    slack.advance(60)
    await slack.wait_for(lambda: receipt.acknowledged)
    assert receipt.deliveries[0].attempts[0].failure == "disconnected"
    assert len(set(heard)) == 1


@pytest.mark.parametrize("refuse", [True, False])
async def test_after_an_outage_the_app_comes_back_and_events_of_it_arrive(
    slack: LocalSlack, ada: SlackUser, connect: Connect, refuse: bool
) -> None:
    app, heard = bolt(slack), []

    @app.event("message")
    async def message(event: Any) -> None:
        heard.append(event["text"])

    await connect(app, slack)
    await slack.begin_outage(refuse=refuse)
    with pytest.raises((aiohttp.ClientError, SlackApiError)):
        await app.client.auth_test()
    receipt = await ada.say("#general", "are you there?")
    assert (await ada.command("/nexus")).error == '/nexus failed with the error "dispatch_failed"'
    await slack.end_outage()
    await slack.wait_for_sockets()
    slack.advance(60)
    await slack.wait_for(lambda: heard == ["are you there?"])
    assert receipt.acknowledged


async def test_an_app_token_is_needed_for_sockets_and_is_good_for_nothing_else(slack: LocalSlack, client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.apps_connections_open(app_token=slack.bot_token)
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.auth_test(token=slack.app_token)
    with pytest.raises(SlackApiError, match="invalid_auth"):
        await client.apps_connections_open(app_token="xapp-1-other")


async def test_what_an_app_posts_comes_back_to_it_as_an_event(slack: LocalSlack, connect: Connect) -> None:
    app = bolt(slack)
    await connect(app, slack)
    posted = await app.client.chat_postMessage(channel="#general", text="one")
    await app.client.chat_update(channel=posted["channel"], ts=posted["ts"], text="two")
    await slack.wait_for(lambda: len(slack.delivered("message")) == 2)
    first, second = (one.event for one in slack.delivered("message"))
    assert (first["text"], first["bot_id"]) == ("one", slack.workspace.bot_id)
    assert (second["subtype"], second["message"]["text"]) == ("message_changed", "two")


async def test_the_same_can_be_delivered_once_more(slack: LocalSlack, ada: SlackUser, connect: Connect) -> None:
    app, pressed = bolt(slack), []

    @app.action("go")
    async def go(ack: Any, body: Any) -> None:
        await ack()
        pressed.append(body["actions"][0]["action_ts"])

    await connect(app, slack)
    await app.client.chat_postMessage(channel="#general", text="Ready?", blocks=BUTTONS)
    receipt = await ada.press(slack.messages("#general")[0], "Go")
    [attempt] = await receipt.again()
    assert attempt.acknowledged
    await slack.wait_for(lambda: len(pressed) == 2)
    assert len(set(pressed)) == 1


async def test_what_bolt_has_no_listener_for_is_not_acknowledged_and_comes_again(hasty: LocalSlack, connect: Connect) -> None:
    app, ada = bolt(hasty), hasty.workspace.add_user("Ada")
    await connect(app, hasty)
    receipt = await ada.say("#general", "nobody listens")
    await hasty.wait_for(lambda: len(receipt.deliveries[0].attempts) == 2)

    @app.event("message")
    async def message(event: Any) -> None:
        """Any message, of any subtype."""

    assert (await ada.say("#general", "somebody listens")).acknowledged
