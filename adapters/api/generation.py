"""The two calls that most clients need: generate an app, and deploy it. Both answer when the work is over."""

from __future__ import annotations

import contextlib

from pydantic import BaseModel

from adapters.api import shapes
from adapters.api.routing import Call, Route
from core.builds.requests import BuildRequest
from core.errors import BuildFailed, Conflict, Forbidden, InvalidInput, NotHealthy, OperatorError
from core.files import FileTree
from core.frameworks.registry import framework as framework_named
from core.hosting.edge import Edge
from core.ids import AppId, BuildId
from core.operations.engine import Engine
from core.words.attachment import attachment
from core.words.inbound import Who
from core.words.plan import FRAMEWORK_NAMES, FrameworkName
from core.words.views import BuildState, BuildView, DeploymentState, DeploymentView


class GenerationCalls:
    """Generate and deploy."""

    def __init__(self, engine: Engine, edge: Edge) -> None:
        self._engine = engine
        self._edge = edge

    def routes(self) -> list[Route]:
        return [
            Route(method="POST", path="/api/ai/generate/app", also=("/ai/generate/app",), handler=self.generate, scope="build",
                  summary="Write an app from a description, build it and try it", body=shapes.GenerateRequest,
                  answer=shapes.GenerateAnswer, streams=True),
            Route(method="POST", path="/api/ai/deploy/app", also=("/ai/deploy/app",), handler=self.deploy, scope="deploy",
                  summary="Approve a build, or files, and take it live", body=shapes.DeployRequest, answer=shapes.DeployAnswer,
                  streams=True),
        ]  # fmt: skip

    async def generate(self, call: Call) -> BaseModel:
        body: shapes.GenerateRequest = call.body
        begun = await self._engine.build(
            call.who,
            BuildRequest(
                description=body.description,
                framework=_framework(body.framework) if body.framework else None,
                features=tuple(body.features),
                styling=body.styling,
                provider=body.provider,
                name=body.app_name,
                attachments=[attachment(file.name, file.data) for file in body.attachments],
            ),
            key=call.key,
        )
        call.progress(begun.app)
        view = await self._ready(call.who, begun.build)
        tree = await self._engine.files(call.who, view.build)
        plan = view.plan
        assert plan is not None
        return shapes.GenerateAnswer(
            files=[shapes.SourceFile(path=path, content=content) for path, content in tree.items()],
            dependencies=view.dependencies,
            instructions=view.instructions,
            requires_database=plan.requires_database,
            build_id=view.build,
            app=view.slug,
            framework=plan.framework,
            summary=plan.summary,
            resources=[resource.name for resource in plan.resources],
            evidence=view.evidence,
            approval_id=view.approval.approval if view.approval is not None else "",
            artifact=view.artifact or "",
        )

    async def deploy(self, call: Call) -> BaseModel:
        body: shapes.DeployRequest = call.body
        begun = await self._begun(call, body)
        call.progress(begun.app)
        view = await self._ready(call.who, begun.build)
        deployment = await self._deployed(call.who, view)
        return await deploy_answer(self._engine, self._edge, call.who, deployment)

    async def _begun(self, call: Call, body: shapes.DeployRequest) -> BuildView:
        if body.build_id:
            view = await self._engine.build_view(call.who, BuildId(body.build_id))
            if body.app_name and body.app_name != view.slug:
                raise InvalidInput(f"`app_name` is {body.app_name[:60]!a}, and the build is one of {view.slug!r}; leave one out.")
            return view
        if not body.app_name:
            raise InvalidInput("Say what to deploy: a `build_id`, or `app_name`, `files` and `framework`.")
        if not body.framework:
            raise InvalidInput(f"Say which `framework` the files are for: {', '.join(FRAMEWORK_NAMES)}.")
        return await self._engine.push(
            call.who,
            name=body.app_name,
            files=FileTree([(file.path, file.content) for file in body.files]),
            framework=_framework(body.framework),
            dependencies=body.dependencies,
            requires_database=body.requires_database,
            key=call.key,
        )

    async def _ready(self, who: Who, build: BuildId) -> BuildView:
        return checked(await self._engine.wait_build(who, build))

    async def _deployed(self, who: Who, view: BuildView) -> DeploymentView:
        """Approve what waits for approval; what was approved before is looked at, never deployed twice."""
        assert view.approval is not None
        if view.approval.state == "approved":
            known = await self._engine.deployment_of(who, view.build)
            if known is not None and known.state is not DeploymentState.FAILED:
                return await self._engine.wait_deployment(who, known.deployment)
        if view.approval.state == "pending" and view.approval.refusal:
            raise Forbidden(view.approval.refusal)
        begun = approved(await self._engine.approve(who, view.approval.approval, view.artifact))
        return await self._engine.wait_deployment(who, begun.deployment)


def approved(begun: DeploymentView | None) -> DeploymentView:
    """The deployment that the approval has begun.

    Raises:
        Conflict: a second person must approve too.
    """
    if begun is None:
        raise Conflict("Your yes is noted. It removes data, so a second person must approve it too; then it is deployed.")
    return begun


def checked(view: BuildView) -> BuildView:
    """A build that is ready.

    Raises:
        Conflict: it was cancelled.
        InvalidInput: nothing can be made of what was asked for.
        OperatorError: this Nexus could not build just now.
        BuildFailed: the app does not work; with its log tail.
    """
    if view.state is BuildState.READY:
        return view
    if view.state is BuildState.CANCELLED:
        raise Conflict("The build was cancelled; ask again.")
    if view.stage == "write":
        raise InvalidInput(view.reason)
    if view.stage == "prepare":
        raise OperatorError(view.reason)
    raise BuildFailed(view.reason, log_tail=view.log_tail)


async def deploy_answer(engine: Engine, edge: Edge, who: Who, view: DeploymentView) -> shapes.DeployAnswer:
    """A live deployment as the promised shape. The database's password is in it for those who may change the app; who may only approve
    gets the same addresses without it.

    Raises:
        NotHealthy: it failed; with the reason and the log tail.
    """
    if view.state is not DeploymentState.LIVE:
        raise NotHealthy(f"The deployment failed at {view.stage}: {view.reason}", log_tail=view.log_tail)
    environment = {"PLATFORM_API_URL": edge.platform_api_url}
    database = None
    if view.database is not None:
        facts = view.database
        inside = outside = f"postgresql://{facts.role}@{facts.host}:{facts.port}/{facts.name}"
        with contextlib.suppress(Forbidden):
            revealed = await engine.reveal(who, view.slug)
            inside, outside = revealed.app_url.get_secret_value(), revealed.url.get_secret_value()
        environment["DATABASE_URL"] = inside
        database = shapes.DatabaseAnswer(
            tenant_id=view.database.tenant,
            connection_string=outside,
            name=view.database.name,
            role=view.database.role,
        )
    return shapes.DeployAnswer(
        deployment_id=view.deployment,
        status="deployed",
        app_url=view.url,
        release=view.release,
        database=database,
        hosting=shapes.HostingAnswer(service_id=AppId(view.app), domain=edge.host(view.slug)),
        environment=environment,
    )


def _framework(name: str) -> FrameworkName:
    return framework_named(name).name
