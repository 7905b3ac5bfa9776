"""chat.* of the local Slack, called by the real SDK: what takes effect, and what is refused."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.slack import LocalSlack, SlackUser, mentions, render_text

SECTION: dict[str, Any] = {"type": "section", "text": {"type": "mrkdwn", "text": "Hello"}}


async def refused(call: Any) -> tuple[str, list[str]]:
    """The error, and its reasons."""
    with pytest.raises(SlackApiError) as caught:
        await call
    answer = caught.value.response
    return answer["error"], answer.get("response_metadata", {}).get("messages", [])


async def test_a_message_is_posted_edited_and_deleted_with_its_history_kept(slack: LocalSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(
        channel="#general",
        text="one",
        unfurl_links=False,
        unfurl_media=False,
        metadata={"event_type": "nexus", "event_payload": {"key": "a"}},
    )
    channel, ts = posted["channel"], posted["ts"]
    [message] = slack.messages("#general")
    assert (message.unfurl_links, message.unfurl_media) == (False, False)
    await client.chat_update(channel=channel, ts=ts, text="two", blocks=[SECTION])
    await client.chat_update(channel=channel, ts=ts, text="three")
    assert [one.text for one in message.edits] == ["one", "two"]
    assert message.text == "three"
    assert render_text(message) == "Hello"
    read = await client.conversations_history(channel=channel, include_all_metadata=True)
    assert read["messages"][0]["metadata"]["event_payload"] == {"key": "a"}
    assert "metadata" not in (await client.conversations_history(channel=channel))["messages"][0]
    await client.chat_delete(channel=channel, ts=ts)
    assert slack.messages("#general") == []
    assert (await refused(client.chat_update(channel=channel, ts=ts, text="four")))[0] == "message_not_found"


async def test_replies_are_in_their_thread_and_a_reply_is_no_parent(slack: LocalSlack, client: AsyncWebClient) -> None:
    parent = await client.chat_postMessage(channel="#general", text="parent")
    reply = await client.chat_postMessage(channel="#general", text="reply", thread_ts=parent["ts"])
    assert [one.text for one in slack.messages("#general")] == ["parent"]
    assert [one.text for one in slack.messages("#general", parent["ts"])] == ["parent", "reply"]
    replies = await client.conversations_replies(channel=parent["channel"], ts=parent["ts"])
    assert [one["text"] for one in replies["messages"]] == ["parent", "reply"]
    link = await client.chat_getPermalink(channel=parent["channel"], message_ts=reply["ts"])
    assert f"thread_ts={parent['ts']}" in link["permalink"]
    errors = [
        await refused(client.chat_postMessage(channel="#general", text="x", thread_ts=thread))
        for thread in (reply["ts"], "1700000000.000001")
    ]
    assert [error for error, _ in errors] == ["cannot_reply_to_message", "thread_not_found"]


async def test_a_form_does_the_same_as_json(slack: LocalSlack) -> None:
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        form = {"channel": "#general", "text": "by form", "blocks": '[{"type": "divider"}]', "unfurl_links": "false"}
        for body in ({"data": form}, {"json": {"channel": "#general", "text": "by json"}}):
            async with session.post(f"{slack.api_url}chat.postMessage", **body) as response:  # type: ignore[arg-type]
                assert (await response.json())["ok"]
                assert "chat:write" in response.headers["X-OAuth-Scopes"]
    form_message, json_message = slack.messages("#general")
    assert (render_text(form_message), render_text(json_message)) == ("---", "by json")
    assert form_message.unfurl_links is False


async def test_blocks_that_are_not_valid_are_refused_with_the_reason(slack: LocalSlack, client: AsyncWebClient) -> None:
    for blocks, reason in (
        ([{"type": "section"}], "/blocks/0"),
        ([{"type": "sectoin"}], "no type of block"),
        ([SECTION] * 51, "51 blocks"),
        ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "/blocks/0"),
        ([{"type": "image", "slack_file": {"id": "F0"}, "alt_text": "x"}], "invalid slack file"),
    ):
        error, reasons = await refused(client.chat_postMessage(channel="#general", text="x", blocks=blocks))
        assert error == "invalid_blocks"
        assert reason in " ".join(reasons)
    assert slack.messages("#general") == []


async def test_text_that_is_missing_or_too_long_is_refused(slack: LocalSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="#general", text="x" * 40_000)
    errors = [
        await refused(client.api_call("chat.postMessage", json={"channel": "#general", "text": ""})),
        await refused(client.chat_postMessage(channel="#general", text="x" * 40_001)),
        await refused(client.chat_update(channel=posted["channel"], ts=posted["ts"], text="x" * 4_001)),
        await refused(client.chat_postMessage(channel="#general", markdown_text="x", text="y")),
        await refused(client.chat_postMessage(channel="#general", text="x", attachments=[{}] * 101)),
        await refused(client.chat_postMessage(channel="#general", text="x", metadata={"event_type": "a b", "event_payload": {}})),
    ]
    assert [error for error, _ in errors] == [
        "no_text",
        "msg_too_long",
        "msg_too_long",
        "markdown_text_conflict",
        "too_many_attachments",
        "invalid_metadata_format",
    ]


async def test_where_the_bot_may_not_write_says_why(slack: LocalSlack) -> None:
    team = slack.add_workspace("Other", scopes=["chat:write", "users:read"])
    client = AsyncWebClient(token=team.token, base_url=slack.api_url)
    team.add_channel("public", bot=False)
    team.add_channel("secret", private=True, bot=False)
    team.add_channel("old").archived = True
    channels = ("#public", "#secret", "#old", "C0NOWHERE")
    errors = [(await refused(client.chat_postMessage(channel=one, text="x")))[0] for one in channels]
    assert errors == ["not_in_channel", "channel_not_found", "is_archived", "channel_not_found"]


async def test_a_missing_scope_is_named(slack: LocalSlack) -> None:
    team = slack.add_workspace("Other", scopes=["chat:write"])
    client = AsyncWebClient(token=team.token, base_url=slack.api_url)
    with pytest.raises(SlackApiError) as caught:
        await client.usergroups_list()
    assert caught.value.response["error"] == "missing_scope"
    assert (caught.value.response["needed"], caught.value.response["provided"]) == ("usergroups:read", "chat:write")
    person = team.add_user("Ada")
    assert (await refused(client.conversations_history(channel=person.dm)))[0] == "missing_scope"


async def test_tokens_that_are_no_good_say_why(slack: LocalSlack, client: AsyncWebClient) -> None:
    other = slack.add_workspace("Other")
    tokens = ["", "xoxb-nobody", other.token]
    slack.revoke_tokens(other)
    errors = [(await refused(AsyncWebClient(token=one, base_url=slack.api_url).auth_test()))[0] for one in tokens]
    slack.install(other)
    gone = other.token
    slack.uninstall(other)
    errors.append((await refused(client.auth_test(token=gone)))[0])
    assert errors == ["not_authed", "invalid_auth", "token_revoked", "account_inactive"]
    assert (await client.auth_test())["team_id"] == slack.workspace.id


async def test_a_message_of_somebody_else_is_not_the_bots_to_change(
    slack: LocalSlack, ada: SlackUser, client: AsyncWebClient
) -> None:
    said = await ada.say("#general", "mine")
    assert said.message is not None
    where: dict[str, Any] = {"channel": said.message.channel, "ts": said.ts}
    assert (await refused(client.chat_update(**where, text="yours")))[0] == "cant_update_message"
    assert (await refused(client.chat_delete(**where)))[0] == "cant_delete_message"


async def test_an_ephemeral_message_is_seen_by_one_and_cannot_be_edited(
    slack: LocalSlack, ada: SlackUser, client: AsyncWebClient
) -> None:
    bob = slack.workspace.add_user("Bob")
    channel = slack.workspace.channel_id("#general")
    sent = await client.chat_postEphemeral(channel=channel, user=ada.id, text="psst")
    assert [one.text for one in slack.messages("#general", user=ada)] == ["psst"]
    assert slack.messages("#general", user=bob) == slack.messages("#general") == []
    assert (await refused(client.chat_update(channel=channel, ts=sent["message_ts"], text="x")))[0] == "message_not_found"
    eve = slack.workspace.add_user("Eve", channels=[])
    assert (await refused(client.chat_postEphemeral(channel=channel, user=eve.id, text="x")))[0] == "user_not_in_channel"


async def test_a_direct_message_reaches_a_person_by_their_id(slack: LocalSlack, ada: SlackUser, client: AsyncWebClient) -> None:
    opened = await client.conversations_open(users=ada.id)
    posted = await client.chat_postMessage(channel=ada.id, text="hello")
    assert opened["channel"]["id"] == posted["channel"] == ada.dm
    assert [one.text for one in slack.messages(ada.dm)] == ["hello"]


async def test_people_groups_and_channels_can_be_asked_for(slack: LocalSlack, client: AsyncWebClient) -> None:
    team = slack.workspace
    boss, ada = team.add_user("The Boss", is_owner=True), team.add_user("Ada")
    group = team.add_group("reviewers", [ada])
    team.add_channel("secret", private=True)
    assert (await client.users_info(user=boss.id))["user"]["is_admin"]
    assert not (await client.users_info(user=ada.id))["user"]["is_admin"]
    assert (await client.usergroups_list(include_users=True))["usergroups"][0]["users"] == [ada.id]
    assert (await client.usergroups_users_list(usergroup=group.id))["users"] == [ada.id]
    assert ada.id in (await client.conversations_members(channel=team.channel_id("#general")))["members"]
    listed = await client.conversations_list(types="public_channel,private_channel", limit=1)
    names = [listed["channels"][0]["name"]]
    names.append((await client.conversations_list(types="public_channel,private_channel", cursor="1"))["channels"][0]["name"])
    assert names == ["general", "secret"]
    assert listed["response_metadata"]["next_cursor"] == "1"
    members = [one["id"] async for page in await client.users_list(limit=1) for one in page["members"]]
    assert members == list(team.people)


async def test_whom_a_message_would_notify_can_be_asked(slack: LocalSlack, ada: SlackUser, client: AsyncWebClient) -> None:
    loud = {"type": "section", "text": {"type": "mrkdwn", "text": f"<!channel> <@{ada.id}> &lt;!here&gt; <https://x.example|x>"}}
    quiet = {"type": "section", "text": {"type": "plain_text", "text": "<!everyone>"}}
    await client.chat_postMessage(channel="#general", text="<!subteam^S0A>", blocks=[loud, quiet])
    assert mentions(slack.messages("#general")[0]) == {"channel", ada.id, "S0A"}
