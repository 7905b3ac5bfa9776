"""What was done, or refused, while the ledger was away is not done once more when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pytest
import structlog

from core.conversation import journal as module
from core.conversation.journal import Journal
from core.errors import TemporaryError
from core.ledger.deliveries import Delivery
from tests.support.passing_clock import PassingClock


@dataclass(frozen=True)
class Press:
    key: str


class Ledger:
    """Keeps under a lease that has always run out, unless it is away."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.away = False
        self.hangs: asyncio.Event | None = None
        self.looks = 0

    async def keep(self, contents: Mapping[str, str]) -> Collection[str]:
        if self.hangs is not None:
            await self.hangs.wait()
        self.kept |= contents
        return set(contents)

    async def done(self, keys: Collection[str]) -> None:
        self._there()
        for key in keys:
            self.kept.pop(key, None)

    async def renew(self, keys: Collection[str]) -> None:
        self._there()

    async def take(self) -> Sequence[Delivery]:
        self._there()
        self.looks += 1
        return [Delivery(key=key, content=content, attempts=2) for key, content in self.kept.items()]

    def _there(self) -> None:
        if self.away:
            raise TemporaryError("The ledger is away.")


async def taken_up(journal: Journal[Press], ledger: Ledger) -> list[Press]:
    """What is begun when somebody looks for what was left behind."""
    begun: list[Press] = []

    async def begin(told: Press) -> None:
        begun.append(told)

    running = asyncio.create_task(journal.run(begin))
    while not ledger.looks:  # noqa: ASYNC110 - nobody tells of a look
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return begun


async def test_what_was_kept_and_could_not_be_forgotten_is_forgotten_when_the_ledger_is_back() -> None:
    ledger = Ledger()
    journal = Journal(ledger, [Press], clock=PassingClock())
    assert await journal.keep(Press(key="press"))
    ledger.away = True
    await journal.done(Press(key="press"))
    ledger.away = False
    assert "press" in ledger.kept
    assert await taken_up(journal, ledger) == []


async def test_what_cannot_be_read_is_given_up_and_nothing_of_it_is_logged() -> None:
    ledger = Ledger()
    ledger.kept["form"] = '{"kind": "Press", "told": {"value": "s3cr3t"}}'
    with structlog.testing.capture_logs() as logged:
        assert await taken_up(Journal(ledger, [Press], clock=PassingClock()), ledger) == []
    assert ledger.kept == {}
    (told,) = logged
    assert told["key"] == "form"
    assert not told.get("exc_info"), "it repeats what it could not read"
    assert "s3cr3t" not in str(told)


async def test_what_was_kept_too_late_is_forgotten_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    ledger = Ledger()
    ledger.hangs = asyncio.Event()
    journal = Journal(ledger, [Press], clock=PassingClock())
    assert await journal.keep(Press(key="press"))
    await journal.done(Press(key="press"))
    ledger.hangs.set()
    while not ledger.kept:  # noqa: ASYNC110 - nobody tells when it is kept
        await asyncio.sleep(0)
    assert await taken_up(journal, ledger) == []
