"""The HTTP API: what the chat can do, the API can do.

`add_api` is called once by the composition root. Each handler reads a shape, calls the engine, and answers with a shape; authentication,
reading, errors and streaming are `adapters.api.routing`'s.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from pydantic import BaseModel

from adapters.api import document, shapes
from adapters.api.authentication import Authentication
from adapters.api.generation import GenerationCalls
from adapters.api.hosting import HostingCalls
from adapters.api.routing import Call, Route, add_routes
from core.errors import Forbidden
from core.hosting.edge import Edge
from core.ids import LOCAL_PLATFORM, LOCAL_USER, ApprovalId, BuildId, PrincipalId, TenantId
from core.operations.engine import Engine
from core.words.views import AppView, BuildView, TenantView


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """What the routes are given."""

    engine: Engine
    authentication: Authentication
    edge: Edge
    signin_link: Callable[[PrincipalId], Awaitable[str]]  #: a one-time link to the page for this principal


def add_api(site: web.Application, api: Api) -> None:
    """Add the API's routes, its document and its page."""
    table = routes(api)
    add_routes(site, table, api.authentication, api.engine)
    document.add_document(site, table, api.edge.base_url)


def routes(api: Api) -> list[Route]:
    """The typed route table."""
    apps = AppCalls(api)
    tenants = TenantCalls(api)
    generation = GenerationCalls(api.engine, api.edge)
    hosting = HostingCalls(api.engine, api.edge)
    return [
        *generation.routes(),
        *tenants.routes(),
        *hosting.routes(),
        *apps.routes(),
    ]


class TenantCalls:
    """Databases of one's own."""

    def __init__(self, api: Api) -> None:
        self._engine = api.engine

    def routes(self) -> list[Route]:
        base = "/api/v1/tenants"
        return [
            Route(method="POST", path=f"{base}/provision", handler=self.provision, scope="manage", status=201,
                  summary="Make a database that belongs to no app", answer=shapes.TenantAnswer),
            Route(method="GET", path=f"{base}/me", handler=self.mine, scope="read",
                  summary="The caller's databases", answer=shapes.TenantsAnswer),
            Route(method="DELETE", path=base + "/{id}", handler=self.drop, scope="manage",
                  summary="Remove a database that belongs to no app", answer=shapes.Done),
        ]  # fmt: skip

    async def provision(self, call: Call) -> BaseModel:
        return _tenant(await self._engine.provision_tenant(call.who))

    async def mine(self, call: Call) -> BaseModel:
        return shapes.TenantsAnswer(tenants=[_tenant(view) for view in await self._engine.tenants(call.who)])

    async def drop(self, call: Call) -> BaseModel:
        await self._engine.drop_tenant(call.who, TenantId(call.request.match_info["id"]))
        return shapes.Done(status="deleted")


