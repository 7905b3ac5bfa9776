"""Accounts in every framework that brings them: the same API, the same guard, the same tables, over HTTP and a real Postgres."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from core.frameworks.framework import Framework, Toolchain
from core.frameworks.registry import FRAMEWORKS
from tests.contract.running_app import RunningApp, database, migrations, started
from tests.support.postgres import ThrowawayPostgres
from tests.unit.models.starter.writing import changed, written

PASSWORD = "correct horse battery staple"
ADA = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD}
BRING = {name: spec for name, spec in FRAMEWORKS.items() if "authentication" in spec.features}
#: whose server is their own; the others have the Express scaffold's, of which these tests need to be told once
OWN = [pytest.param(spec, id=name) for name, spec in BRING.items() if name in {"fastapi", "express", "nextjs"}]
everywhere = pytest.mark.parametrize(
    "framework", [pytest.param(s, id=n) for n, s in BRING.items()], indirect=True, scope="session"
)
with_own_server = pytest.mark.parametrize("framework", OWN, indirect=True, scope="session")


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    cookie: str  #: "name=value" of what was set; empty where nothing was
    headers: dict[str, str]


@dataclass
class Guarded:
    """A running app with accounts, and its tables as only the platform sees them."""

    app: RunningApp
    session: aiohttp.ClientSession
    tables: asyncpg.Connection
    role: str

    async def call(self, method: str, path: str, body: Any = None, *, cookie: str = "", **headers: str) -> Answer:
        sent = {name.replace("_", "-"): text for name, text in headers.items()} | ({"Cookie": cookie} if cookie else {})
        options = {} if body is None else {"json": body}
        async with self.session.request(method, "http://app" + path, headers=sent, **options) as response:
            found = SimpleCookie(response.headers.get("Set-Cookie", ""))
            cookie = next((f"{morsel.key}={morsel.value}" for morsel in found.values()), "")
            text = await response.text()
            return Answer(response.status, json.loads(text) if text else None, cookie, dict(response.headers))

    async def register(self, name: str = "Ada") -> Answer:
        return await self.call("POST", "/api/auth/register", {**ADA, "name": name, "email": f"{name.lower()}@example.com"})

    async def login(self, email: str = ADA["email"], password: str = PASSWORD, **headers: str) -> Answer:
        return await self.call("POST", "/api/auth/login", {"email": email, "password": password}, **headers)


@pytest.fixture(scope="session")
async def running(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path, postgres: ThrowawayPostgres
) -> AsyncIterator[Guarded]:
    _, tree = await written("todos, with login", framework.name)
    url = await database(postgres, migrations(tree))
    role = url.rsplit("@/", 1)[1].split("?")[0]
    tables = await asyncpg.connect(postgres.url("postgres", postgres.password, role))
    async with started(framework, tree, tools, folder, layer, url) as app:
        connector = aiohttp.UnixConnector(path=str(app.socket))
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
            yield Guarded(app, session, tables, role)
    await tables.close()


@pytest.fixture
async def guarded(running: Guarded) -> Guarded:
    """The app without an account."""
    await running.tables.execute("TRUNCATE auth_users, auth_sessions, auth_attempts, todos RESTART IDENTITY")
    return running


def is_problem(answer: Answer, status: int) -> bool:
    """Whether this is the problem document that it should be."""
    told = answer.headers["Content-Type"].startswith("application/problem+json")
    return told and answer.status == status == answer.body["status"] and bool(answer.body["title"] and answer.body["detail"])


@everywhere
async def test_whoever_signs_up_is_signed_in_until_signing_out(guarded: Guarded) -> None:
    nobody = await guarded.call("GET", "/api/auth/me")
    assert is_problem(nobody, 401)
    assert nobody.body["registration"] == "first"
    made = await guarded.register()
    assert made.status == 201
    assert made.body == {"id": made.body["id"], "name": "Ada", "email": "ada@example.com", "is_admin": True}
    assert (await guarded.call("GET", "/api/auth/me", cookie=made.cookie)).body == made.body
    assert (await guarded.call("POST", "/api/todos", {"title": "Mine"}, cookie=made.cookie)).status == 201
    assert is_problem(await guarded.call("GET", "/api/todos"), 401)

    left = await guarded.call("POST", "/api/auth/logout", cookie=made.cookie)
    assert (left.status, left.body) == (204, None)
    assert (await guarded.call("GET", "/api/todos", cookie=made.cookie)).status == 401
    again = await guarded.login()
    assert (again.status, again.body) == (200, made.body)
    assert again.cookie != made.cookie
    assert (await guarded.call("GET", "/api/todos", cookie=again.cookie)).body[0]["title"] == "Mine"


@everywhere
async def test_without_a_session_nothing_of_the_api_answers(guarded: Guarded) -> None:
    for method, path in (
        *(("GET", path) for path in ("/api/todos", "/api/todos/1", "/api/todos?q=x", "/api/", "/api", "/api/nothing")),
        *(("GET", path) for path in ("/api/openapi.json", "/api//todos", "/api/todos/", "/api/auth/me/", "/api/auth")),
        *((method, "/api/todos/1") for method in ("PUT", "PATCH", "DELETE")),
        ("POST", "/api/todos"),
        ("OPTIONS", "/api/todos"),
        ("HEAD", "/api/todos"),
    ):
        answer = await guarded.call(method, path, {"title": "x"} if method in {"PUT", "PATCH", "POST"} else None)
        # A router may know of no such address, or tidy it up first; what it never does is answer.
        allowed = {401} if path in {"/api/todos", "/api/todos/1"} else {401, 404, 307, 308}
        assert answer.status in allowed, (method, path, answer)
    assert await guarded.tables.fetchval("SELECT count(*) FROM todos") == 0
    assert (await guarded.call("GET", "/healthz")).status == 200


@with_own_server
async def test_two_who_are_the_first_at_once_are_one_administrator(guarded: Guarded) -> None:
    made = await asyncio.gather(*(guarded.register(name) for name in ("Ada", "Grace", "Mary", "Joan")))
    assert [answer.status for answer in made] == [201] * 4
    assert sorted(answer.body["is_admin"] for answer in made) == [False, False, False, True]
    assert await guarded.tables.fetchval("SELECT count(*) FROM auth_users WHERE is_admin") == 1


@with_own_server
async def test_an_address_has_one_account_however_it_is_written(guarded: Guarded) -> None:
    await guarded.register()
    for email in ("ada@example.com", " ADA@Example.COM "):
        taken = await guarded.call("POST", "/api/auth/register", {**ADA, "email": email})
        assert is_problem(taken, 422)
        assert list(taken.body["errors"]) == ["email"]
        assert taken.cookie == ""
    twice = await asyncio.gather(*(guarded.register("Grace") for _ in range(2)))
    assert sorted(answer.status for answer in twice) == [201, 422]
    assert (await guarded.login("ADA@example.com")).status == 200


@with_own_server
@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({"password": "short one"}, "password"),
        ({"password": "x" * 201}, "password"),
        ({"password": None}, "password"),
        ({"password": 12345678901}, "password"),
        ({"password": "lone \ud800 surrogate"}, "password"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b.c" + "c" * 300}, "email"),
        ({"email": "nul\0@example.com"}, "email"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 101}, "name"),
    ],
)
async def test_what_is_wrong_with_a_new_account_is_said_by_field(guarded: Guarded, sent: dict[str, Any], wrong: str) -> None:
    answer = await guarded.call("POST", "/api/auth/register", {**ADA, **sent})
    assert is_problem(answer, 422)
    assert list(answer.body["errors"]) == [wrong]
    assert await guarded.tables.fetchval("SELECT count(*) FROM auth_users") == 0


@with_own_server
async def test_a_long_password_of_any_script_is_kept_whole(guarded: Guarded) -> None:
    password = "пароль 密码 e\u0301 " + "🔑" * 180
    assert (await guarded.call("POST", "/api/auth/register", {**ADA, "password": password})).status == 201
    assert (await guarded.login(password=password.replace("e\u0301", "é"))).status == 200, "the same characters, typed otherwise"
    assert (await guarded.login(password=password[:-1])).status == 401


@with_own_server
async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(guarded: Guarded) -> None:
    await guarded.register()
    wrong, unknown = await guarded.login(password="not that one"), await guarded.login("nobody@example.com")
    assert is_problem(wrong, 401)
    assert (wrong.status, wrong.body, wrong.cookie) == (unknown.status, unknown.body, unknown.cookie)


@with_own_server
async def test_after_ten_wrong_passwords_an_address_has_to_wait(guarded: Guarded) -> None:
    await guarded.register()
    await guarded.register("Grace")
    tries = await asyncio.gather(*(guarded.login(password=f"wrong password {n}") for n in range(12)))
    assert sorted(answer.status for answer in tries) == [401] * 10 + [429] * 2
    refused = await guarded.login()
    assert is_problem(refused, 429), "not even the right password helps"
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    assert (await guarded.login("ADA@EXAMPLE.COM")).status == 429
    assert (await guarded.login("grace@example.com")).status == 200, "nobody else has to wait"
    await guarded.tables.execute("UPDATE auth_attempts SET tried[1] = tried[1] - interval '15 minutes'")
    assert (await guarded.login(password="wrong again")).status == 401, "the first of the ten was long ago"
    assert (await guarded.login()).status == 429
    await guarded.tables.execute("UPDATE auth_attempts SET last_tried = last_tried - interval '15 minutes'")
    assert (await guarded.login()).status == 200
    assert await guarded.tables.fetchval("SELECT count(*) FROM auth_attempts") == 0


@with_own_server
async def test_what_is_stored_lets_nobody_in(guarded: Guarded) -> None:
    made = await guarded.register()
    name, _, token = made.cookie.partition("=")
    assert len(base64.urlsafe_b64decode(token + "=")) == 32
    user = dict(await guarded.tables.fetchrow("SELECT * FROM auth_users"))
    assert re.fullmatch(r"scrypt\$16384\$8\$5\$[A-Za-z0-9+/=]{24}\$[A-Za-z0-9+/=]{44}", user["password_hash"])
    stored = await guarded.tables.fetchval("SELECT token_hash FROM auth_sessions")
    assert token not in str(await guarded.tables.fetch("SELECT * FROM auth_sessions"))
    for stolen in (
        stored.hex(),
        base64.urlsafe_b64encode(stored).decode().rstrip("="),
        f"\\x{stored.hex()}",
        "",
        token[:-1],
        token + "A",
    ):
        assert (await guarded.call("GET", "/api/todos", cookie=f"{name}={stolen}")).status == 401, stolen
    assert (await guarded.call("GET", "/api/todos", cookie=f"other=1; {made.cookie}; more=2")).status == 200


@with_own_server
async def test_the_same_password_is_never_stored_twice_the_same(guarded: Guarded) -> None:
    await asyncio.gather(guarded.register(), guarded.register("Grace"))
    hashes = await guarded.tables.fetch("SELECT password_hash FROM auth_users")
    assert len({row["password_hash"].split("$")[4] for row in hashes}) == 2
    assert len({row["password_hash"].split("$")[5] for row in hashes}) == 2


@with_own_server
async def test_the_cookie_is_for_this_app_and_out_of_reach_of_scripts(guarded: Guarded) -> None:
    await guarded.register()
    plain, secure = await guarded.login(), await guarded.login(X_Forwarded_Proto="https")
    for answer in (plain, secure):
        said = answer.headers["Set-Cookie"].lower()
        assert {"httponly", "samesite=lax", "path=/", "max-age=2592000"} <= {part.strip() for part in said.split(";")}
        assert "domain=" not in said
    assert "secure" not in plain.headers["Set-Cookie"].lower().split("; ")
    assert "secure" in secure.headers["Set-Cookie"].lower().split("; ")
    assert secure.cookie.startswith("__Host-")
    assert (await guarded.call("GET", "/api/todos", cookie=secure.cookie, X_Forwarded_Proto="https")).status == 200
    assert (
        await guarded.call("GET", "/api/todos", cookie=secure.cookie.removeprefix("__Host-"), X_Forwarded_Proto="https")
    ).status == 401


@with_own_server
async def test_a_session_lives_on_with_its_use_and_ends_when_it_is_over(guarded: Guarded) -> None:
    cookie = (await guarded.register()).cookie
    assert (await guarded.call("GET", "/api/todos", cookie=cookie)).cookie == "", "nothing to renew on the first day"
    for path in ("/api/todos", "/api/auth/me"):
        await guarded.tables.execute("UPDATE auth_sessions SET expires_at = now() + interval '5 days'")
        renewed = await guarded.call("GET", path, cookie=cookie)
        assert (renewed.status, renewed.cookie) == (200, cookie)
        assert "max-age=2592000" in renewed.headers["Set-Cookie"].lower()
        assert await guarded.tables.fetchval("SELECT expires_at > now() + interval '29 days' FROM auth_sessions")
    await guarded.tables.execute("UPDATE auth_sessions SET expires_at = now() - interval '1 second'")
    assert (await guarded.call("GET", "/api/todos", cookie=cookie)).status == 401
    await guarded.login()
    assert await guarded.tables.fetchval("SELECT count(*) FROM auth_sessions") == 1, "the one that was over is cleared away"


@with_own_server
async def test_signing_in_anew_and_losing_the_account_end_a_session(guarded: Guarded) -> None:
    first = (await guarded.register()).cookie
    second = (await guarded.login(cookie=first)).cookie
    assert (await guarded.call("GET", "/api/todos", cookie=first)).status == 401
    assert (await guarded.call("GET", "/api/todos", cookie=second)).status == 200
    await guarded.tables.execute("DELETE FROM auth_users")
    assert (await guarded.call("GET", "/api/todos", cookie=second)).status == 401


@with_own_server
async def test_in_a_full_database_whoever_is_signed_in_can_still_delete(guarded: Guarded) -> None:
    cookie = (await guarded.register()).cookie
    todo = (await guarded.call("POST", "/api/todos", {"title": "x"}, cookie=cookie)).body["id"]
    await guarded.tables.execute("UPDATE auth_sessions SET expires_at = now() + interval '5 days'")
    await guarded.tables.execute(f"REVOKE INSERT, UPDATE ON ALL TABLES IN SCHEMA public FROM {guarded.role}")
    try:
        assert (await guarded.call("DELETE", f"/api/todos/{todo}", cookie=cookie)).status == 204
        assert is_problem(await guarded.login(), 507)
    finally:
        await guarded.tables.execute(f"GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {guarded.role}")


@with_own_server
@pytest.mark.parametrize(
    "foreign",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://app"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://app:81"},
        {"Origin": "http://["},
    ],
    ids=str,
)
async def test_the_page_of_another_site_changes_nothing(guarded: Guarded, foreign: dict[str, str]) -> None:
    cookie = (await guarded.register()).cookie
    for method, path, body in (
        ("POST", "/api/todos", {"title": "Theirs"}),
        ("DELETE", "/api/todos/1", None),
        ("POST", "/api/auth/login", {"email": ADA["email"], "password": PASSWORD}),
        ("POST", "/api/auth/register", {**ADA, "email": "eve@example.com"}),
        ("POST", "/api/auth/logout", None),
    ):
        answer = await guarded.call(method, path, body, cookie=cookie, **foreign)
        assert is_problem(answer, 403), (method, path)
        assert answer.cookie == ""
    assert await guarded.tables.fetchval("SELECT count(*) FROM todos") == 0
    assert (await guarded.call("GET", "/api/todos", cookie=cookie, **foreign)).status == 200, "a link to the app still works"
    for own in ({"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "http://app"}, {}):
        assert (await guarded.call("POST", "/api/todos", {"title": "Mine"}, cookie=cookie, **own)).status == 201


@with_own_server
@pytest.mark.parametrize("body", ["{bad", "", "null", "[1]", '"text"', "{}", '{"email": ["a"], "password": {"$ne": 1}}'])
async def test_a_body_that_is_no_account_is_refused(guarded: Guarded, body: str) -> None:
    for path in ("register", "login"):
        async with guarded.session.post(
            f"http://app/api/auth/{path}", data=body, headers={"content-type": "application/json"}
        ) as response:
            assert response.status in {400, 422}
            assert (await response.json(content_type=None))["detail"]


@with_own_server
async def test_answers_of_the_api_are_kept_by_no_cache(guarded: Guarded) -> None:
    cookie = (await guarded.register()).cookie
    for answer in (await guarded.call("GET", "/api/todos", cookie=cookie), await guarded.call("GET", "/api/auth/me")):
        assert answer.headers["Cache-Control"] == "no-store"


@with_own_server
async def test_no_password_and_no_cookie_is_in_the_log(guarded: Guarded) -> None:
    secret = "a secret that must not be told"
    made = await guarded.call("POST", "/api/auth/register", {**ADA, "password": secret})
    await guarded.login(password=secret + " (wrong)")
    await guarded.call("POST", "/api/auth/register", {**ADA, "email": "no address", "password": secret})
    async with guarded.session.post("http://app/api/auth/login", data=f'{{"password": "{secret}"') as response:
        assert response.status in {400, 422}
    await guarded.tables.execute("ALTER TABLE auth_sessions RENAME TO away")
    try:
        assert (await guarded.login(password=secret)).status == 500
    finally:
        await guarded.tables.execute("ALTER TABLE away RENAME TO auth_sessions")
    log = guarded.app.log.read_text()
    assert "/api/auth/login" in log
    assert secret not in log
    assert made.cookie.partition("=")[2] not in log
    assert "scrypt$" not in log


@with_own_server
async def test_registration_can_be_closed_after_the_first_account(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path, postgres: ThrowawayPostgres
) -> None:
    _, tree = await written("todos, with login", framework.name)
    url = await database(postgres, migrations(tree))
    async with started(framework, tree, tools, folder, layer, url, settings={"REGISTRATION": "closed"}) as app:
        made = await asyncio.gather(
            *(app.call("POST", "/api/auth/register", json={**ADA, "email": f"{n}@example.com"}) for n in range(3))
        )
        assert sorted(status for status, _ in made) == [201, 403, 403]
        assert next(body["is_admin"] for status, body in made if status == 201)
        app.session.cookie_jar.clear()
        status, nobody = await app.call("GET", "/api/auth/me")
        assert (status, nobody["registration"]) == (401, "closed")


@pytest.mark.parametrize(
    "framework", [pytest.param(BRING[n], id=n) for n in ("fastapi", "express")], indirect=True, scope="session"
)
async def test_an_app_with_data_can_get_accounts_and_lose_them_again(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path, postgres: ThrowawayPostgres
) -> None:
    plan, plain = await written("todos", framework.name)
    url = await database(postgres, migrations(plain))
    guarded_plan, guarded_tree = await changed(plan, plain, "add login")
    await database(postgres, {path: sql for path, sql in migrations(guarded_tree).items() if path not in plain}, before=url)
    async with started(framework, guarded_tree, tools, folder, layer, url) as app:
        assert (await app.call("GET", "/api/todos"))[0] == 401
        assert (await app.call("POST", "/api/auth/register", json=ADA))[0] == 201
        assert (await app.call("POST", "/api/todos", json={"title": "Kept"}))[0] == 201
    _, open_tree = await changed(guarded_plan, guarded_tree, "remove the login")
    async with started(framework, open_tree, tools, folder, layer, url) as app:
        status, rows = await app.call("GET", "/api/todos")
        assert (status, [row["title"] for row in rows]) == (200, ["Kept"])
        assert (await app.call("POST", "/api/auth/register", json=ADA))[0] in {404, 405}
