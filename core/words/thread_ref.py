"""Where an app is talked about, in a chat platform's own ids."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadRef:
    """A thread, or with an empty ``thread`` the channel in which one is to be opened; serialisable.

    ``user`` is the platform's id of the person it was opened for: whom to tell when the channel cannot be reached any more.
    """

    platform: str
    workspace: str
    channel: str
    thread: str
    user: str = ""
