"""Nobody gets further by what Discord lets them do elsewhere: in another server, in one channel, by somebody else's words."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.discord.people import LIFE
from core.ids import ThreadId
from core.words.inbound import Who
from core.words.thread_ref import ThreadRef
from core.words.views import ThreadView
from tests.contract.discord.inside.house import House, People, Process
from tests.support.discord import render_text


@pytest.mark.parametrize("permission", ["administrator", "manage_guild"])
async def test_what_a_channel_allows_makes_nobody_an_admin_of_the_server(house: House, process: Process, permission: str) -> None:
    house.discord.guild.allow("#general", house.ada, permission)
    await house.ada.slash("#general", "nexus list")
    await house.settled()
    assert isinstance(house.members, People)
    assert house.members.admins == {house.ada.id: False}


async def test_a_reply_deep_in_a_conversation_is_of_the_server_of_that_conversation(
    house: House, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = house.discord.add_guild("Beta")
    second.join(house.ada)
    root = await house.heard(await house.ada.direct("a todo app"))
    house.engine.places[house.ada.dm.id, root.id] = ThreadId("t_todo")
    house.engine.workspace_id = second.id
    house.discord.advance(LIFE + 1)
    card = await house.card(process, house.ada.dm, reply_to=root.id)
    looked: list[tuple[str, str]] = []
    thread_at = house.engine.thread_at

    async def looks(who: Who, ref: ThreadRef) -> ThreadView | None:
        looked.append((who.workspace, ref.workspace))
        return await thread_at(who, ref)

    monkeypatch.setattr(house.engine, "thread_at", looks)
    first = await house.heard(await house.ada.direct("make it blue", reply_to=card))
    await house.heard(await house.ada.direct("no, green", reply_to=first))
    assert looked == [(second.id, second.id)] * 2


async def test_news_go_to_no_channel_that_the_form_could_not_offer(
    house: House, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A changed client may send any id; Discord adds what it knows of those that the person may choose."""
    other = house.discord.add_guild("Beta").channel("general")
    form = await (await house.ada.slash("#general", "nexus notify on")).shown()
    interact = type(house.ada)._interact

    async def forged(user: Any, kind: int, channel: Any, data: dict[str, Any], message: Any = None) -> Any:
        for label in data["components"]:
            if label.get("component", {}).get("type") == 8:
                label["component"]["values"] = [other.id]
        data.pop("resolved", None)
        return await interact(user, kind, channel, data, message)

    monkeypatch.setattr(type(house.ada), "_interact", forged)
    await house.ada.submit(form, {})
    await house.settled()
    assert other.id not in str(house.engine.calls)


async def test_build_this_builds_and_never_runs_the_command_that_somebody_else_wrote(house: House, process: Process) -> None:
    eve = house.discord.guild.add_user("Eve")
    said = await house.heard(await eve.say("#general", "/nexus stop todo"))
    await house.ada.pick(said, "Build this")
    await house.settled()
    assert "stop" not in house.engine.did


@pytest.mark.parametrize("kind", ["text", "announcement"])
async def test_news_go_to_no_channel_that_they_may_not_write_in_themselves(house: House, process: Process, kind: str) -> None:
    board = house.discord.guild.add_channel("board", kind)
    house.discord.guild.deny(board, None, "send_messages")
    form = await (await house.ada.slash("#general", "nexus notify on")).shown()
    refused = await house.ada.submit(form, {"Channel": [board]})
    assert "You may not write in #board" in render_text(await refused.answer())
    assert not house.engine.calls
    chief = house.discord.guild.add_user("Grace", admin=True)
    form = await (await chief.slash("#general", "nexus notify on")).shown()
    await chief.submit(form, {"Channel": [board]})
    await house.settled()
    assert house.engine.did == ["subscribe"]
