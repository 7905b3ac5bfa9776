"""Two processes on one ledger: whatever reaches both has one effect and one answer."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from core.ledger.inbox import LedgerInbox
from core.ledger.ledger import Ledger
from core.people import People
from tests.contract.slack.inside.house import furnished
from tests.support import stories
from tests.support.ledger import ledger, migrated, postgres
from tests.support.slack import render_text

__all__ = ["ledger", "migrated", "postgres"]


async def test_clicks_of_two_people_and_of_a_restless_one_are_each_done_once(ledger: Ledger) -> None:
    async with AsyncExitStack() as stack:
        house = await furnished(stack, inbox=LedgerInbox(ledger), members=People(ledger))
        first, _ = await house.process(), await house.process()
        grace = house.slack.workspace.add_user("Grace", is_admin=True)
        thread = await house.app_thread()
        value = f"{stories.APPROVAL} {stories.BUILD} {stories.DIGEST[:23]}"
        button = {"type": "button", "action_id": "approve", "text": {"type": "plain_text", "text": "Approve"}, "value": value}
        await first.calls.call(
            house.slack.workspace.id,
            "chat.postMessage",
            channel=house.general,
            thread_ts=thread,
            text="review",
            blocks=[{"type": "actions", "elements": [button]}],
        )
        card = house.slack.messages("#general", thread)[-1]
        receipts = await asyncio.gather(*(who.press(card, "Approve") for who in (house.ada, grace, house.ada)))
        for receipt in receipts:
            await receipt.again()
            await receipt.again()
        await house.settled()
        assert (
            house.engine.did == ["approve"] * 3
        )  # each is another's, or another time's: which one counts is the approval's to say
        assert len(house.told(house.ada)) == 2
        assert len(house.told(grace)) == 1


async def test_a_log_that_one_process_follows_is_stopped_at_the_other(ledger: Ledger) -> None:
    async with AsyncExitStack() as stack:
        house = await furnished(stack, inbox=LedgerInbox(ledger), members=People(ledger))
        first, second = await house.process(), await house.process(sockets=False)
        thread = await house.app_thread()
        await house.ada.say("#general", "nexus logs", thread)
        await house.settled()
        await house.ada.press(house.private(house.ada)[0], action_id="follow")
        await house.settled()
        message = house.slack.messages("#general", thread)[-1]
        await second.tails.stop(house.slack.workspace.id, house.general, message.ts)
        await house.slack.wait_for(lambda: not first.tails.following)
        assert "not followed any more" in render_text(message)


async def test_admins_of_slack_are_owners_of_the_workspace(ledger: Ledger) -> None:
    async with AsyncExitStack() as stack:
        people = People(ledger)
        house = await furnished(stack, inbox=LedgerInbox(ledger), members=people)
        process = await house.process(sockets=False)
        group = house.slack.workspace.add_group("reviewers", [house.ada])
        ada = await process.people.who(house.slack.workspace.id, house.ada.id)
        assert (ada.name, ada.groups) == ("Ada", {group.id})
        await process.people.keep_names(ada, house.slack.workspace.id, [group.id, house.ada.id])
        assert await people.names(ada, [group.id, house.ada.id]) == {group.id: "@reviewers", house.ada.id: "Ada"}
