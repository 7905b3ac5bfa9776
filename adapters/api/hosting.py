"""Hosting over the API: services, which are apps seen from where they run."""

from __future__ import annotations

from pydantic import BaseModel

from adapters.api import shapes
from adapters.api.generation import approved, checked, deploy_answer
from adapters.api.routing import Call, Route
from core.errors import Conflict, NotFound, NotHealthy
from core.files import FileTree
from core.frameworks.registry import framework as framework_named
from core.hosting.edge import Edge
from core.ids import BuildId
from core.operations.engine import Engine
from core.words.inbound import Who
from core.words.views import AppView, DeploymentState, DeploymentView


class HostingCalls:
    """Services."""

    def __init__(self, engine: Engine, edge: Edge) -> None:
        self._engine = engine
        self._edge = edge

    def routes(self) -> list[Route]:
        base = "/api/v1/hosting/services"
        return [
            Route(method="GET", path=base, handler=self.list, scope="read", summary="The caller's services",
                  answer=shapes.ServicesAnswer),
            Route(method="POST", path=base, handler=self.create, scope="build", status=201, body=shapes.ServiceRequest,
                  summary="A service from files; answers when they are built and tried", answer=shapes.ServiceAnswer, streams=True),
            Route(method="POST", path=base + "/{id}/deployments", handler=self.deploy, scope="deploy",
                  body=shapes.ServiceDeployRequest, summary="Deploy a build of a service, or roll it back",
                  answer=shapes.DeployAnswer, streams=True),
            Route(method="POST", path=base + "/{id}/start", handler=self.start, scope="manage",
                  summary="Start a stopped service", answer=shapes.DeployAnswer),
        ]  # fmt: skip

    async def list(self, call: Call) -> BaseModel:
        return shapes.ServicesAnswer(services=[self._service(view) for view in await self._engine.apps(call.who)])

    async def create(self, call: Call) -> BaseModel:
        body: shapes.ServiceRequest = call.body
        begun = await self._engine.push(
            call.who,
            name=body.name,
            files=FileTree([(file.path, file.content) for file in body.files]),
            framework=framework_named(body.framework).name,
            dependencies=body.dependencies,
            requires_database=body.requires_database,
            key=call.key,
        )
        call.progress(begun.app)
        view = checked(await self._engine.wait_build(call.who, begun.build))
        return self._service(await self._engine.app(call.who, view.slug))

    async def deploy(self, call: Call) -> BaseModel:
        body: shapes.ServiceDeployRequest = call.body
        app = await self._app(call.who, call.request.match_info["id"])
        call.progress(app.app)
        if body.release is not None:
            begun = await self._engine.rollback(call.who, app.slug, body.release, with_data=body.with_data, key=call.key)
        else:
            builds = await self._engine.builds(call.who, app.slug)
            build = BuildId(body.build_id) if body.build_id else next((b.build for b in builds if b.approval is not None), None)
            if build is None or build not in {b.build for b in builds}:
                raise NotFound(f"{app.slug!r} has no such build that could be deployed.")
            view = await self._engine.build_view(call.who, build)
            if view.approval is None:
                raise Conflict("That build is not ready; wait for it, or look at why it failed.")
            begun = approved(await self._engine.approve(call.who, view.approval.approval, view.artifact))
        over = await self._engine.wait_deployment(call.who, begun.deployment)
        return await deploy_answer(self._engine, self._edge, call.who, over)

    async def start(self, call: Call) -> BaseModel:
        app = await self._app(call.who, call.request.match_info["id"])
        begun = await self._engine.start(call.who, app.slug, key=call.key)
        over = await self._engine.wait_deployment(call.who, begun.deployment)
        return await deploy_answer(self._engine, self._edge, call.who, over)

    @staticmethod
    def done(view: DeploymentView) -> shapes.Done:
        """A deployment that is over, in a word.

        Raises:
            NotHealthy: it failed; with the reason and the log tail.
        """
        if view.state is not DeploymentState.LIVE:
            raise NotHealthy(f"It failed at {view.stage}: {view.reason}", log_tail=view.log_tail)
        return shapes.Done(status="live", detail=f"v{view.release} at {view.url}")

    async def _app(self, who: Who, service: str) -> AppView:
        for view in await self._engine.apps(who):
            if service in (view.app, view.slug):
                return view
        raise NotFound("There is no such service of yours.")

    def _service(self, view: AppView) -> shapes.ServiceAnswer:
        return shapes.ServiceAnswer(
            service_id=view.app,
            name=view.slug,
            state=view.state.value,
            domain=self._edge.host(view.slug),
            url=view.url,
            release=view.release,
            framework=view.framework,
        )
