"""The message of a followed log, in Slack. When it is written, and until when, is `core.conversation.tailing`.

Started by `adapters.slack.answering` when somebody asks for it, ended by `adapters.slack.desk` when somebody presses Stop.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from adapters.slack.calls import Calls
from adapters.slack.directs import Directs
from adapters.slack.inbound import PLATFORM, STOP_TAIL, Where
from adapters.slack.render.blocks import Block, actions, header, mrkdwn, preformatted
from adapters.slack.render.blocks import context as small
from adapters.slack.render.buttons import Ids, button
from adapters.slack.render.text import clip
from core.conversation.outbox import Clock
from core.conversation.ports import ChatEngine, Marks
from core.conversation.tailing import IN_PRIVATE, LIFE, OVER, Tail, Tails
from core.words.inbound import Who
from core.words.thread_ref import ThreadRef

WIDTH = 250  #: characters of a line


class SlackTails:
    """The logs that this process follows in Slack."""

    def __init__(
        self,
        calls: Calls,
        engine: ChatEngine,
        marks: Marks,
        directs: Directs,
        *,
        clock: Clock | None = None,
        today: Callable[[], float] = time.time,
    ) -> None:
        self._directs = directs
        self._tails = Tails(TailMessages(calls), engine, marks, clock=clock, today=today)

    @property
    def following(self) -> int:
        """How many there are."""
        return self._tails.following

    async def start(self, where: Where, who: Who, slug: str) -> str:
        """Follow the log where they are. Returns what to say about it, empty when they see it.

        Raises:
            Conflict: too many are followed, or this one already is.
            NexusError: the app has no log, or Slack takes no message there.
        """

        async def private() -> ThreadRef:
            channel = await self._directs.channel(where.workspace, where.user)
            return ThreadRef(platform=PLATFORM, workspace=where.workspace, channel=channel, thread="")

        place = await self._tails.start(who, slug, here=where.place if where.within else None, private=private)
        return "" if place.channel == where.channel else IN_PRIVATE.format(slug=slug)

    async def stop(self, workspace: str, channel: str, ts: str) -> None:
        """Somebody pressed Stop."""
        await self._tails.stop(ThreadRef(platform=PLATFORM, workspace=workspace, channel=channel, thread=""), ts)

    async def close(self) -> None:
        """Stop following; each message says so."""
        await self._tails.close()


class TailMessages:
    """Writes them."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def post(self, place: ThreadRef, tail: Tail) -> str:
        answer = await self._calls.call(
            place.workspace,
            "chat.postMessage",
            channel=place.channel,
            thread_ts=place.thread or None,
            text=f"The log of {tail.slug}",
            blocks=_blocks(tail),
            unfurl_links=False,
            unfurl_media=False,
        )
        return str(answer["ts"])

    async def edit(self, place: ThreadRef, message: str, tail: Tail) -> None:
        await self._calls.call(
            place.workspace,
            "chat.update",
            urgent=bool(tail.ended),
            channel=place.channel,
            ts=message,
            text=f"The log of {tail.slug}",
            blocks=_blocks(tail),
        )

    async def over(self, place: ThreadRef, message: str, why: str) -> None:
        await self._calls.call(
            place.workspace,
            "chat.update",
            channel=place.channel,
            ts=message,
            text="The log is not followed any more.",
            blocks=[_note(why)],
        )


def _blocks(tail: Tail) -> list[Block]:
    shown = "\n".join(clip(line, WIDTH) for line in tail.lines).strip("\n")
    row = [actions([button(Ids(), STOP_TAIL, "Stop")])] if not tail.ended else []
    # Slack shows the time in each reader's own zone.
    until = f"Followed until <!date^{tail.ends_at}^{{time_secs}}|{LIFE / 60:.0f} minutes after it began>."
    note = _note(f"{tail.ended} {OVER}") if tail.ended else small(mrkdwn(until))
    body = preformatted(shown) if shown.strip() else _note("Nothing was printed yet.")
    return [header(f"Log of {tail.slug}"), body, note, *row]


def _note(text: str) -> Block:
    return small({"type": "plain_text", "text": text, "emoji": False})
