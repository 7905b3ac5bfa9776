"""Socket Mode of the local Slack, with the real Bolt on the other end."""

from __future__ import annotations

from typing import Any

from slack_sdk.errors import SlackApiError

from tests.support.slack import LocalSlack, SlackUser, render_text
from tests.unit.slack_server.conftest import Connect, bolt

BUTTONS = [
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