class AppCalls:
    """Apps, builds, approvals."""

    def __init__(self, api: Api) -> None:
        self._engine = api.engine
        self._signin_link = api.signin_link

    def routes(self) -> list[Route]:
        app, build = "/api/v1/apps/{app}", "/api/v1/builds/{build}"
        return [
            Route(method="GET", path="/api/v1/apps", handler=self.list, scope="read",
                  summary="The apps that the caller can see", answer=shapes.AppsAnswer),
            Route(method="GET", path=app, handler=self.show, scope="read", summary="One app", answer=shapes.AppAnswer),
            Route(method="DELETE", path=app, handler=self.delete, scope="manage",
                  summary="Delete an app and its database, after a last snapshot", answer=shapes.Done),
            Route(method="POST", path=app + "/changes", handler=self.change, scope="build", body=shapes.ChangeRequest,
                  summary="Change an app, in words; answers when built and tried", answer=shapes.BuildAnswer, streams=True),
            Route(method="GET", path=app + "/releases", handler=self.releases, scope="read",
                  summary="An app's releases", answer=shapes.ReleasesAnswer),
            Route(method="POST", path=app + "/rollback", handler=self.rollback, scope="deploy", body=shapes.RollbackRequest,
                  summary="Bring a kept release back", answer=shapes.Done, streams=True),
            Route(method="POST", path=app + "/stop", handler=self.stop, scope="manage", summary="Stop an app", answer=shapes.Done),
            Route(method="POST", path=app + "/start", handler=self.start, scope="manage", summary="Start an app", answer=shapes.Done),
            Route(method="POST", path=app + "/restart", handler=self.restart, scope="manage",
                  summary="Restart an app without a failed request", answer=shapes.Done),
            Route(method="GET", path=app + "/logs", handler=self.logs, scope="read",
                  summary="The last lines an app printed (`?lines=`)", answer=shapes.LogsAnswer),
            Route(method="GET", path=app + "/settings", handler=self.settings, scope="read",
                  summary="The names of an app's settings", answer=shapes.SettingsAnswer),
            Route(method="PUT", path=app + "/settings", handler=self.set_settings, scope="manage", body=shapes.SettingsRequest,
                  summary="Set and unset settings; applied by a restart that fails safely", answer=shapes.SettingsAnswer),
            Route(method="GET", path=build, handler=self.build, scope="read", summary="One build", answer=shapes.BuildAnswer),
            Route(method="POST", path=build + "/cancel", handler=self.cancel, scope="build", summary="Cancel a build",
                  answer=shapes.Done),
            Route(method="POST", path="/api/v1/signin-links", handler=self.signin, scope="manage", body=shapes.SigninRequest, status=201,
                  summary="A one-time link that signs a browser in; for the workspace's owner", answer=shapes.SigninAnswer),
            Route(method="POST", path="/api/v1/approvals/{approval}/discard", handler=self.discard, scope="deploy",
                  summary="Say no to a build", answer=shapes.Done),
        ]  # fmt: skip

    async def list(self, call: Call) -> BaseModel:
        return shapes.AppsAnswer(apps=[_app(view) for view in await self._engine.apps(call.who)])

    async def show(self, call: Call) -> BaseModel:
        return _app(await self._engine.app(call.who, _slug(call)))

    async def delete(self, call: Call) -> BaseModel:
        snapshot = await self._engine.delete(call.who, _slug(call))
        return shapes.Done(status="deleted", detail=f"A last snapshot is kept as {snapshot}." if snapshot else "")

    async def change(self, call: Call) -> BaseModel:
        begun = await self._engine.change(call.who, _slug(call), call.body.text, key=call.key)
        call.progress(begun.app)
        return _build(await self._engine.wait_build(call.who, begun.build))

    async def releases(self, call: Call) -> BaseModel:
        found = await self._engine.releases(call.who, _slug(call))
        return shapes.ReleasesAnswer(
            releases=[
                shapes.ReleaseAnswer(release=r.number, live=r.live, kept=r.kept, has_data=r.has_data, summary=r.summary, at=r.at)
                for r in found
            ]
        )

    async def rollback(self, call: Call) -> BaseModel:
        begun = await self._engine.rollback(call.who, _slug(call), call.body.release, with_data=call.body.with_data, key=call.key)
        call.progress(begun.app)
        return HostingCalls.done(await self._engine.wait_deployment(call.who, begun.deployment))

    async def stop(self, call: Call) -> BaseModel:
        await self._engine.stop(call.who, _slug(call))
        return shapes.Done(status="stopped")

    async def start(self, call: Call) -> BaseModel:
        begun = await self._engine.start(call.who, _slug(call), key=call.key)
        return HostingCalls.done(await self._engine.wait_deployment(call.who, begun.deployment))

    async def restart(self, call: Call) -> BaseModel:
        begun = await self._engine.restart(call.who, _slug(call), key=call.key)
        return HostingCalls.done(await self._engine.wait_deployment(call.who, begun.deployment))

    async def logs(self, call: Call) -> BaseModel:
        wanted = call.request.query.get("lines", "100")
        lines = min(max(int(wanted), 1), 1000) if wanted.isdecimal() else 100
        return shapes.LogsAnswer(lines=await self._engine.logs(call.who, _slug(call), lines))

    async def settings(self, call: Call) -> BaseModel:
        version, names = await self._engine.settings(call.who, _slug(call))
        return shapes.SettingsAnswer(version=version, names=names)

    async def set_settings(self, call: Call) -> BaseModel:
        begun = await self._engine.set_settings(call.who, _slug(call), set=call.body.set, unset=call.body.unset, key=call.key)
        if begun is not None:
            HostingCalls.done(await self._engine.wait_deployment(call.who, begun.deployment))
        return await self.settings(call)

    async def build(self, call: Call) -> BaseModel:
        return _build(await self._engine.build_view(call.who, BuildId(call.request.match_info["build"])))

    async def cancel(self, call: Call) -> BaseModel:
        await self._engine.cancel(call.who, BuildId(call.request.match_info["build"]))
        return shapes.Done(status="cancelled")

    async def signin(self, call: Call) -> BaseModel:
        if call.claims.subject != LOCAL_USER:
            raise Forbidden("Only the owner of this Nexus makes sign-in links; `nexus signin` is theirs.")
        principal = await self._engine.principal(LOCAL_PLATFORM, call.body.user)
        return shapes.SigninAnswer(url=await self._signin_link(principal.principal))

    async def discard(self, call: Call) -> BaseModel:
        await self._engine.discard(call.who, ApprovalId(call.request.match_info["approval"]))
        return shapes.Done(status="discarded")


def _slug(call: Call) -> str:
    return call.request.match_info["app"]


def _app(view: AppView) -> shapes.AppAnswer:
    return shapes.AppAnswer(
        app=view.slug,
        name=view.name,
        state=view.state.value,
        framework=view.framework,
        url=view.url,
        release=view.release,
        owner=view.owner,
        created_at=view.created_at,
    )


def _build(view: BuildView) -> shapes.BuildAnswer:
    return shapes.BuildAnswer(
        build_id=view.build,
        app=view.slug,
        number=view.number,
        state=view.state.value,
        evidence=view.evidence,
        reason=view.reason,
        log_tail=view.log_tail,
        approval_id=view.approval.approval if view.approval is not None else None,
        approval_state=view.approval.state if view.approval is not None else None,
    )


def _tenant(view: TenantView) -> shapes.TenantAnswer:
    return shapes.TenantAnswer(
        tenant_id=view.tenant,
        database=view.database,
        role=view.role,
        connection_string=view.url.get_secret_value(),
        app=view.app,
        size_limit_mb=view.size_limit_mb,
        connections=view.connections,
        created_at=view.created_at,
    )
