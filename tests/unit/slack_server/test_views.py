"""Modals and the Home tab of the local Slack, used by a person and by the real Bolt."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.slack import LocalSlack, SlackUser, render_text
from tests.support.slack.forms import Entry
from tests.unit.slack_server.conftest import Connect, bolt
from tests.unit.slack_server.test_messages import refused


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def modal(title: str, *blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    shown = [*blocks] or [{"type": "divider"}]
    return {"type": "modal", "callback_id": "form", "title": plain(title), "submit": plain("Send"), "blocks": shown, **more}


BUTTON = {"type": "actions", "elements": [{"type": "button", "action_id": "more", "text": plain("More")}]}
SELECT = {
    "type": "input",
    "block_id": "size",
    "label": plain("Size"),
    "element": {
        "type": "static_select",
        "action_id": "value",
        "options": [{"text": plain("Small"), "value": "s"}, {"text": plain("Large"), "value": "l"}],
        "initial_option": {"text": plain("Small"), "value": "s"},
    },
}
CHECK = {
    "type": "input",
    "block_id": "public",
    "optional": True,
    "label": plain("Public"),
    "element": {"type": "checkboxes", "action_id": "value", "options": [{"text": plain("Everybody may see it"), "value": "yes"}]},
}


async def test_what_a_person_chooses_arrives_as_state(slack: LocalSlack, ada: SlackUser, connect: Connect) -> None:
    app, states = bolt(slack), []

    @app.shortcut("new")
    async def new(ack: Any, body: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal("New", SELECT, CHECK, private_metadata="m"))

    @app.view("form")
    async def form(ack: Any, view: Any) -> None:
        await ack()
        states.append({block: values["value"] for block, values in view["state"]["values"].items()})

    await connect(app, slack)
    given: list[dict[str, Entry]] = [{}, {"Size": "Large", "Public": True}]
    for entries in given:
        await ada.shortcut("new")
        [view] = await slack.wait_for(lambda: slack.views(ada))
        await ada.submit(view, entries)
        assert slack.views(ada) == []
    await slack.wait_for(lambda: len(states) == 2)
    assert [state["size"]["selected_option"]["value"] for state in states] == ["s", "l"]
    assert [[one["value"] for one in state["public"]["selected_options"]] for state in states] == [[], ["yes"]]


async def test_answers_update_push_and_clear_and_a_stack_holds_three(slack: LocalSlack, ada: SlackUser, connect: Connect) -> None:
    app, errors = bolt(slack), []

    @app.shortcut("new")
    async def new(ack: Any, body: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal("One", BUTTON))

    @app.action("more")
    async def more(ack: Any, body: Any, client: Any) -> None:
        await ack()
        if len(slack.views(ada)) == 3:
            errors.append(await refused(client.views_push(trigger_id=body["trigger_id"], view=modal("Four"))))
        else:
            await client.views_push(trigger_id=body["trigger_id"], view=modal("Two", BUTTON))

    @app.view("form")
    async def form(ack: Any, view: Any) -> None:
        match view["title"]["text"]:
            case "Two":
                await ack(response_action="push", view=modal("Three", BUTTON))
            case "Three":
                await ack(response_action="update", view=modal("Last"))
            case _:
                await ack(response_action="clear")

    await connect(app, slack)
    await ada.shortcut("new")
    [one] = await slack.wait_for(lambda: slack.views(ada))
    await ada.press(one, "More")
    await slack.wait_for(lambda: len(slack.views(ada)) == 2)
    await ada.submit(slack.views(ada)[-1])
    three = slack.views(ada)[-1]
    await ada.press(three, "More")
    await slack.wait_for(lambda: errors)
    assert errors == [("push_limit_reached", [])]
    await ada.submit(three)
    assert [view.title for view in slack.views(ada)] == ["One", "Two", "Last"]
    await ada.submit(three)
    assert slack.views(ada) == []


async def test_an_answer_that_slack_does_not_understand_is_trouble_for_the_person(
    slack: LocalSlack, ada: SlackUser, connect: Connect
) -> None:
    app = bolt(slack)
    answers: list[dict[str, Any]] = [{"errors": {"nowhere": "x"}, "response_action": "errors"}, {"response_action": "update"}]

    @app.shortcut("new")
    async def new(ack: Any, body: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal("One"))

    @app.view("form")
    async def form(ack: Any) -> None:
        await ack(**answers.pop(0))

    await connect(app, slack)
    await ada.shortcut("new")
    [view] = await slack.wait_for(lambda: slack.views(ada))
    for _ in range(2):
        assert "We had some trouble connecting" in (await ada.submit(view)).error
        assert slack.views(ada) == [view]


async def test_a_confirmation_that_is_declined_sends_nothing(slack: LocalSlack, ada: SlackUser, client: AsyncWebClient) -> None:
    confirm = {"title": plain("Sure?"), "text": plain("It is gone then."), "confirm": plain("Yes"), "deny": plain("No")}
    button = {"type": "button", "action_id": "delete", "text": plain("Delete"), "confirm": confirm}
    await client.chat_postMessage(channel="#general", text="x", blocks=[{"type": "actions", "elements": [button]}])
    [message] = slack.messages("#general")
    assert not (await ada.press(message, "Delete", confirm=False)).sent
    assert slack.deliveries.all == []
    assert (await ada.press(message, "Delete")).sent


async def test_only_what_is_shown_can_be_used(slack: LocalSlack, ada: SlackUser, client: AsyncWebClient) -> None:
    menu = {
        "type": "overflow",
        "action_id": "menu",
        "options": [{"text": plain("Files"), "value": "files"}, {"text": plain("Log"), "value": "log"}],
    }
    section = {"type": "section", "text": plain("App"), "accessory": menu}
    await client.chat_postMessage(channel="#general", text="x", blocks=[section])
    [message] = slack.messages("#general")
    receipt = await ada.choose(message, "menu", "Log")
    assert receipt.payload["actions"][0]["selected_option"]["value"] == "log"
    with pytest.raises(AssertionError, match="Delete"):
        await ada.press(message, "Delete")
    with pytest.raises(AssertionError, match="there is no option 'Other'"):
        await ada.choose(message, "menu", "Other")
    message.deleted = True
    with pytest.raises(AssertionError, match="not there any more"):
        await ada.choose(message, "menu", "Log")


async def test_the_payload_of_a_press_has_what_slack_sends(slack: LocalSlack, ada: SlackUser, client: AsyncWebClient) -> None:
    button = {"type": "button", "action_id": "go", "value": "7", "style": "primary", "text": plain("Go")}
    parent = await client.chat_postMessage(channel="#general", text="parent")
    await client.chat_postMessage(
        channel="#general", text="x", blocks=[{"type": "actions", "elements": [button]}], thread_ts=parent["ts"]
    )
    message = slack.messages("#general", parent["ts"])[-1]
    payload = (await ada.press(message, action_id="go")).payload
    [action] = payload["actions"]
    assert (action["type"], action["action_id"], action["value"], action["text"]) == ("button", "go", "7", plain("Go"))
    assert action["block_id"] == message.blocks[0]["block_id"]
    assert payload["container"] == {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": False,
        "thread_ts": parent["ts"],
    }
    assert payload["message"]["blocks"] == message.blocks
    assert payload["channel"] == {"id": message.channel, "name": "general"}
    assert payload["user"]["id"] == ada.id
    assert {"trigger_id", "response_url", "state", "api_app_id", "team", "enterprise", "token"} <= set(payload)


async def test_the_home_tab_is_published_and_used(slack: LocalSlack, ada: SlackUser, connect: Connect) -> None:
    app, pressed = bolt(slack), []

    @app.event("app_home_opened")
    async def opened(event: Any, client: Any) -> None:
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [BUTTON]})

    @app.action("more")
    async def more(ack: Any, body: Any) -> None:
        await ack()
        pressed.append(body["container"]["type"])

    await connect(app, slack)
    assert slack.home(ada) is None
    await ada.open_home()
    home = await slack.wait_for(lambda: slack.home(ada))
    assert render_text(home) == "[More]"
    await ada.press(home, "More")
    await slack.wait_for(lambda: pressed == ["view"])
    old = home.hash
    await app.client.views_publish(user_id=ada.id, view={"type": "home", "blocks": [{"type": "divider"}]}, hash=old)
    late = app.client.views_publish(user_id=ada.id, view={"type": "home", "blocks": [{"type": "divider"}]}, hash=old)
    assert (await refused(late))[0] == "hash_conflict"


async def test_closing_a_modal_tells_the_app_that_asked_to_be_told(slack: LocalSlack, ada: SlackUser, connect: Connect) -> None:
    app, closed = bolt(slack), []

    @app.shortcut("new")
    async def new(ack: Any, body: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal("One", notify_on_close=True))

    @app.view_closed("form")
    async def gone(ack: Any, body: Any) -> None:
        await ack()
        closed.append(body["is_cleared"])

    await connect(app, slack)
    await ada.shortcut("new")
    [view] = await slack.wait_for(lambda: slack.views(ada))
    assert (await ada.close(view)).acknowledged
    await slack.wait_for(lambda: closed == [False])
    error = await refused(app.client.views_update(view_id=view.id, view=modal("Two")))
    assert error[0] == "not_found"


async def test_a_view_that_is_not_valid_is_refused_and_leaves_the_trigger_good(
    slack: LocalSlack, ada: SlackUser, client: AsyncWebClient
) -> None:
    trigger = slack.triggers.new(slack.workspace.id, ada.id)
    error, reasons = await refused(client.views_open(trigger_id=trigger, view=modal("x" * 25)))
    assert error == "invalid_arguments"
    assert any("/title" in reason for reason in reasons)
    await client.views_open(trigger_id=trigger, view=modal("x" * 24))
