"""What generation tells while it works: frozen events, in order, to one listener.

Made by the pipeline; read by whoever runs a build, which records them. All text in them is untrusted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.words.plan import Plan


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan is there; files will be written."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class FileWriting:
    """A file has begun."""

    path: str


@dataclass(frozen=True, slots=True)
class FileWritten:
    """A file is whole."""

    path: str
    size: int  #: bytes in UTF-8


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence that the person should know."""

    text: str


@dataclass(frozen=True, slots=True)
class Retrying:
    """The model is asked again, because of this; the first retry is attempt 2."""

    reason: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Continuing:
    """A file was cut off, because of this, and the model goes on where it stopped, for the n-th time."""

    path: str
    reason: str
    round: int


Progress = Planned | FileWriting | FileWritten | Note | Retrying | Continuing
Listener = Callable[[Progress], None]  #: returns at once; it is called on the event loop
