"""What a channel is, by what Discord says of it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from adapters.discord.calls import Calls
from adapters.discord.channels import Channel, Channels, Kind
from adapters.discord.faults import ChannelClosed, DiscordRefusal


class Answering:
    """Answers what it is given, and counts."""

    def __init__(self, answer: dict[str, Any] | DiscordRefusal) -> None:
        self.answer = answer
        self.asked = 0

    async def call(self, method: str, path: str, **more: object) -> dict[str, Any]:
        self.asked += 1
        if isinstance(self.answer, DiscordRefusal):
            raise self.answer
        return self.answer


def channels(answering: Answering) -> Channels:
    return Channels(cast(Calls, answering))


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (0, Kind.TEXT),
        (1, Kind.DIRECT),
        (2, Kind.OTHER),
        (5, Kind.TEXT),
        (11, Kind.THREAD),
        (12, Kind.THREAD),
        (15, Kind.POSTS),
        (16, Kind.POSTS),
    ],
)
async def test_a_channel_is_what_its_number_says(number: int, kind: Kind) -> None:
    found = await channels(Answering({"id": "7", "type": number, "parent_id": "5"})).look("7")
    assert found == Channel(id="7", kind=kind, parent="5")


async def test_a_forum_that_needs_a_tag_has_those_that_anybody_may_set() -> None:
    tags = [{"id": "1", "moderated": True}, {"id": "2", "moderated": False}]
    needs = await channels(Answering({"id": "7", "type": 15, "flags": 16, "available_tags": tags})).look("7")
    needs_not = await channels(Answering({"id": "7", "type": 15, "flags": 0, "available_tags": tags})).look("7")
    assert (needs.tags, needs_not.tags) == (("2",), ())


async def test_that_a_channel_is_direct_messages_is_asked_once_and_known_forever() -> None:
    answering = Answering({"id": "7", "type": 1})
    there = channels(answering)
    assert [await there.is_direct("7") for _ in range(3)] == [True] * 3
    there.direct("8")
    assert await there.is_direct("8")
    assert answering.asked == 1


async def test_a_channel_that_cannot_be_seen_is_no_direct_messages_for_now() -> None:
    answering = Answering(ChannelClosed("It cannot be seen."))
    there = channels(answering)
    assert not await there.is_direct("7")
    answering.answer = {"id": "7", "type": 1}
    assert await there.is_direct("7")
