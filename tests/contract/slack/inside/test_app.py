"""Everything that people do in Slack reaches the engine, and its answer reaches whoever asked."""

from __future__ import annotations

from tests.contract.slack.inside.house import House, Process
from tests.support.slack import render_text


async def test_a_build_is_asked_for_in_the_channel_where_it_was_typed(house: House, process: Process) -> None:
    receipt = await house.ada.command("/nexus", "build a todo app")
    assert receipt.acknowledged
    await house.settled()
    assert house.engine.did == ["build"]
    place, seen = house.engine.where[0]
    assert place is not None
    assert (place.platform, place.channel, place.thread, place.user) == ("slack", house.general, "", house.ada.id)
    assert not seen
    assert house.engine.askers[0].name == "Ada"
    assert "It is being built" in house.told(house.ada)[0]
    assert not house.public()
