"""The page over the fakes, and a client that is signed in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.support.fake_engine import ADA, FakeSite, furnish, make_site


@pytest.fixture
async def site() -> AsyncIterator[FakeSite]:
    """A furnished site on a free port."""
    made = make_site()
    await furnish(made.engine)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def anyone(site: FakeSite) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that is not signed in."""
    async with aiohttp.ClientSession(site.url, cookie_jar=aiohttp.DummyCookieJar()) as client:
        yield client


@pytest.fixture
async def ada(site: FakeSite) -> AsyncIterator[aiohttp.ClientSession]:
    """Ada's browser: her cookie, and the headers that a browser sends from the page itself."""
    token = await site.sessions.issue(ADA.principal)
    headers = {"Cookie": f"nexus={token}", "Origin": site.url, "Sec-Fetch-Site": "same-origin"}
    async with aiohttp.ClientSession(site.url, headers=headers, cookie_jar=aiohttp.DummyCookieJar()) as client:
        yield client
