"""Who may do what: every method of the engine, for everybody."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Awaitable, Callable

import pytest

from core.errors import Conflict, Forbidden, NotFound
from core.ids import AppId, PrincipalId, ThreadId, WorkspaceId
from core.operations.engine import BuildRequest, Engine
from core.words.inbound import Who
from core.words.thread_ref import ThreadRef
from core.words.views import BuildView, DeploymentView, WorkspaceSettings
from tests.support.engine_house import PICTURE, House, key, version

Call = Callable[[Engine, Who, "Stage"], Awaitable[object]]


class Stage:
    """Ada's app, live as v2, with a question about v3 and a thread."""

    def __init__(self, build: BuildView, deployment: DeploymentView, app: AppId) -> None:
        assert build.approval is not None
        assert build.thread is not None
        self.build, self.deployment, self.app = build, deployment, app
        self.approval, self.thread = build.approval.approval, build.thread


async def staged(house: House, ada: Who) -> Stage:
    await house.live(ada, "shop")
    deployment = await house.live(ada, "shop", 2)
    build = await house.built(ada, "shop", version(3))
    return Stage(build, deployment, build.app)


def request(slug: str = "shop") -> dict[str, object]:
    return {
        "name": slug,
        "files": version(9),
        "framework": "fastapi",
        "dependencies": {},
        "requires_database": True,
        "key": key(),
    }


NEWS = ThreadRef(platform="fake", workspace="w", channel="news", thread="")

#: What everybody who sees the app may do: its owner, the workspace's owner, a named approver.
SEEING: dict[str, Call] = {
    "app": lambda e, w, s: e.app(w, "shop"),
    "build_view": lambda e, w, s: e.build_view(w, s.build.build),
    "builds": lambda e, w, s: e.builds(w, "shop"),
    "wait_build": lambda e, w, s: e.wait_build(w, s.build.build),
    "files": lambda e, w, s: e.files(w, s.build.build),
    "file": lambda e, w, s: e.file(w, s.build.build, "app/version.py"),
    "picture": lambda e, w, s: e.picture(w, s.build.build, PICTURE.digest),
    "releases": lambda e, w, s: e.releases(w, "shop"),
    "logs": lambda e, w, s: e.logs(w, "shop"),
    "settings": lambda e, w, s: e.settings(w, "shop"),
    "database": lambda e, w, s: e.database(w, "shop"),
    "usage": lambda e, w, s: e.usage(w, "shop"),
    "deployment_of": lambda e, w, s: e.deployment_of(w, s.build.build),
    "wait_deployment": lambda e, w, s: e.wait_deployment(w, s.deployment.deployment),
    "thread": lambda e, w, s: e.thread(w, s.thread),
    "messages": lambda e, w, s: e.messages(w, s.thread),
    "thread_ref": lambda e, w, s: e.thread_ref(w, s.thread),
    "subscribe": lambda e, w, s: e.subscribe(w, NEWS, "shop", ["live"]),
    "unsubscribe": lambda e, w, s: e.unsubscribe(w, NEWS, "shop"),
    "approve": lambda e, w, s: e.approve(w, s.approval),
    "discard": lambda e, w, s: e.discard(w, s.approval),
}

#: What changes the app: its owner and the workspace's owner.
CHANGING: dict[str, Call] = {
    "change": lambda e, w, s: e.change(w, "shop", "add a field", key=key()),
    "retry": lambda e, w, s: e.retry(w, s.build.build, key=key()),
    "fix": lambda e, w, s: e.fix(w, "shop", key=key()),
    "push": lambda e, w, s: e.push(w, **request()),  # type: ignore[arg-type]
    "cancel": lambda e, w, s: e.cancel(w, s.build.build),
    "rollback": lambda e, w, s: e.rollback(w, "shop", 1, with_data=False, key=key()),
    "start": lambda e, w, s: e.start(w, "shop", key=key()),
    "restart": lambda e, w, s: e.restart(w, "shop", key=key()),
    "stop": lambda e, w, s: e.stop(w, "shop"),
    "set_settings": lambda e, w, s: e.set_settings(w, "shop", set={"A": "1"}, unset=[], key=key()),
    "reveal": lambda e, w, s: e.reveal(w, "shop"),
    "delete": lambda e, w, s: e.delete(w, "shop"),
}

#: What is anybody's own: of nobody else's app.
OWN = {"principal", "workspace", "set_workspace", "build", "apps", "threads", "latest", "watch", "events", "last_event"} | {
    "provision_tenant",
    "tenants",
    "drop_tenant",
    "follow_logs",
    "thread_at",  # answers None
    "subscriptions",
}


