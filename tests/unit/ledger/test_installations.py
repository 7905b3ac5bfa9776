"""Who installed Nexus where: tokens are sealed in the database, and of each workspace there is one."""

from __future__ import annotations

import asyncio
import os

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from core.errors import OperatorError
from core.ledger.installations import Installations
from core.ledger.ledger import Ledger
from core.ledger.vault import Vault

TOKEN, SECRET = SecretStr("xoxb-very-secret"), SecretStr("signing-secret")


@pytest.fixture
async def installations(ledger: Ledger) -> Installations:
    async with ledger.transaction() as t:
        await t.session.execute(text("DELETE FROM installations"))
    return Installations(ledger, Vault([os.urandom(32)]))


async def columns(ledger: Ledger) -> str:
    """All that the table holds."""
    async with ledger.reading() as session:
        rows = await session.execute(text("SELECT row_to_json(i)::text FROM installations i"))
        return "\n".join(rows.scalars())


async def test_what_was_saved_is_found_again_and_no_token_stands_in_the_database(
    ledger: Ledger, installations: Installations
) -> None:
    assert await installations.find("chat", "T1") is None
    await installations.save("chat", "T1", name="Team", secrets={"bot": TOKEN, "signing": SECRET}, facts={"scopes": ["say"]})
    found = await installations.find("chat", "T1")
    assert found is not None
    assert ("chat", "T1", "Team", {"scopes": ["say"]}, "") == (
        found.platform,
        found.workspace,
        found.name,
        found.facts,
        found.trouble,
    )
    assert {"bot": TOKEN, "signing": SECRET} == found.secrets
    assert "xoxb-very-secret" not in repr(found)
    kept = await columns(ledger)
    assert "Team" in kept
    assert "very-secret" not in kept
    assert "signing-secret" not in kept


async def test_installing_again_replaces_it_and_ends_its_trouble(installations: Installations) -> None:
    await installations.save("chat", "T1", name="Team", secrets={"bot": TOKEN, "old": SECRET}, facts={"scopes": ["say"]})
    await installations.trouble("chat", "T1", "The token was revoked; install it again.")
    found = await installations.find("chat", "T1")
    assert found is not None
    assert "The token was revoked; install it again." == found.trouble
    await asyncio.gather(
        *(installations.save("chat", "T1", name=f"Team {n}", secrets={"bot": SecretStr(f"new {n}")}) for n in range(4))
    )
    (found,) = await installations.every("chat")
    assert ("", {}, {"bot": SecretStr("new " + found.name.removeprefix("Team "))}) == (found.trouble, found.facts, found.secrets)


async def test_each_platform_has_its_own_and_one_that_is_removed_is_gone_with_its_tokens(
    ledger: Ledger, installations: Installations
) -> None:
    for platform, workspace in (("chat", "T2"), ("chat", "T1"), ("other", "T1")):
        await installations.save(platform, workspace, name=workspace, secrets={"bot": TOKEN})
    assert ["T1", "T2"] == [one.workspace for one in await installations.every("chat")]
    await installations.remove("chat", "T1")
    await installations.remove("chat", "T9")
    assert await installations.find("chat", "T1") is None
    assert ["T2"] == [one.workspace for one in await installations.every("chat")]
    assert ["T1"] == [one.workspace for one in await installations.every("other")]
    assert 2 == len((await columns(ledger)).splitlines())


async def test_trouble_can_pass_and_of_an_unknown_workspace_there_is_none(installations: Installations) -> None:
    await installations.save("chat", "T1", name="Team", secrets={})
    for why in ("It is away.", "It is away.", ""):
        await installations.trouble("chat", "T1", why)
        assert [why] == [one.trouble for one in await installations.every("chat")]
    await installations.trouble("chat", "T9", "It is away.")
    assert await installations.find("chat", "T9") is None


@pytest.mark.parametrize(
    "move",
    [
        "UPDATE installations SET sealed = (SELECT sealed FROM installations WHERE workspace_ref = 'T2') WHERE workspace_ref = 'T1'",
        "UPDATE installations SET sealed = jsonb_build_object('bot', sealed->'signing')",
    ],
    ids=["of another workspace", "of another name"],
)
async def test_a_sealed_value_that_was_moved_does_not_open(ledger: Ledger, installations: Installations, move: str) -> None:
    for workspace in ("T1", "T2"):
        await installations.save("chat", workspace, name="", secrets={"bot": TOKEN, "signing": SECRET})
    async with ledger.transaction() as t:
        await t.session.execute(text(move))
    with pytest.raises(OperatorError, match="cannot be opened"):
        await installations.find("chat", "T1")


async def test_another_key_opens_nothing(ledger: Ledger, installations: Installations) -> None:
    await installations.save("chat", "T1", name="", secrets={"bot": TOKEN})
    with pytest.raises(OperatorError, match="restore the key"):
        await Installations(ledger, Vault([os.urandom(32)])).every("chat")
