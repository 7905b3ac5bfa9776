"""Links work once, sessions end, and the store knows no token."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from adapters.web.session import LINK_LIFE, SESSION_LIFE, MemorySessionStore, Sessions
from tests.support.fake_engine import ADA


class _Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def _sessions() -> tuple[Sessions, MemorySessionStore, _Clock]:
    store, clock = MemorySessionStore({ADA.principal: ADA}), _Clock()
    return Sessions(store, now=clock), store, clock


async def test_a_link_signs_in_once() -> None:
    sessions, _, _ = _sessions()
    token = await sessions.create_link(ADA.principal)
    assert await sessions.redeem(token) == ADA
    assert await sessions.redeem(token) is None


async def test_of_many_who_open_a_link_at_once_one_gets_in() -> None:
    sessions, _, _ = _sessions()
    token = await sessions.create_link(ADA.principal)
    found = await asyncio.gather(*(sessions.redeem(token) for _ in range(20)))
    assert [who for who in found if who] == [ADA]


async def test_a_link_is_forgotten_after_a_quarter_of_an_hour() -> None:
    sessions, _, clock = _sessions()
    token = await sessions.create_link(ADA.principal)
    clock.now += LINK_LIFE
    assert await sessions.redeem(token) is None


async def test_a_session_lasts_until_it_ends_or_is_ended() -> None:
    sessions, _, clock = _sessions()
    token, other = await sessions.issue(ADA.principal), await sessions.issue(ADA.principal)
    clock.now += SESSION_LIFE - timedelta(seconds=1)
    assert await sessions.find(token) == ADA
    await sessions.revoke(token)
    assert await sessions.find(token) is None
    assert await sessions.find(other) == ADA
    clock.now += timedelta(seconds=1)
    assert await sessions.find(other) is None


async def test_the_store_sees_no_token() -> None:
    sessions, store, _ = _sessions()
    link, session = await sessions.create_link(ADA.principal), await sessions.issue(ADA.principal)
    assert link not in str(store.links)
    assert session not in str(store.sessions)


async def test_a_link_is_not_a_session_nor_the_other_way_round() -> None:
    sessions, _, _ = _sessions()
    assert await sessions.find(await sessions.create_link(ADA.principal)) is None
    assert await sessions.redeem(await sessions.issue(ADA.principal)) is None


async def test_nonsense_is_nobody() -> None:
    sessions, _, _ = _sessions()
    for token in ("", "x", "\ud800", "a" * 100_000):
        assert await sessions.find(token) is None
        assert await sessions.redeem(token) is None
