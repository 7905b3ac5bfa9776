"""One person's way through the journey: who they are, what they have open, and what is done in another way on their platform.

A step may differ from how it is done elsewhere only where `substitutes` lists it. What is listed is tried all the same: as soon as the
platform can do it as the others do, the list is wrong, and the test says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.journey.parity.people import Cannot, Person, Shown, status
from tests.support.nexus import Nexus
from tests.support.writing_house import Scene

T = TypeVar("T")
NONE = Shown(words="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitute:
    """What stands in for something that one platform does not have."""

    why: str  #: what the platform lacks
    instead: str  #: what people there do, or see
    way: Callable[..., Awaitable[Any]]  #: called with the walk and what the usual way is called with


@dataclass(slots=True, kw_only=True)
class Walk:
    """Where somebody is on their way."""

    person: Person
    nexus: Nexus
    scene: Scene  #: what the model says that writes the app of notes
    substitutes: Mapping[tuple[str, str], Substitute]  #: by what differs and the platform
    told: list[str] = field(default_factory=list)  #: which of them have stood in
    todos: Any = None  #: the thread of the app that the starter writes
    notes: Any = None  #: the thread of the app that the model writes
    card: Shown = NONE  #: the newest card of todos that can be used
    note: Shown = NONE  #: the newest card of notes that can be used

    async def do(self, what: str, way: Callable[..., Awaitable[T]], *args: Any) -> T:
        """By the way that is the same everywhere or, where it is listed for this platform and cannot be gone, by its substitute."""
        listed, where = self.substitutes.get((what, self.person.platform)), f"on {self.person.platform} {what}"
        try:
            done = await way(self, *args)
        except Cannot as why:
            if listed is None:
                raise AssertionError(f"{where} is not as elsewhere, and no substitute is listed: {why}") from why
            self.told.append(what)
        else:
            assert listed is None, f"{where} is as elsewhere: take it off the list of substitutes"
            return done
        found: T = await listed.way(self, *args)
        return found

    async def statuses(self, thread: Any) -> list[str]:
        """The words beside the titles of a thread's cards."""
        return [status(card.words) for card in await self.person.cards(thread)]

    @property
    def listed(self) -> set[str]:
        """What is listed for this platform."""
        return {what for what, platform in self.substitutes if platform == self.person.platform}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the journey."""

    name: str
    does: Callable[[Walk], Awaitable[Any]]
    sees: Callable[[Walk, Any], Awaitable[None]]