def test_every_method_of_the_engine_has_a_place_in_the_tables() -> None:
    methods = {name for name, _ in inspect.getmembers(Engine, inspect.isfunction) if not name.startswith("_")}
    assert set() == methods - SEEING.keys() - CHANGING.keys() - OWN


async def test_who_cannot_see_an_app_is_told_that_there_is_none_whatever_they_try(house: House) -> None:
    stage = await staged(house, await house.member("ada"))
    eve = await house.member("eve")
    nobody = Who(principal=PrincipalId("p_none"), workspace=eve.workspace, name="Nobody")
    elsewhere = Who(principal=eve.principal, workspace=WorkspaceId("w_none"), name="Eve")
    for who in (eve, nobody, elsewhere):
        for name, call in (SEEING | CHANGING).items():
            with pytest.raises((NotFound, Conflict)) as refused:
                await call(house.engine, who, stage)
            assert isinstance(refused.value, NotFound) or "is taken" in refused.value.message, name
    with pytest.raises(NotFound):
        async for _ in house.engine.follow_logs(eve, "shop"):
            pass
    await house.assert_live("shop", 2, releases=[1, 2])


async def test_a_named_approver_sees_all_of_it_and_changes_nothing(house: House) -> None:
    you, bob = await house.you(), await house.member("bob")
    stage = await staged(house, await house.member("ada"))
    await house.engine.set_workspace(you, WorkspaceSettings(approvers="named", named_approvers=["bob"]))
    for name, call in CHANGING.items():
        with pytest.raises(Forbidden):
            await call(house.engine, bob, stage)
            pytest.fail(name)
    for call in SEEING.values():
        with contextlib.suppress(Conflict):  # approved and so not discarded any more
            await call(house.engine, bob, stage)
    assert ["shop"] == [app.slug for app in await house.engine.apps(bob)]
    assert [stage.thread] == [thread.thread for thread in await house.engine.threads(bob)]


@pytest.mark.parametrize("name", ["ada", "you"])
async def test_its_owner_and_the_owner_of_the_workspace_may_do_everything(house: House, name: str) -> None:
    ada = await house.member("ada")
    stage = await staged(house, ada)
    who = ada if name == "ada" else await house.you()
    for call in (SEEING | CHANGING).values():
        with contextlib.suppress(Conflict):  # some cannot be done after others; nothing is forbidden
            await house.reconciled(call(house.engine, who, stage))  # type: ignore[arg-type]
    assert "deleted" == (await house.row("shop")).actual


async def test_lists_and_streams_show_everybody_their_own_and_the_owner_all(house: House) -> None:
    you, ada, eve = await house.you(), await house.member("ada"), await house.member("eve")
    of_ada = await house.built(ada, "adas")
    of_eve = await house.built(eve, "eves")
    seen = {who.name: {app.slug for app in await house.engine.apps(who)} for who in (you, ada, eve)}
    assert {"You": {"adas", "eves"}, "ada": {"adas"}, "eve": {"eves"}} == seen
    threads = {who.name: {thread.app for thread in await house.engine.threads(who)} for who in (you, ada, eve)}
    assert seen == threads
    told: set[str] = set()
    async with contextlib.aclosing(house.engine.events(eve)) as events:
        async for event in events:
            told.add(event.app)
            if event.fact.kind == "approval.requested":
                break
    assert {of_eve.app} == told
    moved = set()
    async with contextlib.aclosing(house.engine.watch(eve, after=0)) as watched:  # type: ignore[type-var]
        async for item in watched:
            moved.add(item.thread)
            break
    assert {of_eve.thread} == moved
    assert of_ada.thread not in moved


async def test_a_thread_whose_app_is_not_theirs_is_not_a_place_to_build_in(house: House) -> None:
    ada, eve = await house.member("ada"), await house.member("eve")
    build = await house.built(ada, "shop")
    view = await house.engine.build(eve, BuildRequest(description="mine"), thread=build.thread, key=key())
    assert view.thread != build.thread
    with pytest.raises(NotFound):
        await house.engine.messages(eve, ThreadId(str(build.thread)))


async def test_a_member_whose_threads_are_older_than_those_of_many_others_still_finds_them(house: House) -> None:
    ada, eve = await house.member("ada"), await house.member("eve")
    mine = await house.engine.build(ada, BuildRequest(description="mine"), key=key())
    for number in range(205):
        await house.engine.build(eve, BuildRequest(description=f"number {number}", name=f"eve-{number}"), key=key())
    assert [mine.thread] == [thread.thread for thread in await house.engine.threads(ada)]
    assert 200 == len(await house.engine.threads(eve))
