"""Uploads to the local Slack, by the SDK's own three steps."""

from __future__ import annotations

import aiohttp
import pytest
from slack_sdk.errors import SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.slack import LocalSlack, SlackUser, render_text
from tests.unit.slack_server.test_messages import refused


async def test_a_file_is_uploaded_into_a_thread(slack: LocalSlack, client: AsyncWebClient) -> None:
    parent = await client.chat_postMessage(channel="#general", text="parent")
    await client.files_upload_v2(
        channel=parent["channel"], thread_ts=parent["ts"], filename="a.txt", content="hello", title="A", initial_comment="Here"
    )
    [file] = slack.files()
    assert (file.name, file.title, file.content) == ("a.txt", "A", b"hello")
    reply = slack.messages("#general", parent["ts"])[-1]
    assert (reply.text, reply.files) == ("Here", [file.id])
    assert file.shares == [(parent["channel"], reply.ts)]
    assert (await client.files_info(file=file.id))["file"]["size"] == 5


async def test_a_picture_that_was_uploaded_can_be_shown_in_a_block(slack: LocalSlack, client: AsyncWebClient) -> None:
    uploaded = await client.files_upload_v2(filename="shot.png", content=b"\x89PNG")
    picture = {"type": "image", "slack_file": {"id": uploaded["files"][0]["id"]}, "alt_text": "the page"}
    await client.chat_postMessage(channel="#general", text="x", blocks=[picture])
    [message] = slack.messages("#general")
    assert render_text(message) == "<image the page>"


async def test_several_files_come_in_one_message_to_a_direct_conversation(
    slack: LocalSlack, ada: SlackUser, client: AsyncWebClient
) -> None:
    channel = (await client.conversations_open(users=ada.id))["channel"]["id"]
    await client.files_upload_v2(channel=channel, file_uploads=[{"filename": f"{one}.txt", "content": one} for one in "ab"])
    [message] = slack.messages(ada.dm)
    assert [slack.workspace.files[one].name for one in message.files] == ["a.txt", "b.txt"]


async def test_an_upload_that_is_not_whole_is_refused(slack: LocalSlack, client: AsyncWebClient) -> None:
    assert (await refused(client.files_getUploadURLExternal(filename="a", length=0)))[0] == "invalid_arguments"
    started = await client.files_getUploadURLExternal(filename="a", length=5)
    files = [{"id": started["file_id"]}]
    assert (await refused(client.files_completeUploadExternal(files=files)))[0] == "file_not_found"
    async with aiohttp.ClientSession() as session, session.post(started["upload_url"], data=b"four") as response:
        assert response.status == 400
    slack.fault("upload", status=500)
    with pytest.raises(SlackRequestError):
        await client.files_upload_v2(filename="a", content="b")


async def test_a_file_cannot_be_shared_with_a_person_by_their_id(
    slack: LocalSlack, ada: SlackUser, client: AsyncWebClient
) -> None:
    error = await refused(client.files_upload_v2(filename="a", content="b", channel=ada.id))
    assert error[0] == "channel_not_found"
    assert slack.files() == []


async def test_a_file_that_a_person_drops_is_read_with_the_bots_token_alone(
    slack: LocalSlack, ada: SlackUser, client: AsyncWebClient
) -> None:
    said = await ada.say("#general", "look", files={"data.csv": b"a,b"})
    read = await client.conversations_history(channel=slack.workspace.channel_id("#general"))
    [file] = read["messages"][0]["files"]
    assert said.message is not None
    assert said.message.files == [file["id"]]
    answers = []
    async with aiohttp.ClientSession() as session:
        for token in (slack.bot_token, slack.add_workspace("Other").token, ""):
            headers = {"Authorization": f"Bearer {token}"}
            async with session.get(file["url_private"], headers=headers, allow_redirects=False) as response:
                answers.append((response.status, await response.read() if response.status == 200 else b""))
    assert answers == [(200, b"a,b"), (302, b""), (302, b"")]
