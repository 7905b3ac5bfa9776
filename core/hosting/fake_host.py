"""A Host in memory: keeps the states of instances, and runs nothing.

Used by tests of whatever calls a `Host`. Two hosts over the same `Machine` see the same instances, as two processes of Nexus on
one machine would. A test says what an instance does with `Machine.prints` and `Machine.ends`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from core.errors import InvalidInput
from core.hosting.host import Host, Instance, InstanceSpec, InstanceState, Stats, Status, UnixAddress
from core.ids import InstanceId
from core.words.walls import Isolation

_LINES = 10_000
_LINE = 2_000


@dataclass(slots=True, kw_only=True)
class _Kept:
    spec: InstanceSpec
    instance: Instance
    status: Status
    lines: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def touch(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class Machine:
    """What outlives a `FakeHost`."""

    def __init__(self) -> None:
        self.kept: dict[InstanceId, _Kept] = {}
        self.started: list[InstanceSpec] = []  #: every real start, in order

    def prints(self, instance: InstanceId, *lines: str) -> None:
        """Let the instance print."""
        kept = self.kept[instance]
        kept.lines += [line[:_LINE] for line in lines]
        del kept.lines[:-_LINES]
        kept.touch()

    def ends(self, instance: InstanceId, *, exit_code: int = 0, out_of_memory: bool = False) -> None:
        """Let the instance end by itself."""
        kept = self.kept[instance]
        if kept.status.state is InstanceState.RUNNING:
            kept.status = Status(state=InstanceState.EXITED, exit_code=exit_code, out_of_memory=out_of_memory)
            kept.touch()


class FakeHost(Host):
    """Keeps the contract's states over ``machine``."""

    name = "process"

    def __init__(self, machine: Machine | None = None, *, isolation: Isolation = Isolation.NAMESPACES) -> None:
        self.machine = machine or Machine()
        self.isolation = isolation

    def _running(self, instance: InstanceId) -> _Kept | None:
        kept = self.machine.kept.get(instance)
        return kept if kept is not None and kept.status.state is InstanceState.RUNNING else None

    async def start(self, spec: InstanceSpec) -> Instance:
        if running := self._running(spec.instance):
            return running.instance
        if not spec.folder.is_dir():
            raise InvalidInput(f"The artifact {str(spec.folder)!r} is not there any more; build it again.")
        instance = Instance(
            instance=spec.instance,
            app=spec.app,
            address=UnixAddress(path=Path("/run/nexus") / spec.instance / "http.sock"),
            started_at=datetime.now(UTC),
            isolation=self.isolation,
        )
        before = self.machine.kept.get(spec.instance)
        self.machine.kept[spec.instance] = _Kept(
            spec=spec,
            instance=instance,
            status=Status(state=InstanceState.RUNNING),
            lines=before.lines if before is not None else [],
        )
        self.machine.started.append(spec)
        return instance

    async def poll(self, instance: InstanceId) -> Status:
        kept = self.machine.kept.get(instance)
        return Status(state=InstanceState.UNKNOWN) if kept is None else kept.status

    async def stop(self, instance: InstanceId, *, grace_seconds: float = 5.0) -> None:
        if kept := self._running(instance):
            kept.status = Status(state=InstanceState.STOPPED, exit_code=143)
            kept.touch()

    async def instances(self, *, ended: bool = False) -> Sequence[Instance]:
        return [kept.instance for kept in self.machine.kept.values() if ended or kept.status.state is InstanceState.RUNNING]

    async def logs(self, instance: InstanceId, *, lines: int = 100) -> Sequence[str]:
        kept = self.machine.kept.get(instance)
        return kept.lines[-lines:] if kept is not None and lines > 0 else []

    async def follow(self, instance: InstanceId, *, lines: int = 0) -> AsyncIterator[str]:
        kept = self.machine.kept.get(instance)
        if kept is None:
            return
        seen = max(0, len(kept.lines) - lines)
        while True:
            changed = kept.changed
            while seen < len(kept.lines):
                seen += 1
                yield kept.lines[seen - 1]
            if kept.status.state is not InstanceState.RUNNING:
                return
            await changed.wait()

    async def stats(self, instance: InstanceId) -> Stats | None:
        return Stats(memory_mb=32.0, cpu_seconds=0.1, pids=1) if self._running(instance) else None

    async def forget(self, instance: InstanceId) -> None:
        if self._running(instance):
            raise InvalidInput(f"{instance!r} is running; stop it before it is forgotten.")
        self.machine.kept.pop(instance, None)
