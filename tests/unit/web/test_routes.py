"""The page's addresses: who may, what comes back, and what is refused."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import aiohttp
import pytest

from core.conversation.seeing import Seeing
from core.errors import OperatorError
from core.ids import BuildId, ThreadId
from core.verification.fake_browser import PNG
from core.verification.pictures import picture_of
from core.words.inbound import Action, Command, FormSubmit, Reply
from tests.support.fake_engine import ADA, FakeSite

KEY = "0123456789abcdef"
JSON = {"Accept": "application/json"}

PAGES = ["/", "/t/thr_todo"]
CALLS = [
    "/chat/threads",
    "/chat/threads/thr_todo",
    "/chat/complete?text=/",
    "/chat/stream",
    "/builds/bld_1/files/main.py",
    "/builds/bld_1.zip",
    "/apps/todo/log",
]
CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("/chat/messages", {"text": "a todo app", "key": KEY}),
    ("/chat/actions", {"action": "approve", "value": "apr_1", "key": KEY}),
    ("/chat/forms", {"form": "change", "values": {}, "key": KEY}),
]


# ── who ──


async def test_a_link_signs_a_browser_in_once(site: FakeSite, anyone: aiohttp.ClientSession) -> None:
    link = await site.link()
    async with anyone.get(link, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
    async with anyone.get("/", headers={"Cookie": cookie.split(";")[0]}) as answer:
        assert answer.status == 200
        assert "What should we build?" in await answer.text()
    async with anyone.get(link, allow_redirects=False) as answer:
        assert answer.status == 401
        assert "./nexus signin" in await answer.text()


async def test_a_browser_that_looks_ahead_does_not_use_the_link_up(site: FakeSite, anyone: aiohttp.ClientSession) -> None:
    link = await site.link()
    async with anyone.get(link, headers={"Sec-Purpose": "prefetch;prerender"}) as answer:
        assert answer.status == 503
    async with anyone.head(link) as answer:
        assert answer.status == 405
    async with anyone.get(link, allow_redirects=False) as answer:
        assert answer.status == 303


async def test_an_old_link_takes_whoever_is_signed_in_to_the_page(ada: aiohttp.ClientSession) -> None:
    async with ada.get("/signin?token=old", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_tells_a_stranger_how_to_sign_in(anyone: aiohttp.ClientSession, path: str) -> None:
    async with anyone.get(path) as answer:
        assert answer.status == 401
        text = await answer.text()
    assert "You are signed out" in text
    assert "./nexus signin" in text
    assert "Todo app" not in text


@pytest.mark.parametrize("path", CALLS)
async def test_a_call_of_a_stranger_is_refused(anyone: aiohttp.ClientSession, path: str) -> None:
    async with anyone.get(path) as answer:
        assert answer.status == 401
        assert answer.content_type == "application/problem+json"
        assert (await answer.json())["type"] == "/problems/unauthenticated"


@pytest.mark.parametrize(("path", "body"), CHANGES)
async def test_a_stranger_changes_nothing(site: FakeSite, anyone: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> None:
    async with anyone.post(path, json=body, headers={"Origin": site.url}) as answer:
        assert answer.status == 401
    assert site.dialogue.seen == []


async def test_signing_out_ends_the_session_everywhere(ada: aiohttp.ClientSession) -> None:
    async with ada.post("/signout", json={}) as answer:
        assert answer.status == 200
    async with ada.get("/") as answer:
        assert answer.status == 401


async def test_a_bearer_token_needs_no_cookie_and_no_origin(site: FakeSite, anyone: aiohttp.ClientSession) -> None:
    headers = {"Authorization": "Bearer good"} | JSON
    async with anyone.post("/chat/messages", json={"text": "/nexus list", "key": KEY}, headers=headers) as answer:
        assert answer.status == 200
        assert (await answer.json())["card"]["title"] == "Your apps"
    async with anyone.get("/chat/threads", headers={"Authorization": "Bearer bad"}) as answer:
        assert answer.status == 401


async def test_a_bad_bearer_token_is_not_made_good_by_a_cookie(ada: aiohttp.ClientSession) -> None:
    async with ada.get("/chat/threads", headers={"Authorization": "Bearer bad"}) as answer:
        assert answer.status == 401


# ── where from ──


@pytest.mark.parametrize(("path", "body"), [*CHANGES, ("/signout", {})])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://todo.localhost:8080"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {},
    ],
)
async def test_another_site_changes_nothing(
    site: FakeSite, anyone: aiohttp.ClientSession, path: str, body: dict[str, Any], headers: dict[str, str]
) -> None:
    cookie = {"Cookie": f"nexus={await site.sessions.issue(ADA.principal)}"}
    async with anyone.post(path, json=body, headers=headers | cookie) as answer:
        assert answer.status == 403
    assert site.dialogue.seen == []
    async with anyone.get("/", headers=cookie) as answer:
        assert answer.status == 200


async def test_a_form_of_another_site_is_no_json(site: FakeSite, ada: aiohttp.ClientSession) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        async with ada.post("/chat/messages", data=b'{"text": "x", "key": "01234567"}', headers={"Content-Type": kind}) as answer:
            assert answer.status == 400
    assert site.dialogue.seen == []


@pytest.mark.parametrize("path", [*PAGES, "/t/none", *CALLS[:3], *CALLS[4:6], "/signin?token=x"])
async def test_every_answer_has_the_security_headers(ada: aiohttp.ClientSession, path: str) -> None:
    async with ada.get(path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"


async def test_pages_hold_nothing_that_the_policy_would_refuse(ada: aiohttp.ClientSession) -> None:
    for path in ("/", "/t/thr_todo", "/t/thr_party", "/t/thr_invoices", "/t/none"):
        async with ada.get(path) as answer:
            text = await answer.text()
        assert re.findall(r"<script[^>]*>", text) == re.findall(
            r'<script type="module" src="/static/[0-9a-f]{12}/main.js">', text
        )
        assert not re.search(r"\son[a-z]+=|\sstyle=|<style|javascript:", text)
        assert not re.search(r'(?:src|href)="https?://(?!todo\.localhost)', text)


# ── bodies ──


@pytest.mark.parametrize("path", [path for path, _ in CHANGES])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"key": NaN}'])
async def test_a_body_that_is_not_it_is_refused_with_a_sentence(ada: aiohttp.ClientSession, path: str, body: bytes) -> None:
    async with ada.post(path, data=body, headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 400
        problem = await answer.json()
    assert set(problem) == {"type", "title", "status", "detail"}
    assert problem["type"] == "/problems/invalid-input"


async def test_a_body_over_a_megabyte_is_refused_said_or_not(ada: aiohttp.ClientSession) -> None:
    large = b'{"text": "' + b"x" * 1_000_001 + b'"}'

    async def chunks() -> Any:
        for at in range(0, len(large), 65_536):
            yield large[at : at + 65_536]

    for data in (large, chunks()):
        async with ada.post("/chat/messages", data=data, headers={"Content-Type": "application/json"}) as answer:
            assert answer.status == 413
            assert (await answer.json())["type"] == "/problems/too-large"


async def test_refusals_and_faults_are_told_apart(
    site: FakeSite, ada: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ada.post("/chat/messages", json={"text": "/nexus forbidden", "key": KEY}) as answer:
        assert answer.status == 403
        assert (await answer.json())["detail"] == "You may not do that here; ask the app's owner."

    async def full(*_: object) -> None:
        raise OperatorError("The disk is full; free some space and try again.")

    async def broken(*_: object) -> None:
        raise RuntimeError("secret=hunter2")

    monkeypatch.setattr(site.dialogue, "handle", full)
    async with ada.post("/chat/messages", json={"text": "x", "key": KEY}) as answer:
        assert answer.status == 503
    monkeypatch.setattr(site.dialogue, "handle", broken)
    async with ada.post("/chat/messages", json={"text": "x", "key": KEY}) as answer:
        assert answer.status == 500
        assert "hunter2" not in await answer.text()
    monkeypatch.setattr(site.engine, "threads", broken)
    async with ada.get("/") as answer:
        assert answer.status == 500
        text = await answer.text()
    assert "A fault of ours" in text
    assert "hunter2" not in text


# ── what people do ──


async def test_words_presses_and_forms_reach_the_dialogue(site: FakeSite, ada: aiohttp.ClientSession) -> None:
    sent: list[tuple[str, dict[str, Any], type]] = [
        ("/chat/messages", {"text": "a todo app", "framework": "express", "key": KEY}, Command),
        ("/chat/messages", {"text": "add tags", "thread": "thr_todo", "key": KEY}, Reply),
        ("/chat/actions", {"action": "approve", "value": "apr_1", "thread": "thr_todo", "key": KEY}, Action),
        ("/chat/forms", {"form": "change", "value": "bld_1", "values": {"text": "x"}, "key": KEY}, FormSubmit),
    ]
    for path, body, _ in sent:
        async with ada.post(path, json=body) as answer:
            assert answer.status == 200
            assert answer.content_type == "text/html"
    assert [type(inbound) for inbound in site.dialogue.seen] == [kind for _, _, kind in sent]
    assert all(inbound.who == ADA for inbound in site.dialogue.seen)


async def test_an_answer_says_where_to_look(ada: aiohttp.ClientSession) -> None:
    async with ada.post("/chat/messages", json={"text": "a todo app", "key": KEY}) as answer:
        thread = re.search(r'class="answer" data-thread="([^"]+)"', await answer.text())
    assert thread
    async with ada.get(f"/t/{thread[1]}") as answer:
        assert "a todo app" in await answer.text()


async def test_a_program_gets_values(ada: aiohttp.ClientSession) -> None:
    async with ada.post("/chat/actions", json={"action": "change", "key": KEY}, headers=JSON) as answer:
        body = await answer.json()
    assert body["form"]["inputs"][0]["name"] == "text"
    assert body["card"] is None
    assert body["error"] is False
    async with ada.get("/chat/threads/thr_todo", headers=JSON) as answer:
        thread = await answer.json()
    assert thread["thread"]["title"] == "Todo app"
    assert thread["messages"][0]["author"] == "Ada"
    assert thread["messages"][1]["card"]["status"] == "Ready for review"
    assert thread["cursor"] >= max(m["version"] for m in thread["messages"])
    async with ada.get("/chat/threads", headers=JSON) as answer:
        assert {t["thread"] for t in (await answer.json())["threads"]} >= {"thr_todo", "thr_party"}


async def test_completion_comes_from_the_grammar_and_the_apps(ada: aiohttp.ClientSession) -> None:
    async with ada.get("/chat/complete", params={"text": "/nexus logs t"}) as answer:
        assert [offer["label"] for offer in await answer.json()] == ["todo"]
    async with ada.get("/chat/complete", params={"text": "/" + "x" * 600}) as answer:
        assert await answer.json() == []


# ── what they see ──


async def test_a_thread_that_is_not_there_or_not_theirs_looks_the_same(site: FakeSite, ada: aiohttp.ClientSession) -> None:
    site.engine.foreign.add(ThreadId("thr_party"))
    texts = []
    for path in ("/t/thr_party", "/t/thr_none"):
        async with ada.get(path) as answer:
            assert answer.status == 404
            texts.append(await answer.text())
    assert texts[0] == texts[1]
    assert "Todo app" in texts[0]  # the list is still there
    for path in ("/chat/threads/thr_party", "/chat/stream?thread=thr_party"):
        async with ada.get(path) as answer:
            assert answer.status == 404


async def test_deleted_apps_are_not_listed(ada: aiohttp.ClientSession) -> None:
    async with ada.get("/chat/threads") as answer:
        assert "An old idea" not in await answer.text()
    async with ada.get("/t/thr_gone") as answer:
        assert answer.status == 200


async def test_a_file_comes_as_lines_or_as_text(site: FakeSite, ada: aiohttp.ClientSession) -> None:
    async with ada.get("/builds/bld_1/files/migrations/001_todos.sql") as answer:
        text = await answer.text()
    assert 'data-language="PostgreSQL SQL dialect"' in text
    async with ada.get("/builds/bld_1/files/main.py", headers=JSON) as answer:
        assert (await answer.json())["content"] == site.engine.trees["bld_1"]["main.py"]
    for path in ("/builds/bld_1/files/none.py", "/builds/none/files/main.py", "/builds/bld_1/files/..%2f..%2fetc%2fpasswd"):
        async with ada.get(path) as answer:
            assert answer.status == 404


async def test_a_picture_is_nothing_but_a_picture_and_for_those_who_see_the_build(
    site: FakeSite, ada: aiohttp.ClientSession, anyone: aiohttp.ClientSession
) -> None:
    picture = picture_of(PNG)
    path = f"/builds/bld_1/pictures/{picture.digest.removeprefix('sha256:')}"
    site.engine.pictures[BuildId("bld_1"), picture.digest] = picture
    async with ada.get(path) as answer:
        assert (answer.status, answer.headers["Content-Type"], await answer.read()) == (200, "image/png", PNG)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
        assert answer.headers["Cache-Control"] == "private, max-age=604800, immutable"
    async with anyone.get(path) as answer:
        assert answer.status == 401
    for other in (path[:-1] + "x", path[:-1], path.replace("bld_1", "bld_2"), "/builds/bld_1/pictures/" + "0" * 64):
        async with ada.get(other) as answer:
            assert answer.status == 404


async def test_a_build_is_downloaded_whole(site: FakeSite, ada: aiohttp.ClientSession) -> None:
    async with ada.get("/builds/bld_1.zip") as answer:
        assert answer.headers["Content-Disposition"] == 'attachment; filename="todo-1.zip"'
        content = await answer.read()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        found = {name: archive.read(name).decode() for name in archive.namelist()}
    assert found == {f"todo/{path}": text for path, text in site.engine.trees["bld_1"].items()}
    async with ada.get("/builds/bld_1.zip") as answer:
        assert await answer.read() == content
    in_a_chat = (await Seeing(site.engine).archive(ADA, "bld_1")).file  # type: ignore[arg-type]
    assert in_a_chat is not None
    assert ("todo-1.zip", content) == (in_a_chat.name, in_a_chat.content)


async def test_the_pages_files_are_kept_by_the_browser_until_they_change(
    anyone: aiohttp.ClientSession, ada: aiohttp.ClientSession
) -> None:
    async with ada.get("/") as answer:
        found = set(re.findall(r'"(/static/[^"]+)"', await answer.text()))
    assert {path.rsplit("/", 1)[1] for path in found} == {"base.css", "page.css", "card.css", "source.css", "main.js", "icon.svg"}
    for path in found:
        async with anyone.get(path) as answer:
            assert answer.status == 200
            assert "immutable" in answer.headers["Cache-Control"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
    async with anyone.get("/static/000000000000/main.js") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"
    for path in ("/static/x/none.js", "/static/x/..%2fapp.py", "/static/x/app.py"):
        async with anyone.get(path) as answer:
            assert answer.status == 404


async def test_the_choice_of_light_or_dark_is_in_the_first_answer(ada: aiohttp.ClientSession) -> None:
    cookie = ada.headers["Cookie"]
    for theme, found in (("dark", 'data-theme="dark"'), ('"><script>', '<html lang="en">')):
        async with ada.get("/", headers={"Cookie": f"{cookie}; nexus-theme={theme}"}) as answer:
            assert found in await answer.text()
