"""Files that people add are fetched from Slack and from nowhere else, within the limits."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from pydantic import SecretStr

from adapters.slack.attachments import Attachments
from adapters.slack.calls import BASE_URL, OneToken
from adapters.slack.inbound import Shared
from core.errors import Forbidden, InvalidInput, NexusError, NotFound, TemporaryError, TooLarge
from core.words.attachment import MAX_ATTACHMENTS, MAX_IMAGE_BYTES, MAX_TEXT_BYTES
from tests.contract.slack.inside.house import House, Process

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def attachments(house: House, process: Process) -> Attachments:
    return Attachments(process.calls, OneToken(SecretStr(house.slack.bot_token)), api_url=house.slack.api_url)


async def shared(house: House, content: bytes, name: str = "a.txt") -> Shared:
    """A file as a message tells of it."""
    said = await house.ada.say("#general", "look", files={name: content})
    (file,) = said.payload["event"]["files"] if said.deliveries else [None]
    return Shared(id=file["id"], name=name, size=file["size"], url=file["url_private"])


async def fetched(attachments: Attachments, house: House, *files: Shared) -> list[bytes]:
    return [one.data for one in await attachments.fetch(house.slack.workspace.id, files)]


async def test_a_file_is_fetched(attachments: Attachments, house: House) -> None:
    assert await fetched(attachments, house, await shared(house, b"words")) == [b"words"]


async def test_of_a_file_without_an_address_slack_is_asked(attachments: Attachments, house: House) -> None:
    file = await shared(house, b"words")
    assert await fetched(attachments, house, Shared(id=file.id, name="a.txt", size=0, url="", mode="check_file_info")) == [
        b"words"
    ]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (PNG + b"0" * MAX_IMAGE_BYTES, TooLarge),
        (b"a" * (MAX_TEXT_BYTES + 1), TooLarge),
        (b"\x00\x01\x02", InvalidInput),
    ],
)
async def test_what_is_too_large_or_neither_a_picture_nor_text_is_refused(
    attachments: Attachments, house: House, content: bytes, error: type[NexusError]
) -> None:
    with pytest.raises(error, match=r"a\.txt"):
        await fetched(attachments, house, await shared(house, content))


async def test_what_is_larger_than_it_says_is_not_read_to_the_end(attachments: Attachments, house: House) -> None:
    file = await shared(house, PNG + b"0" * MAX_IMAGE_BYTES)
    with pytest.raises(TooLarge):
        await fetched(attachments, house, Shared(id=file.id, name=file.name, size=10, url=file.url))


async def test_too_many_are_refused_before_any_is_fetched(attachments: Attachments, house: House) -> None:
    file = Shared(id="F0", name="a", size=1, url="http://127.0.0.1:1/a")
    with pytest.raises(TooLarge, match="at most"):
        await fetched(attachments, house, *[file] * (MAX_ATTACHMENTS + 1))


@pytest.mark.parametrize(("mode", "error"), [("tombstone", NotFound), ("hidden_by_limit", NotFound), ("external", InvalidInput)])
async def test_what_slack_does_not_hold_is_refused(
    attachments: Attachments, house: House, mode: str, error: type[NexusError]
) -> None:
    with pytest.raises(error):
        await fetched(attachments, house, Shared(id="F0", name="a", size=1, url="", mode=mode))


async def test_without_the_scope_an_admin_is_named(attachments: Attachments, house: House) -> None:
    file = await shared(house, b"words")
    house.slack.workspace.scopes.discard("files:read")
    with pytest.raises(Forbidden, match="files:read"):
        await fetched(attachments, house, file)


@pytest.mark.parametrize(("status", "error"), [(404, NotFound), (429, TemporaryError), (503, TemporaryError)])
async def test_what_slack_does_not_give_out_is_told_apart(
    attachments: Attachments, house: House, status: int, error: type[NexusError]
) -> None:
    file = await shared(house, b"words")
    house.slack.fault("files-pri", status=status)
    with pytest.raises(error):
        await fetched(attachments, house, file)


# --- the token --------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def elsewhere() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that is not Slack, and the Authorization headers that it was sent."""
    seen: list[str] = []

    async def serve(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization", ""))
        return web.Response(text="words")

    app = web.Application()
    app.router.add_get("/{rest:.*}", serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}", seen
    await runner.cleanup()


async def test_nobody_but_slack_is_sent_the_token(
    attachments: Attachments, house: House, elsewhere: tuple[str, list[str]]
) -> None:
    url, seen = elsewhere
    slack = house.slack.url.removeprefix("http://")
    for address in (
        f"{url}/a",
        f"{url}/@{slack}/a",
        f"http://{slack}@{url.removeprefix('http://')}/a",
        "https://files.slack.com/a",
    ):
        with pytest.raises(InvalidInput, match="does not lie in Slack"):
            await fetched(attachments, house, Shared(id="F0", name="a", size=1, url=address))
    assert not seen


async def test_a_redirect_is_not_followed(attachments: Attachments, house: House, elsewhere: tuple[str, list[str]]) -> None:
    url, seen = elsewhere

    async def lead(request: web.Request) -> web.Response:
        raise web.HTTPFound(f"{url}/a")

    app = web.Application()
    app.router.add_get("/a", lead)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    leading = Attachments(attachments._calls, attachments._tokens, api_url=f"http://{host}:{port}/api/")
    with pytest.raises(Forbidden):
        await fetched(leading, house, Shared(id="F0", name="a", size=1, url=f"http://{host}:{port}/a"))
    assert not seen
    await runner.cleanup()


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("https://files.slack.com/files-pri/T1-F1/a.png", True),
        ("http://files.slack.com/a", False),
        ("https://files.slack.com.example.com/a", False),
        ("https://files.slack.com@example.com/a", False),
        ("https://example.com/files.slack.com", False),
        ("https://files.slack.com:8443/a", False),
        ("", False),
    ],
)
def test_slacks_own_hosts_are_known(attachments: Attachments, url: str, ours: bool) -> None:
    real = Attachments(attachments._calls, attachments._tokens, api_url=BASE_URL)
    assert real._is_slack(url) is ours
