"""A real Chromium for the tests of what people look at.

Where there is none the tests are skipped and say so; in CI (``CI`` in the environment) its absence is a failure.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright, expect

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome", "chrome") if (path := shutil.which(name))), None
)
expect.set_options(timeout=15_000)  # milliseconds: what is expected comes, on a machine that does much else a little later
#: Nothing that a test does not ask for: Chromium's own calls home are refused by a closed network, many at a time.
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A running browser."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is needed in CI: apt-get install chromium")
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield made
        finally:
            await made.close()
