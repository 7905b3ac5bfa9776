"""Two processes on one ledger: Discord tells both of everything, and each thing has one effect and one answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from adapters.discord.inbound import OPEN_FORM
from core.ledger.deliveries import Deliveries
from core.ledger.inbox import LedgerInbox
from core.ledger.ledger import Ledger
from core.ledger.vault import Vault
from core.people import People
from core.words.cards import Button
from tests.contract.discord.inside.house import House, furnished
from tests.support import stories
from tests.support.discord import render_text
from tests.support.ledger import ledger, migrated, postgres

__all__ = ["ledger", "migrated", "postgres"]


@pytest.fixture
async def both(ledger: Ledger) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        kept = Deliveries(ledger, Vault([os.urandom(32)]), "discord", to_all=True)
        house = await furnished(stack, inbox=LedgerInbox(ledger), members=People(ledger), kept=kept)
        await house.process(patient=True)
        await house.process(patient=True)
        yield house
        await house.settled()
        assert house.discord.violations == []


async def test_whatever_both_are_told_has_one_effect_and_one_answer(both: House) -> None:
    thread = await both.app_thread()
    card = await both.card(both.processes[0], thread, Button(action="restart", value="todo", label="Restart"))
    listed = await both.ada.slash("#general", "nexus list")
    built = await both.ada.slash("#general", "nexus build", description="a todo app")
    pressed = await both.ada.click(card, "Restart")
    await both.heard(await both.ada.say(thread, "make it blue"))
    await both.heard(await both.ada.mention_bot("#general", "a shop for books"))
    form = await (await both.ada.slash("#general", "nexus build")).shown()
    sent = await both.ada.submit(form, {"What should it do?": "a list of plants"})
    await both.settled()
    assert sorted(map(str, both.engine.did)) == ["build", "build", "build", "change", "restart"]
    for done in (listed, built, pressed, sent):
        assert done.acknowledged, done.error
        assert len(done.messages) == 1
        assert done.interaction is not None
        assert not done.interaction.refusals, "the other process kept out of it"


async def test_clicks_of_two_people_and_of_a_restless_one_are_each_done_once(both: House) -> None:
    grace = both.discord.guild.add_user("Grace", admin=True)
    value = f"{stories.APPROVAL} {stories.BUILD} {stories.DIGEST[:23]}"
    approve = Button(action="approve", value=value, label="Approve")
    card = await both.card(both.processes[0], await both.app_thread(), approve)
    await asyncio.gather(*(who.click(card, "Approve") for who in (both.ada, grace, both.ada)))
    await both.settled()
    assert both.engine.did == ["approve"] * 3  # which of them counts is the approval's to say
    assert (len(both.told(both.ada)), len(both.told(grace))) == (2, 1)


async def test_what_was_filled_in_is_opened_again_by_the_process_that_has_it(both: House) -> None:
    card = await both.card(both.processes[0], await both.app_thread(), Button(action="delete", value="todo", label="Delete…"))
    for _ in range(2):
        form = await (await both.ada.click(card, "Delete…")).shown()
        refused = await (await both.ada.submit(form, {"Type the app's name to confirm": "tudo"})).answer()
        again = await (await both.ada.click(refused, custom_id=OPEN_FORM)).shown()
        assert "tudo" in render_text(again)


async def test_a_log_that_one_process_follows_is_stopped_at_the_other(both: House) -> None:
    thread = await both.app_thread()
    card = await both.card(both.processes[0], thread, Button(action="follow", value="todo", label="Follow"))
    await both.ada.click(card, "Follow")
    await both.settled()
    message = both.discord.messages(thread)[-1]
    assert "Log of todo" in render_text(message)
    stopped = await both.ada.click(message, "Stop")
    assert stopped.acknowledged, stopped.error
    await both.discord.wait_for(lambda: not any(one.tails.following for one in both.processes))
    assert "not followed any more" in render_text(message)


async def test_who_manages_the_server_is_an_owner_of_the_workspace_and_names_are_kept(ledger: Ledger) -> None:
    async with AsyncExitStack() as stack:
        people = People(ledger)
        house = await furnished(stack, inbox=LedgerInbox(ledger), members=people)
        await house.process()
        role = house.discord.guild.add_role("reviewers")
        chief = house.discord.guild.add_user("Grace", admin=True, roles=[role])
        await chief.slash("#general", "nexus build", description="a todo app")
        await house.settled()
        (grace,) = house.engine.askers
        assert grace.name == "Grace"
        assert role.id in grace.groups
        await people.check_deciding(grace)
        assert await people.last_workspace("discord", chief.id) == house.guild
