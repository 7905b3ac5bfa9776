"""The Home tab shows what there is, when it is opened, after what is done there, and while somebody looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from adapters.slack.home import LOOKING
from core.words.views import AppState, WorkspaceSettings
from tests.contract.slack.inside.house import House, Process
from tests.support.slack import SlackUser, View, render_text
from tests.unit.conversation.test_dialogue import app


def shown(house: House, user: SlackUser) -> View:
    view = house.slack.home(user)
    assert view is not None
    return view


async def open_home(house: House) -> str:
    assert (await house.ada.open_home()).acknowledged
    await house.settled()
    return render_text(shown(house, house.ada))


async def test_it_shows_the_apps_the_settings_and_the_usage(house: House, process: Process) -> None:
    house.engine.decided = WorkspaceSettings(approvers="named", named_approvers=["U0GRACE", "U0EVE"])
    process.people._members.kept = {"U0GRACE": "Grace"}  # type: ignore[attr-defined]
    text = await open_home(house)
    for words in ("Todo", "http://todo.localhost:8080", "Tracker", "Grace, U0EVE", "1, 1 live", "Builds this month", "1,200"):
        assert words in text


async def test_it_leads_to_the_threads(house: House, process: Process) -> None:
    thread = await house.app_thread()
    await open_home(house)
    links = [
        element["url"]
        for block in shown(house, house.ada).blocks
        for element in block.get("elements", [])
        if element.get("text") and "url" in element and element["type"] == "button"
    ]
    assert any(thread.replace(".", "") in link for link in links)


async def test_only_admins_can_change_the_settings_there(house: House, process: Process) -> None:
    assert "Approvals…" not in await open_home(house)
    house.ada.person.is_admin = True
    house.slack.advance(1000)
    assert "Approvals…" in await open_home(house)


async def test_the_messages_tab_is_not_the_home_tab(house: House, process: Process) -> None:
    assert (await house.ada.open_home("messages")).acknowledged
    await house.settled()
    assert house.slack.home(house.ada) is None


async def test_a_press_there_is_answered_there_and_shown_there(house: House, process: Process) -> None:
    await open_home(house)
    house.engine.apps_there = [app("todo", AppState.STOPPED)]
    await house.ada.press(shown(house, house.ada), action_id="stop")
    await house.settled()
    assert house.engine.calls == [("stop", "todo")]
    assert "todo is stopped" in render_text(house.modal(house.ada))
    assert "stopped" in render_text(shown(house, house.ada))
    assert not house.direct(house.ada)


async def test_a_log_that_is_asked_for_there_is_a_modal(house: House, process: Process) -> None:
    await open_home(house)
    await house.ada.press(shown(house, house.ada), action_id="logs")
    await house.settled()
    assert "line 99" in render_text(house.modal(house.ada))


async def test_a_modal_in_a_modal_lies_above_it(house: House, process: Process) -> None:
    await open_home(house)
    await house.ada.press(shown(house, house.ada), action_id="logs")
    await house.settled()
    await house.ada.press(house.modal(house.ada), action_id="logfile")
    await house.settled()
    (sent,) = house.slack.files()
    assert sent.name == "todo.log"
    assert len(house.slack.views(house.ada)) == 2


async def test_an_app_that_is_built_from_there_has_its_thread_in_the_direct_messages(house: House, process: Process) -> None:
    await open_home(house)
    await house.ada.press(shown(house, house.ada), action_id="build")
    await house.settled()
    await house.ada.submit(house.modal(house.ada), {"What should it do?": "a todo app"})
    await house.settled()
    place, _ = house.engine.where[0]
    assert place is not None
    assert (place.channel, place.thread, place.user) == (house.ada.dm, "", house.ada.id)


async def test_a_tab_that_would_show_the_same_is_not_published_again(house: House, process: Process) -> None:
    await open_home(house)
    await process.homes.publish(house.slack.workspace.id, house.ada.id)
    assert len(house.slack.called("views.publish")) == 1
    await open_home(house)
    assert len(house.slack.called("views.publish")) == 2


async def test_while_somebody_looks_what_changes_is_shown(house: House, process: Process) -> None:
    await open_home(house)
    house.slack.workspace.add_user("Grace")  # does not look
    woken: asyncio.Queue[None] = asyncio.Queue()

    async def wakes() -> AsyncGenerator[None, None]:
        while True:
            yield await woken.get()

    running = asyncio.create_task(process.homes.run(wakes()))
    try:
        house.engine.apps_there = [app("garden", AppState.LIVE)]
        woken.put_nowait(None)
        await house.slack.wait_for(lambda: "Garden" in render_text(shown(house, house.ada)))
        assert {call.args["user_id"] for call in house.slack.called("views.publish")} == {house.ada.id}
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_for_who_has_not_looked_for_long_nothing_is_published(house: House, process: Process) -> None:
    await open_home(house)
    house.slack.advance(LOOKING + 1)
    house.engine.apps_there = []

    async def wakes() -> AsyncGenerator[None, None]:
        yield

    await process.homes.run(wakes())
    assert len(house.slack.called("views.publish")) == 1


async def test_a_tab_that_slack_does_not_take_is_no_defect(house: House, process: Process) -> None:
    house.slack.fault("views.publish", error="not_enabled")
    assert (await house.ada.open_home()).acknowledged
    await house.settled()
    assert house.slack.home(house.ada) is None
