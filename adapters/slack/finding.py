"""Finding what was posted already: in a thread, or among the newest messages of a channel, by the key that each message carries.

Used by `adapters.slack.outbound` before it posts what this process cannot know was never posted. A message carries its key as metadata; one
that was streamed, whose metadata come only at its end, carries it as the id of its first block; a file is known by its name and size. It
reads and remembers nothing: what can be read depends on the app. An app that is distributed outside the Marketplace may read once a
minute, and the caller has to live with that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.slack.calls import Calls, Json
from core.words.thread_ref import ThreadRef

EVENT_TYPE = "nexus_message"
LOOK_PATIENCE = 5.0  #: seconds to wait for a look that is a precaution
NEWEST = 200  #: messages of a channel that are looked at


def metadata(key: str) -> dict[str, object]:
    """What a message carries so that it can be found again; no secret, since every app of the workspace can read it."""
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key}}


def mark(key: str) -> str:
    """The block id that says the same."""
    return f"nexus:{key}"[:255]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """A look at a channel that somebody may share: everything that was posted before it began is in it."""

    task: asyncio.Task[list[Json]]
    begun: asyncio.Event


class Finder:
    """Looks things up."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._looks: dict[tuple[str, str], _Look] = {}

    async def in_thread(self, thread: ThreadRef, key: str, *, patience: float | None) -> str | None:
        """The message of this thread that has the key; of the channel itself, where the thread is none."""
        return next((str(one["ts"]) for one in await self._replies(thread, patience) if carries(one, key)), None)

    async def file_in_thread(self, thread: ThreadRef, name: str, size: int, *, patience: float | None) -> str | None:
        """The message of this thread with this file."""
        for one in await self._replies(thread, patience):
            for file in one.get("files") or ():
                if file.get("name") == name and file.get("size") == size:
                    return str(one["ts"])
        return None

    async def in_channel(self, workspace: str, channel: str, key: str, *, patience: float | None) -> str | None:
        """The message with the key among the newest of this channel. Those who look at the same time share a look."""
        messages = await self._history(workspace, channel, patience)
        return next((str(one["ts"]) for one in messages if carries(one, key)), None)

    async def _replies(self, thread: ThreadRef, patience: float | None) -> list[Json]:
        if not thread.thread:
            return await self._history(thread.workspace, thread.channel, patience)
        found: list[Json] = []
        cursor = ""
        while True:
            page = await self._calls.call(
                thread.workspace,
                "conversations.replies",
                patience=patience,
                channel=thread.channel,
                ts=thread.thread,
                limit=NEWEST,
                include_all_metadata=True,
                cursor=cursor or None,
            )
            found += page.get("messages") or []
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return found

    async def _history(self, workspace: str, channel: str, patience: float | None) -> list[Json]:
        place = (workspace, channel)
        look = self._looks.get(place)
        if look is None or look.begun.is_set():
            begun = asyncio.Event()
            after = look.task if look is not None and not look.task.done() else None
            look = _Look(task=asyncio.create_task(self._look(workspace, channel, patience, begun, after)), begun=begun)
            look.task.add_done_callback(lambda task: task.cancelled() or task.exception())  # nobody may be left to hear of it
            self._looks[place] = look
        try:
            return await asyncio.shield(look.task)
        finally:
            if look.task.done() and self._looks.get(place) is look:
                del self._looks[place]

    async def _look(
        self, workspace: str, channel: str, patience: float | None, begun: asyncio.Event, after: asyncio.Task[list[Json]] | None
    ) -> list[Json]:
        if after is not None:
            await asyncio.wait({after})
        begun.set()
        page = await self._calls.call(
            workspace, "conversations.history", patience=patience, channel=channel, limit=NEWEST, include_all_metadata=True
        )
        return list(page.get("messages") or [])


def carries(message: Json, key: str) -> bool:
    """Whether this message was posted with this key."""
    data = message.get("metadata")
    if isinstance(data, Mapping) and data.get("event_type") == EVENT_TYPE:
        payload = data.get("event_payload")
        if isinstance(payload, Mapping) and payload.get("key") == key:
            return True
    return any(isinstance(block, Mapping) and block.get("block_id") == mark(key) for block in message.get("blocks") or ())
