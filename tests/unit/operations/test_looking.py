"""The list of apps: each as its one word says, and however many there are, in as many questions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sqlalchemy import event, update

from core.ledger.tables import App
from core.words.inbound import Who
from core.words.views import AppState, BuildView
from tests.support.engine_house import House, key, version


@contextlib.contextmanager
def asked(house: House) -> Iterator[list[str]]:
    """The statements that the ledger is asked meanwhile."""
    statements: list[str] = []

    def heard(*told: object) -> None:
        statements.append(str(told[2]))

    engine = house.ledger.engine.sync_engine
    event.listen(engine, "before_cursor_execute", heard)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", heard)


async def begun(house: House, who: Who, slug: str) -> BuildView:
    """A build that nobody has taken up."""
    return await house.engine.push(
        who, name=slug, files=version(1), framework="fastapi", dependencies={}, requires_database=False, key=key()
    )


async def test_each_app_and_its_thread_have_the_word_for_how_it_is(house: House) -> None:
    you = await house.you()
    await begun(house, you, "building")
    await house.built(you, "review")
    discarded = await house.built(you, "failed")
    assert discarded.approval is not None
    await house.engine.discard(you, discarded.approval.approval)
    await house.approved(you, await house.built(you, "deploying"))
    for slug in ("live", "stopped", "crashed", "deleted"):
        await house.live(you, slug)
    await begun(house, you, "live")  # what is live stays so while a change is built
    await house.reconciled(house.engine.stop(you, "stopped"))
    await house.reconciled(house.engine.delete(you, "deleted"))
    async with house.ledger.transaction() as t:
        await t.session.execute(update(App).where(App.slug == "crashed").values(crashed=True))

    words = {view.app: view.state for view in await house.engine.threads(you)}
    assert {state.value: state for state in AppState} == words
    there = await house.engine.apps(you)
    assert {slug: state for slug, state in words.items() if slug != "deleted"} == {view.slug: view.state for view in there}
    assert there == [await house.engine.app(you, view.slug) for view in there]
    assert {view.slug for view in there if view.url} == {"live", "stopped", "crashed"}
    assert {(you.name, True)} == {(view.owner, view.thread is not None) for view in there}


async def test_many_apps_are_listed_in_as_many_questions_as_few(house: House) -> None:
    you = await house.you()
    await begun(house, you, "first")
    with asked(house) as of_few:
        await house.engine.apps(you)
        await house.engine.threads(you)
    for number in range(5):
        await begun(house, you, f"app-{number}")
    with asked(house) as of_many:
        assert 6 == len(await house.engine.apps(you))
        assert 6 == len(await house.engine.threads(you))
    assert len(of_few) == len(of_many)
