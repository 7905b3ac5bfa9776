"""Files that people add are fetched from Discord and from nowhere else, within the limits."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from adapters.discord.attachments import Attachments
from adapters.discord.calls import API_URL
from adapters.discord.inbound import Shared
from core.errors import InvalidInput, NexusError, NotFound, TemporaryError, TooLarge
from core.words.attachment import MAX_ATTACHMENTS, MAX_IMAGE_BYTES, MAX_TEXT_BYTES
from tests.contract.discord.inside.house import House
from tests.support.discord.payloads import link

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def attachments(house: House) -> Attachments:
    return Attachments(api_url=house.discord.api_url)


async def shared(house: House, content: bytes, name: str = "a.txt") -> Shared:
    """A file as a message tells of it."""
    said = (await house.ada.say("#general", "look", files={name: content})).said
    assert said is not None
    (file,) = said.attachments
    return Shared(id=file.id, name=name, size=len(content), url=link(house.discord, file))


async def fetched(attachments: Attachments, *files: Shared) -> list[bytes]:
    return [one.data for one in await attachments.fetch(files)]


async def test_a_file_is_fetched(attachments: Attachments, house: House) -> None:
    assert await fetched(attachments, await shared(house, b"words")) == [b"words"]


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
        await fetched(attachments, await shared(house, content))


async def test_what_is_larger_than_it_says_is_not_read_to_the_end(attachments: Attachments, house: House) -> None:
    file = await shared(house, PNG + b"0" * MAX_IMAGE_BYTES)
    with pytest.raises(TooLarge):
        await fetched(attachments, Shared(id=file.id, name=file.name, size=10, url=file.url))


async def test_too_many_are_refused_before_any_is_fetched(attachments: Attachments) -> None:
    file = Shared(id="0", name="a", size=1, url="http://127.0.0.1:1/a")
    with pytest.raises(TooLarge, match="at most"):
        await fetched(attachments, *[file] * (MAX_ATTACHMENTS + 1))


async def test_what_is_not_there_any_more_has_to_be_added_again(attachments: Attachments, house: House) -> None:
    file = await shared(house, b"words")
    house.discord.advance(90_000)  # links hold for a day
    with pytest.raises(NotFound, match="add it again"):
        await fetched(attachments, file)


class Elsewhere:
    """Another server, which takes down what it is asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[web.Request] = []


@pytest.fixture
async def elsewhere() -> AsyncIterator[Elsewhere]:
    made = Elsewhere("")

    async def answer(request: web.Request) -> web.Response:
        made.requests.append(request)
        if request.path == "/moved":
            raise web.HTTPFound(made.url + "/a.txt")
        return web.Response(status=int(request.query.get("status", "200")), text="words")

    site = web.Application()
    site.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


async def test_nothing_is_fetched_from_elsewhere(attachments: Attachments, elsewhere: Elsewhere) -> None:
    with pytest.raises(InvalidInput, match="does not lie in Discord"):
        await fetched(attachments, Shared(id="0", name="a.txt", size=1, url=elsewhere.url + "/a.txt"))
    assert not elsewhere.requests


@pytest.mark.parametrize(("status", "error"), [(404, NotFound), (403, NotFound), (429, TemporaryError), (503, TemporaryError)])
async def test_a_refusal_is_told_apart_from_trouble(elsewhere: Elsewhere, status: int, error: type[NexusError]) -> None:
    with pytest.raises(error, match=r"a\.txt"):
        await fetched(
            Attachments(api_url=elsewhere.url), Shared(id="0", name="a.txt", size=1, url=f"{elsewhere.url}/a?status={status}")
        )


async def test_no_redirect_is_followed_and_no_token_is_sent(elsewhere: Elsewhere) -> None:
    with pytest.raises(NotFound):
        await fetched(Attachments(api_url=elsewhere.url), Shared(id="0", name="a.txt", size=1, url=elsewhere.url + "/moved"))
    (request,) = elsewhere.requests
    assert "Authorization" not in request.headers


@pytest.mark.parametrize(
    ("url", "api_url", "fetches"),
    [
        ("https://cdn.discordapp.com/attachments/1/2/a.png?ex=1", API_URL, True),
        ("https://media.discordapp.net/attachments/1/2/a.png", API_URL, True),
        ("http://127.0.0.1:4000/cdn/a.png", "http://127.0.0.1:4000/api/v10", True),
        ("http://cdn.discordapp.com/attachments/1/2/a.png", API_URL, False),
        ("https://cdn.discordapp.com.example.com/a.png", API_URL, False),
        ("https://cdn.discordapp.com:8443/a.png", API_URL, False),
        ("https://somebody@cdn.discordapp.com/a.png", API_URL, False),
        ("http://169.254.169.254/latest", API_URL, False),
        ("http://127.0.0.1:4001/cdn/a.png", "http://127.0.0.1:4000/api/v10", False),
        ("https://cdn.discordapp.com/attachments/1/2/a.png", "http://127.0.0.1:4000/api/v10", False),
        ("https://[", API_URL, False),
    ],
)
def test_files_come_from_discord_or_from_what_stands_in_for_it_alone(url: str, api_url: str, fetches: bool) -> None:
    assert Attachments(api_url=api_url).is_discords(url) is fetches
