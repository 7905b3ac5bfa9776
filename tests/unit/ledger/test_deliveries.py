"""What people did on a chat platform, until it is done: sealed, leased, taken up once its lease has run out."""

from __future__ import annotations

import asyncio
import os

import pytest
from sqlalchemy import text

from core.ledger.deliveries import Deliveries
from core.ledger.ledger import Ledger
from core.ledger.vault import Vault


@pytest.fixture
async def vault(ledger: Ledger) -> Vault:
    async with ledger.transaction() as t:
        await t.session.execute(text("DELETE FROM deliveries"))
    return Vault([os.urandom(32)])


async def lapse(ledger: Ledger) -> None:
    """Let every lease run out."""
    async with ledger.transaction() as t:
        await t.session.execute(text("UPDATE deliveries SET leased_until = now() - interval '1 second'"))


async def test_what_is_kept_is_in_one_pair_of_hands_until_it_is_done(ledger: Ledger, vault: Vault) -> None:
    kept = Deliveries(ledger, vault, "chat")
    assert {"press 1"} == await kept.keep({"press 1": "what was pressed"})
    assert {"press 2"} == await kept.keep({"press 1": "what was pressed", "press 2": "something else"})
    assert {"press 1"} == await Deliveries(ledger, vault, "another").keep({"press 1": "of another platform"})
    assert [] == list(await kept.take())
    await kept.done(["press 1"])
    assert {"press 1"} == await kept.keep({"press 1": "pressed again", "press 2": "something else"})


async def test_what_every_process_is_told_is_done_by_one_however_late_the_others_hear_of_it(ledger: Ledger, vault: Vault) -> None:
    first, late = (Deliveries(ledger, vault, "chat to all", to_all=True) for _ in range(2))
    at_once = await asyncio.gather(first.keep({"press 1": "a", "press 2": "b"}), late.keep({"press 2": "b", "press 1": "a"}))
    assert [[], ["press 1", "press 2"]] == sorted(sorted(one) for one in at_once)
    await first.done(["press 1", "press 2"])
    assert {"press 3"} == await late.keep({"press 1": "a", "press 3": "c"})
    await lapse(ledger)
    assert ["press 3"] == [one.key for one in await first.take()]


async def test_what_nobody_renews_is_taken_up_once_with_what_it_was(ledger: Ledger, vault: Vault) -> None:
    kept, other = Deliveries(ledger, vault, "chat"), Deliveries(ledger, vault, "chat")
    await kept.keep({f"press {number}": f"button {number}" for number in range(6)})
    await lapse(ledger)
    await kept.renew({"press 0"})
    taken = [one for some in await asyncio.gather(kept.take(), other.take()) for one in some]
    assert {f"press {n}": f"button {n}" for n in range(1, 6)} == {one.key: one.content for one in taken}
    assert {2} == {one.attempts for one in taken}
    assert 5 == len(taken)
    assert [] == list(await other.take())


async def test_what_is_kept_is_sealed(ledger: Ledger, vault: Vault) -> None:
    await Deliveries(ledger, vault, "chat").keep({"form 1": "SMTP_PASSWORD=hunter2"})
    async with ledger.reading() as session:
        rows = "\n".join((await session.execute(text("SELECT row_to_json(d)::text FROM deliveries d"))).scalars())
    assert "form 1" in rows
    assert "hunter2" not in rows


async def test_what_was_sealed_with_a_key_that_is_gone_keeps_nothing_else_from_being_taken_up(
    ledger: Ledger, vault: Vault
) -> None:
    lost = Deliveries(ledger, Vault([os.urandom(32)]), "discord")
    await lost.keep({"a": "nobody can read this"})
    ours = Deliveries(ledger, vault, "discord")
    await ours.keep({"b": "this can be read"})
    await lapse(ledger)
    assert sorted((one.key, one.content) for one in await ours.take()) == [("a", ""), ("b", "this can be read")]
