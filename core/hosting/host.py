"""The Host port: keep app instances running, within limits, across restarts of Nexus.

Called by try-outs (an instance with a scratch database), by deployments, and by the reconciler. An instance is one running copy
of an artifact. Instances are children of nobody: they outlive a crash of Nexus, and `instances` finds them again.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from core.ids import AppId, InstanceId
from core.words.walls import Isolation, Limits, Mount


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixAddress:
    """An instance that listens on a unix socket."""

    path: Path

    def __str__(self) -> str:
        return f"unix/{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpAddress:
    """An instance that listens on a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


Address = UnixAddress | TcpAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceSpec:
    """What to run. The host adds to ``env``: PATH, HOME, LANG, TMPDIR and where to listen (``HOST`` and ``PORT``; and
    ``NEXUS_SOCKET``, a unix socket path, where the instance has no network of its own — the platform's start commands
    in `core.frameworks` honour it)."""

    instance: InstanceId
    app: AppId
    folder: Path  #: the artifact's folder on the host: read-only at ``/app`` inside, and the working directory
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[Mount] = ()
    limits: Limits = field(default_factory=lambda: Limits(memory_mb=512, seconds=None))


class InstanceState(enum.StrEnum):
    """Where an instance is."""

    RUNNING = "running"  #: the process is there; whether it answers is for a health check to say
    EXITED = "exited"  #: it ended by itself; see the exit code
    STOPPED = "stopped"  #: it was stopped on request
    UNKNOWN = "unknown"  #: this host never started it, or has forgotten it


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A started instance."""

    instance: InstanceId
    app: AppId
    address: Address
    started_at: datetime
    isolation: Isolation


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What `poll` saw."""

    state: InstanceState
    exit_code: int | None = None
    out_of_memory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Resources in use at this moment."""

    memory_mb: float
    cpu_seconds: float  #: since the start
    pids: int


class Host(ABC):
    """Runs instances.

    The contract, tested on every implementation:

    - `start` with an id that runs already returns that instance and starts nothing;
    - an instance sees its own artifact (read-only), a private ``/tmp``, its mounts, and nothing of Nexus or of another app;
    - its limits hold; reaching the memory limit ends it and `poll` says so; it cannot take the host down with it;
    - `stop` sends SIGTERM, waits ``grace_seconds``, then kills; no process of the instance is left; stopping twice is fine;
    - instances survive the death of the process that started them; a new Host object over the same state finds them;
    - logs are kept, bounded on disk, and survive the instance until `forget`.
    """

    name: str  #: "process", "docker", "swarm"
    isolation: Isolation

    @abstractmethod
    async def start(self, spec: InstanceSpec) -> Instance:
        """Start it; returns as soon as the process exists, before it answers."""

    @abstractmethod
    async def poll(self, instance: InstanceId) -> Status:
        """Look at it now."""

    @abstractmethod
    async def stop(self, instance: InstanceId, *, grace_seconds: float = 5.0) -> None:
        """Stop it and everything it started."""

    @abstractmethod
    async def instances(self, *, ended: bool = False) -> Sequence[Instance]:
        """All that are running now, found again from the host itself; with ``ended`` also those that have ended and of which
        something is kept until `forget`."""

    @abstractmethod
    async def logs(self, instance: InstanceId, *, lines: int = 100) -> Sequence[str]:
        """The last lines printed, oldest first, each at most 2,000 characters; untrusted text."""

    @abstractmethod
    def follow(self, instance: InstanceId, *, lines: int = 0) -> AsyncIterator[str]:
        """The last ``lines``, and lines as they come from now on, none left out between; ends when the instance has ended."""

    @abstractmethod
    async def stats(self, instance: InstanceId) -> Stats | None:
        """Resources in use, None when it is not running."""

    @abstractmethod
    async def forget(self, instance: InstanceId) -> None:
        """Remove what is kept of an ended instance, its logs too."""
