"""Sending a file to Slack in its three steps: an address, the bytes, the completion that shares it, or not.

Used by `adapters.slack.outbound` for files in a thread, by `adapters.slack.pictures` for pictures of a card, and for files to one person.
It repeats nothing; a file that was sent and not completed is thrown away by Slack.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.slack.calls import Calls, Json


async def upload(
    calls: Calls, workspace: str, name: str, content: bytes, *, channel: str = "", thread: str = "", alt_text: str = ""
) -> Json:
    """Upload a file; shared in the channel or thread where one is named. Returns Slack's file.

    Raises:
        SlackBusy, SlackRefusal: it is not there, unless `SlackBusy.doubtful` of the last step.
    """
    alt_txt = alt_text[:1000] or None
    place = await calls.call(workspace, "files.getUploadURLExternal", filename=name, length=len(content), alt_txt=alt_txt)
    await calls.upload(str(place["upload_url"]), content)
    done = await calls.call(
        workspace,
        "files.completeUploadExternal",
        files=[{"id": place["file_id"], "title": name}],
        channel_id=channel or None,
        thread_ts=thread or None,
    )
    files = done.get("files") or [{}]
    file = files[0]
    return file if isinstance(file, Mapping) and file.get("id") else {"id": place["file_id"]}


def shared_at(file: Json, channel: str) -> str:
    """The message in which the file is shown there; empty while Slack has not said."""
    shares = file.get("shares")
    for kind in shares.values() if isinstance(shares, Mapping) else ():
        for share in (kind.get(channel) or ()) if isinstance(kind, Mapping) else ():
            if isinstance(share, Mapping) and share.get("ts"):
                return str(share["ts"])
    return ""
