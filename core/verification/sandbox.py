"""The Sandbox port: run one command over a file tree, with limits, and say how it ended.

Called by the install and build steps of verification. A sandbox runs to completion; what keeps running (a try-out, a live
app) is a `core.hosting.host.Host`'s business. Code that runs here is hostile until proven otherwise.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.words.walls import Isolation, Limits, Mount, Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run. ``argv[0]`` is an absolute path, valid inside (program folders are mounted at their own paths)."""

    argv: Sequence[str]
    workdir: Path  #: the host folder that becomes ``/app`` (writable) and the working directory
    env: Mapping[str, str] = field(default_factory=dict)  #: the whole environment besides PATH, HOME, LANG, TMPDIR
    mounts: Sequence[Mount] = ()
    network: Network = Network.NONE
    limits: Limits = field(default_factory=Limits)


class Ending(enum.StrEnum):
    """Why a command ended."""

    EXITED = "exited"  #: by itself; see the exit code
    TIMED_OUT = "timed out"  #: over ``limits.seconds``
    OUT_OF_MEMORY = "out of memory"  #: killed for memory, as far as can be told
    SIGNALLED = "signalled"  #: killed by another signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command ended. ``output`` is stdout and stderr interleaved, the last 64 KiB, decoded with replacement."""

    ending: Ending
    exit_code: int
    output: str
    seconds: float

    @property
    def ok(self) -> bool:
        return self.ending is Ending.EXITED and self.exit_code == 0


class Sandbox(ABC):
    """Runs commands.

    The contract, tested on every implementation:

    - nothing outside ``workdir``, the writable mounts and a private ``/tmp`` can be written, and no file of Nexus's own data
      or another app's can be read (Isolation.PROCESS excepted);
    - with Network.NONE no address can be reached (Isolation.NAMESPACES; weaker ones say so through ``isolation``);
    - no environment variable of Nexus is visible inside;
    - when the coroutine returns, is cancelled or fails, no process of the command is left;
    - limits hold, and exceeding one is an Outcome, not an exception.
    """

    isolation: Isolation

    @abstractmethod
    async def run(self, command: Command, *, on_output: Callable[[str], None] | None = None) -> Outcome:
        """Run to the end. ``on_output`` gets decoded pieces as they come.

        Raises:
            MissingPart: the program that makes the walls is not usable any more.
            DiskFull: no room for the working folder.
        """
