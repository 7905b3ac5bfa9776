"""Who may do what over the API: tokens, what belongs to somebody else, and secrets that stay with their owner."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import jwt
import pytest

from tests.support.nexus import Nexus, User


def forged(nexus: Nexus, *, key: bytes | None = None, algorithm: str = "HS256", **claims: object) -> str:
    now = datetime.now(UTC)
    whole = {"iss": "nexus", "aud": "nexus-api", "sub": "alice", "scope": "read", "iat": now, "exp": now + timedelta(hours=1)}
    whole = {name: value for name, value in (whole | claims).items() if value is not None}
    return jwt.encode(whole, key or nexus.folder.secret("tokens"), algorithm=algorithm)


def unsigned() -> str:
    def part(value: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    claims = {"iss": "nexus", "aud": "nexus-api", "sub": "alice", "scope": "read build", "exp": 4_000_000_000}
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."


async def test_a_call_without_a_token_is_told_how_to_get_one(nexus: Nexus) -> None:
    for method, path in (("GET", "/api/v1/apps"), ("POST", "/api/ai/generate/app"), ("POST", "/ai/deploy/app")):
        answer = await nexus.request(method, path)
        assert "nexus token" in answer.problem(401, "unauthenticated")["detail"]
        assert "Bearer" == answer.headers["WWW-Authenticate"]


async def test_expired_foreign_and_forged_tokens_are_refused(nexus: Nexus) -> None:
    hour = timedelta(hours=1)
    tokens = {
        "expired": nexus.token(life=timedelta(seconds=-1)),
        "of another Nexus": forged(nexus, key=b"k" * 32),
        "for somebody else's API": forged(nexus, aud="other"),
        "of another issuer": forged(nexus, iss="other"),
        "without an end": forged(nexus, exp=None),
        "not valid yet": forged(nexus, nbf=datetime.now(UTC) + hour),
        "without a subject": forged(nexus, sub=None),
        "unsigned": unsigned(),
        "of another algorithm": forged(nexus, key=b"k" * 64, algorithm="HS512"),
        "no token at all": "x",
        "cut short": nexus.token()[:-3],
    }
    for what, token in tokens.items():
        answer = await User(nexus, "alice", token).get("/api/v1/apps")
        assert 401 == answer.status, what
        assert "nexus token" in answer.problem(401, "unauthenticated")["detail"]
        assert 401 == (await User(nexus, "alice", token).call("GET", "/chat/threads")).status, what
    assert "expired" in (await User(nexus, "alice", tokens["expired"]).get("/api/v1/apps")).json["detail"]


@pytest.mark.parametrize("header", ["", "Basic abc", "Bearer", "Bearer ", "bearer"])
async def test_an_authorization_header_that_is_no_bearer_token_is_refused(nexus: Nexus, header: str) -> None:
    assert (await nexus.request("GET", "/api/v1/apps", headers={"Authorization": header})).problem(401)["detail"]


async def test_a_token_may_do_what_its_scopes_say(nexus: Nexus) -> None:
    calls = {
        "read": ("GET", "/api/v1/apps"),
        "build": ("POST", "/api/ai/generate/app"),
        "deploy": ("POST", "/api/ai/deploy/app"),
        "manage": ("POST", "/api/v1/tenants/provision"),
    }
    for scope, (method, path) in calls.items():
        others = nexus.user("carol", scopes=[other for other in calls if other != scope])
        assert repr(scope) in (await others.call(method, path, {})).problem(403, "forbidden")["detail"]
    assert 200 == (await nexus.user("carol", scopes=["read"]).get("/api/v1/apps")).status


@pytest.mark.parametrize("subject", ["", "x" * 201, "a\nb", "\x00"])
async def test_a_subject_that_is_no_user_name_is_refused(nexus: Nexus, subject: str) -> None:
    assert (await User(nexus, "?", forged(nexus, sub=subject)).get("/api/v1/apps")).status in {400, 401}


async def test_a_user_id_in_the_body_must_be_the_callers(nexus: Nexus, bob: User, todos: dict[str, Any]) -> None:
    for body in ({"description": "x", "user_id": "alice"}, {"description": "x", "user_id": ""}):
        assert (await bob.post("/api/ai/generate/app", body)).problem(403, "forbidden")["detail"]
    foreign = {"build_id": todos["build_id"], "user_id": "alice"}
    assert (await bob.post("/api/ai/deploy/app", foreign)).problem(403, "forbidden")["detail"]


async def test_what_belongs_to_somebody_else_is_not_there(alice: User, bob: User, todos: dict[str, Any]) -> None:
    app, build, approval = todos["app"], todos["build_id"], todos["approval_id"]
    service = todos["deployed"]["hosting"]["service_id"]
    tenant = todos["deployed"]["database"]["tenant_id"]
    calls = [
        *(("GET", f"/api/v1/apps/{app}{rest}", None) for rest in ("", "/releases", "/logs", "/settings")),
        ("POST", f"/api/v1/apps/{app}/changes", {"text": "make it mine"}),
        ("POST", f"/api/v1/apps/{app}/rollback", {"release": 1}),
        *(("POST", f"/api/v1/apps/{app}/{verb}", None) for verb in ("stop", "start", "restart")),
        ("PUT", f"/api/v1/apps/{app}/settings", {"set": {"A": "b"}}),
        ("DELETE", f"/api/v1/apps/{app}", None),
        ("GET", f"/api/v1/builds/{build}", None),
        ("POST", f"/api/v1/builds/{build}/cancel", None),
        ("POST", f"/api/v1/approvals/{approval}/discard", None),
        ("POST", "/api/ai/deploy/app", {"build_id": build}),
        ("POST", f"/api/v1/hosting/services/{service}/start", None),
        ("POST", f"/api/v1/hosting/services/{service}/deployments", {}),
        ("DELETE", f"/api/v1/tenants/{tenant}", None),
        ("GET", f"/builds/{build}.zip", None),
        ("GET", f"/apps/{app}/log", None),
    ]
    for method, path, body in calls:
        answer = await bob.call(method, path, body)
        assert 404 == answer.status, f"{method} {path}: {answer.status} {answer.text[:300]}"
        assert "alice" not in answer.text
        assert tenant not in answer.text.replace(path, "")
    assert app not in (await bob.get("/api/v1/apps")).text
    assert app not in (await bob.get("/api/v1/hosting/services")).text
    assert tenant not in (await bob.get("/api/v1/tenants/me")).text
    assert 200 == (await alice.get(f"/api/v1/apps/{app}")).status


async def test_somebody_elses_app_is_no_other_answer_than_one_that_does_not_exist(bob: User, todos: dict[str, Any]) -> None:
    theirs = (await bob.get(f"/api/v1/apps/{todos['app']}")).problem(404)
    nobodys = (await bob.get("/api/v1/apps/no-such-app")).problem(404)
    assert theirs["detail"].replace(todos["app"], "*") == nobodys["detail"].replace("no-such-app", "*")


async def test_a_pending_approval_of_somebody_else_is_neither_seen_nor_decided(warm: Nexus, alice: User, bob: User) -> None:
    generated = await alice.generate("a list of cups")
    (await bob.post("/api/ai/deploy/app", {"build_id": generated["build_id"]})).problem(404, "not-found")
    (await bob.post(f"/api/v1/approvals/{generated['approval_id']}/discard")).problem(404, "not-found")
    value = f"{generated['approval_id']} {generated['build_id']} {generated['artifact'][:24]}"
    for action in ("approve", "discard"):
        assert (await bob.press(action, value))["error"]
    pushed = {key: generated[key] for key in ("files", "framework", "dependencies")} | {"app_name": generated["app"]}
    (await bob.post("/api/ai/deploy/app", pushed)).problem(409, "conflict")
    assert "pending" == (await alice.get(f"/api/v1/builds/{generated['build_id']}")).ok()["approval_state"]


async def test_the_person_who_runs_nexus_sees_everybodys_apps_but_not_their_tenants_passwords(
    owner: User, alice: User, todos: dict[str, Any]
) -> None:
    assert todos["app"] in [app["app"] for app in (await owner.get("/api/v1/apps")).ok()["apps"]]
    assert "alice" == (await owner.get(f"/api/v1/apps/{todos['app']}")).ok()["owner"]
    assert todos["deployed"]["database"]["tenant_id"] not in (await owner.get("/api/v1/tenants/me")).text


async def test_sign_in_links_are_made_for_the_owner_alone_and_work_once(nexus: Nexus, owner: User, bob: User) -> None:
    (await bob.post("/api/v1/signin-links", {"user": "you"})).problem(403, "forbidden")
    link = (await owner.post("/api/v1/signin-links", {"user": "dave"})).ok(201)["url"]
    assert link.startswith(nexus.url + "/signin?token=")
    path = link.removeprefix(nexus.url)
    first = await nexus.request("GET", path)
    assert 303 == first.status
    assert "HttpOnly" in first.headers["Set-Cookie"]
    again = await nexus.request("GET", path)
    assert 401 == again.status
    assert "used up" in again.text


async def test_tenants_are_made_shown_and_removed_and_belong_to_their_maker(warm: Nexus, alice: User, bob: User) -> None:
    made = (await bob.post("/api/v1/tenants/provision")).ok(201)
    assert {"tenant_id", "database", "role", "connection_string", "app", "size_limit_mb", "connections", "created_at"} == set(
        made
    )
    connection = await asyncpg.connect(made["connection_string"], timeout=10)
    try:
        assert made["role"] == await connection.fetchval("SELECT current_user")
    finally:
        await connection.close()
    assert made["tenant_id"] in [t["tenant_id"] for t in (await bob.get("/api/v1/tenants/me")).ok()["tenants"]]
    assert made["tenant_id"] not in (await alice.get("/api/v1/tenants/me")).text
    (await alice.delete(f"/api/v1/tenants/{made['tenant_id']}")).problem(404, "not-found")
    assert "deleted" == (await bob.delete(f"/api/v1/tenants/{made['tenant_id']}")).ok()["status"]
    (await bob.delete(f"/api/v1/tenants/{made['tenant_id']}")).problem(404, "not-found")
    assert not await warm.sql("SELECT 1 FROM pg_database WHERE datname = $1", made["database"])
    with pytest.raises(asyncpg.PostgresError):
        await asyncpg.connect(made["connection_string"], timeout=10)


async def test_nobody_gets_more_databases_than_are_given(warm: Nexus) -> None:
    collector = warm.user("collector")
    made = [(await collector.post("/api/v1/tenants/provision")).ok(201)["tenant_id"] for _ in range(5)]
    assert len(set(made)) == 5
    assert (await collector.post("/api/v1/tenants/provision")).problem(409, "conflict")["detail"]
    for tenant in made:
        (await collector.delete(f"/api/v1/tenants/{tenant}")).ok()


async def test_an_apps_database_is_not_removed_alone(alice: User, todos: dict[str, Any]) -> None:
    tenant = todos["deployed"]["database"]["tenant_id"]
    assert todos["app"] in (await alice.delete(f"/api/v1/tenants/{tenant}")).problem(409, "conflict")["detail"]
