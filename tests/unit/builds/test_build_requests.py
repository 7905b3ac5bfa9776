"""Asking for builds: names, keys and threads are given once, however many ask at once."""

from __future__ import annotations

import asyncio

import pytest

from core.errors import Conflict, InvalidInput, NotFound
from core.generation.fake_model import FakeModel, files, planned
from core.ids import ThreadId
from core.ledger.messages import Messages
from core.operations.engine import BuildRequest
from core.words.plan import Plan
from core.words.views import MessageView, ThreadView
from tests.support.engine_house import House, key, version


async def test_the_same_key_is_the_same_build_though_many_ask_at_once(house: House) -> None:
    you, same = await house.you(), key()
    views = await asyncio.gather(*(house.engine.build(you, BuildRequest(description="a shop"), key=same) for _ in range(8)))
    assert 1 == len({view.build for view in views})
    assert 1 == len(await house.engine.apps(you))


async def test_many_apps_of_one_name_at_once_get_names_of_their_own(house: House) -> None:
    you = await house.you()
    views = await asyncio.gather(*(house.engine.build(you, BuildRequest(description="a shop"), key=key()) for _ in range(6)))
    assert {"a-shop", *(f"a-shop-{n}" for n in range(2, 7))} == {view.slug for view in views}


async def test_of_many_who_want_exactly_this_name_one_gets_it(house: House) -> None:
    you = await house.you()
    done = await asyncio.gather(
        *(house.engine.build(you, BuildRequest(description="a shop", name="mine"), key=key()) for _ in range(5)),
        return_exceptions=True,
    )
    assert 4 == sum(isinstance(answer, Conflict) for answer in done)


async def test_many_plans_of_one_name_at_once_give_names_of_their_own(house: House) -> None:
    you = await house.you()
    plan = Plan(name="Shop", framework="fastapi", summary="A shop.", requires_database=False)
    house.models._models["fake"] = FakeModel([planned(plan)], [files({})])
    views = [await house.engine.build(you, BuildRequest(description=f"number {n}"), key=key()) for n in range(4)]
    await asyncio.gather(*(house.worker().builds.advance(view.build) for view in views))
    assert {"shop", "shop-2", "shop-3", "shop-4"} == {app.slug for app in await house.engine.apps(you)}


async def test_one_build_of_an_app_at_a_time(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    done = await asyncio.gather(
        *(house.engine.change(you, "shop", f"add field {n}", key=key()) for n in range(5)), return_exceptions=True
    )
    assert 4 == sum(isinstance(answer, Conflict) for answer in done)


async def test_a_new_app_takes_over_a_thread_without_one_and_whoever_watches_is_told(house: House) -> None:
    you = await house.you()
    thread = await Messages(house.ledger).open(you.workspace, "Hello", "opened")
    watching = house.engine.watch(you, after=await house.engine.latest(you))
    first = asyncio.ensure_future(anext(watching))
    view = await house.engine.build(you, BuildRequest(description="a shop"), thread=thread, key=key())
    assert thread == view.thread
    async with asyncio.timeout(10):
        told: MessageView | ThreadView = await first
    assert isinstance(told, ThreadView)
    assert (thread, "a-shop") == (told.thread, told.app)
    await watching.aclose()  # type: ignore[attr-defined]
    other = await house.engine.build(you, BuildRequest(description="another"), thread=thread, key=key())
    assert thread != other.thread
    with pytest.raises(NotFound):
        await house.engine.build(you, BuildRequest(description="x"), thread=ThreadId("t_none"), key=key())


async def test_two_apps_at_once_in_one_thread_get_a_thread_each(house: House) -> None:
    you = await house.you()
    thread = await Messages(house.ledger).open(you.workspace, "Hello", "opened")
    views = await asyncio.gather(
        *(house.engine.build(you, BuildRequest(description=f"app {n}"), thread=thread, key=key()) for n in range(4))
    )
    assert 4 == len({view.thread for view in views})
    assert thread in {view.thread for view in views}


async def test_files_that_wait_for_approval_already_are_not_verified_twice(house: House) -> None:
    you = await house.you()
    first = await house.built(you, "shop")
    assert first.build == (await house.built(you, "shop")).build
    assert first.build != (await house.built(you, "shop", version(2))).build
    with pytest.raises(Conflict, match="taken"):
        await house.built(await house.member("eve"), "shop")


@pytest.mark.parametrize("words", ["", " \n", "\0"])
async def test_who_says_nothing_is_told_what_to_say(house: House, words: str) -> None:
    with pytest.raises(InvalidInput, match="for example"):
        await house.engine.build(await house.you(), BuildRequest(description=words), key=key())


async def test_text_that_no_database_takes_is_taken_nevertheless(house: House) -> None:
    you = await house.you()
    view = await house.engine.build(you, BuildRequest(description="a shop \ud800 with \0 things"), key=key())
    assert "a shop ? with  things" == view.text
