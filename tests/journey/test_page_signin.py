"""Signing in, by a person in a browser, on the real product. What they do then is the journey of every platform (`parity`)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser import chromium
from tests.support.nexus import Nexus


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as made:
        yield made


async def test_a_sign_in_link_works_once(browser: Browser, warm: Nexus) -> None:
    link = (await warm.run("signin")).ok().strip()
    first, second = await browser.new_context(), await browser.new_context()
    try:
        page = await first.new_page()
        await page.goto(link)
        await expect(page.locator("textarea")).to_be_visible()
        other = await second.new_page()
        answer = await other.goto(link)
        assert answer is not None
        assert answer.status in {400, 401, 403, 404}
        await expect(other.locator("textarea")).to_have_count(0)
    finally:
        await first.close()
        await second.close()
