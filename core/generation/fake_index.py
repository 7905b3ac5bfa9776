"""The PackageIndex port's fake: it knows what it was given, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Iterable

from core.generation.index import IndexUnreachable, PackageFacts, PackageIndex
from core.generation.packages import Registry


class FakeIndex(PackageIndex):
    """These packages, the same for every registry; ``unreachable`` answers nobody."""

    def __init__(self, packages: Iterable[PackageFacts] = (), *, unreachable: bool = False) -> None:
        self._packages = {facts.name: facts for facts in packages}
        self.unreachable = unreachable
        self.asked: list[tuple[Registry, str]] = []

    async def look_up(self, registry: Registry, name: str) -> PackageFacts | None:
        self.asked.append((registry, name))
        if self.unreachable:
            raise IndexUnreachable("The package index gave no answer; try again when it can be reached.")
        return self._packages.get(name)
