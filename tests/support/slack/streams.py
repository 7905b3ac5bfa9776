"""chat.startStream, appendStream, stopStream: a message that is written while it is read.

What is refused follows what has been measured and reported of Slack: an open stream refuses chat.update (``streaming_state_conflict``)
and chat.delete; a stream without an append for a while, or of some age, is closed by Slack and answers
``message_not_in_streaming_state`` to append and stop alike, and may be edited with chat.update from then on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.support.slack.api import Refused, Request, method
from tests.support.slack.api_chat import remember, thread_of
from tests.support.slack.clock import Clock
from tests.support.slack.content import check_blocks, check_chunks, check_metadata, with_ids
from tests.support.slack.payloads import shown_message
from tests.support.slack.state import Json, Message
from tests.support.slack.timings import Timings

MAX_TASKS = 50


@dataclass(kw_only=True, eq=False)
class Stream:
    """What was streamed into a message."""

    clock: Clock
    timings: Timings
    started: float
    appended: float
    mode: str
    recipient: str
    closed: str = ""  #: "stopped" by the app
    writes: str = ""  #: "markdown_text" or "chunks", whichever was used first
    markdown: str = ""
    plan_title: str = ""
    tasks: dict[str, Json] = field(default_factory=dict)
    blocks: list[Json] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        now = self.clock.now()
        idle, age = now - self.appended, now - self.started
        return not self.closed and idle < self.timings.stream_idle and age < self.timings.stream_life

    def expire(self) -> None:
        """Slack closes the stream, whatever the time."""
        self.closed = self.closed or "expired"

    def shown(self) -> list[Json]:
        """The blocks that stand for what was streamed."""
        blocks: list[Json] = []
        if self.markdown:
            blocks.append({"type": "markdown", "text": self.markdown})
        tasks = [
            {"task_id": one["id"], "title": one["title"], "status": one["status"]}
            | {key: _rich(one[key]) for key in ("details", "output") if one.get(key)}
            | ({"sources": one["sources"]} if one.get("sources") else {})
            for one in self.tasks.values()
        ]
        if self.mode == "plan" and (tasks or self.plan_title):
            blocks.append({"type": "plan", "title": self.plan_title, "tasks": tasks})
        else:
            blocks += [{"type": "task_card", **task} for task in tasks]
        return blocks + self.blocks


def _rich(text: str) -> Json:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}]}


def _write(request: Request, stream: Stream) -> None:
    """Add what a call brings; all of it or nothing."""
    text, chunks = request.text("markdown_text"), request.args.get("chunks")
    if text and chunks:
        raise Refused("invalid_arguments", "markdown_text and chunks cannot be used together")
    writes = "markdown_text" if text else "chunks" if chunks else ""
    if writes and stream.writes and writes != stream.writes:
        raise Refused("streaming_mode_mismatch")
    checked = check_chunks([{"type": "markdown_text", "text": text}] if text else chunks or [])
    if len({*stream.tasks, *(one["id"] for one in checked if one["type"] == "task_update")}) > MAX_TASKS:
        raise Refused("invalid_chunks", f"/chunks: no more than {MAX_TASKS} tasks")
    stream.writes = stream.writes or writes
    for chunk in checked:
        match chunk["type"]:
            case "markdown_text":
                stream.markdown += chunk["text"]
            case "plan_update":
                stream.plan_title = chunk["title"]
            case "task_update":
                stream.tasks[chunk["id"]] = {**stream.tasks.get(chunk["id"], {}), **chunk}
            case "blocks":
                stream.blocks += check_blocks(request.team, chunk["blocks"])


@method("chat.startStream")
def start_stream(request: Request) -> Json:
    team, channel = request.team, request.channel()
    if channel.kind != "im":
        for name in ("recipient_user_id", "recipient_team_id"):
            if not request.text(name):
                raise Refused(f"missing_{name}")
        if request.text("recipient_user_id") not in team.people:
            raise Refused("user_not_found")
        if request.text("recipient_team_id") != team.id:
            raise Refused("team_not_found")
    mode = request.text("task_display_mode") or "timeline"
    if mode not in ("timeline", "plan"):
        raise Refused("invalid_arguments", "task_display_mode must be timeline or plan")
    thread = thread_of(request, channel)
    if thread is None:
        raise Refused("invalid_thread_ts")
    now = request.slack.clock.now()
    stream = Stream(
        clock=request.slack.clock,
        timings=request.slack.timings,
        started=now,
        appended=now,
        mode=mode,
        recipient=request.text("recipient_user_id"),
    )
    _write(request, stream)
    message = Message(
        ts=request.slack.clock.ts(),
        team=team.id,
        channel=channel.id,
        user=team.bot.id,
        bot_id=team.bot_id,
        thread_ts=thread,
        stream=stream,
        text=stream.markdown,
        blocks=with_ids(stream.shown()),
    )
    request.slack.add_message(message)
    return {"channel": channel.id, "ts": message.ts}


def _open_stream(request: Request) -> tuple[Message, Stream]:
    message = request.message(request.channel())
    if message.bot_id != request.team.bot_id:
        raise Refused("message_not_owned_by_app")
    if message.stream is None or not message.stream.is_open:
        raise Refused("message_not_in_streaming_state")
    return message, message.stream


def _show(request: Request, message: Message, stream: Stream) -> None:
    remember(message, request.slack.clock.now())
    message.text, message.blocks = stream.markdown, with_ids(stream.shown())


@method("chat.appendStream")
def append_stream(request: Request) -> Json:
    message, stream = _open_stream(request)
    if not request.text("markdown_text") and not request.args.get("chunks"):
        raise Refused("no_text")
    _write(request, stream)
    stream.appended = request.slack.clock.now()
    _show(request, message, stream)
    request.slack.poke()
    return {"channel": message.channel, "ts": message.ts}


@method("chat.stopStream")
def stop_stream(request: Request) -> Json:
    message, stream = _open_stream(request)
    blocks = check_blocks(request.team, request.args["blocks"]) if request.args.get("blocks") else []
    metadata = check_metadata(request.args.get("metadata"))
    _write(request, stream)
    stream.blocks += blocks
    stream.closed = "stopped"
    _show(request, message, stream)
    message.metadata = metadata or message.metadata
    request.slack.changed_message(message)
    return {"channel": message.channel, "ts": message.ts, "message": shown_message(request.team, message)}
