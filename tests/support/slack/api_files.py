"""files.*: uploads in three steps: a URL, the bytes, and the completion that shares the file."""

from __future__ import annotations

import secrets

from tests.support.slack.api import Refused, Request, method
from tests.support.slack.api_chat import thread_of
from tests.support.slack.content import MAX_TEXT, check_text
from tests.support.slack.payloads import shown_file
from tests.support.slack.state import Json, Message, StoredFile, new_id

MAX_SIZE = 1_000_000_000


@method("files.getUploadURLExternal")
def get_upload_url(request: Request) -> Json:
    name = request.required("filename")
    length = int(request.args.get("length") or 0)
    if length <= 0:
        raise Refused("invalid_arguments", "must be greater than 0 [json-pointer:/length]")
    if length > MAX_SIZE:
        raise Refused("file_upload_size_restricted")
    team = request.team
    file = StoredFile(
        id=new_id("F"), team=team.id, name=name, title=name, user=team.bot.id, length=length, alt_text=request.text("alt_txt")
    )
    team.files[file.id] = file
    ticket = secrets.token_urlsafe(18)
    request.slack.uploads[ticket] = file
    return {"file_id": file.id, "upload_url": f"{request.slack.url}/upload/v1/{ticket}"}


@method("files.completeUploadExternal")
def complete_upload(request: Request) -> Json:
    team, wanted = request.team, request.args.get("files")
    if not isinstance(wanted, list) or not wanted or not all(isinstance(one, dict) and "id" in one for one in wanted):
        raise Refused("invalid_arguments", "must provide an array of files [json-pointer:/files]")
    files = []
    for one in wanted:
        file = team.files.get(str(one["id"]))
        if file is None or not file.uploaded or file.complete:
            raise Refused("file_not_found")
        files.append((file, str(one.get("title") or file.name)))
    named = [one for one in (request.text("channel_id"), *request.text("channels").split(",")) if one]
    channels = []
    for channel_id in named:
        request.args["channel"] = channel_id
        channels.append(request.channel() if channel_id in team.channels else None)
    if None in channels:
        raise Refused("channel_not_found")
    shared = [(one, thread_of(request, one)) for one in channels if one is not None]
    comment = check_text(request.text("initial_comment"), MAX_TEXT)
    for file, title in files:
        file.complete, file.title = True, title
    for channel, thread in shared:
        message = Message(
            ts=request.slack.clock.ts(),
            team=team.id,
            channel=channel.id,
            user=team.bot.id,
            bot_id=team.bot_id,
            thread_ts=thread,
            text=comment,
            files=[file.id for file, _ in files],
        )
        for file, _ in files:
            file.shares.append((channel.id, message.ts))
        request.slack.add_message(message)
    request.slack.poke()
    return {"files": [shown_file(team, file) for file, _ in files]}


@method("files.info")
def file_info(request: Request) -> Json:
    file = request.team.files.get(request.required("file"))
    if file is None or not file.complete:
        raise Refused("file_not_found")
    return {"file": shown_file(request.team, file), "comments": [], "response_metadata": {"next_cursor": ""}}
