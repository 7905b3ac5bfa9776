"""Every call of the engine about an app that somebody has, for tests of who may make it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from core.ids import AppId
from core.operations.engine import Engine
from core.words.inbound import Who
from core.words.thread_ref import ThreadRef
from core.words.views import BuildView, DeploymentView
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
    "cards": lambda e, w, s: e.cards(w, s.thread),
    "show_again": lambda e, w, s: e.show_again(w, s.thread),
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
    "check_managing": lambda e, w, s: e.check_managing(w, "shop"),
    "delete": lambda e, w, s: e.delete(w, "shop"),
}
