"""What it is compared to: a Bolt app that acknowledges the command and does nothing else. Run by the benchmark as a process of its own.

``python -m bench.slack.bare sockets`` or ``… http PORT``; the rest is in the environment, by Nexus's own names.
"""

from __future__ import annotations

import asyncio
import os
import sys

from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

COMMAND = "/nexus"


def bare_app() -> AsyncApp:
    client = AsyncWebClient(token=os.environ.pop("SLACK_BOT_TOKEN"), base_url=os.environ["SLACK_API_URL"])
    app = AsyncApp(client=client, signing_secret=os.environ.get("SLACK_SIGNING_SECRET", ""))

    @app.command(COMMAND)
    async def typed(ack: AsyncAck) -> None:
        await ack()

    return app


async def sockets() -> None:
    app, token = bare_app(), os.environ["SLACK_APP_TOKEN"]
    handlers = [AsyncSocketModeHandler(app, token) for _ in range(2)]
    for handler in handlers:
        await handler.connect_async()
    await asyncio.Event().wait()


async def http(port: int) -> None:
    runner = web.AppRunner(bare_app().web_app("/slack/events"), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(sockets() if sys.argv[1] == "sockets" else http(int(sys.argv[2])))
