"""A client of a running Nexus, for the CLI: the same threads, commands and buttons as the page, over HTTP with a token.

Made by the CLI for the data folder it was given. It mints its own short token with the folder's key: who may read the folder is its owner.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp

from adapters.api.tokens import Tokens
from bot.platform.data_folder import DataFolder
from core.errors import OperatorError, TemporaryError, UserError
from core.ids import LOCAL_USER, new_id
from core.words.cards import Card
from core.words.views import MessageView, ThreadView


class Reply:
    """What came back from a command or a button."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.text: str = body.get("text") or ""
        self.error: bool = bool(body.get("error"))
        self.thread: str | None = body.get("thread")
        self.card = Card.model_validate(body["card"]) if body.get("card") else None
        self.form: dict[str, Any] | None = body.get("form")


class Client:
    """Talks to the Nexus at ``url`` on this machine. Use it as an async context manager."""

    def __init__(self, url: str, data: DataFolder) -> None:
        parts = urlsplit(url)
        self._base = f"http://127.0.0.1:{parts.port or 80}"
        token = Tokens(data.secret("tokens")).issue(LOCAL_USER, life=timedelta(days=1))
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "Host": parts.netloc}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers=self._headers, trust_env=False, timeout=aiohttp.ClientTimeout(total=None, sock_connect=5)
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._session is not None
        await self._session.close()

    async def say(self, text: str, *, thread: str | None = None) -> Reply:
        """Type into the box."""
        return Reply(await self._post("/chat/messages", {"text": text, "thread": thread}))

    async def press(self, action: str, value: str, *, thread: str | None) -> Reply:
        """Press a button."""
        return Reply(await self._post("/chat/actions", {"action": action, "value": value, "thread": thread}))

    async def submit(self, form: str, value: str, values: dict[str, str], *, thread: str | None = None) -> Reply:
        """Submit a form."""
        return Reply(await self._post("/chat/forms", {"form": form, "value": value, "values": values, "thread": thread}))

    async def signin(self, user: str) -> str:
        """A one-time link that signs this user in."""
        return str((await self._post("/api/v1/signin-links", {"user": user}, key=False))["url"])

    async def messages(self, thread: str) -> tuple[list[MessageView], int]:
        """A thread's messages, and the position from which `follow` goes on."""
        body = await self._get(f"/chat/threads/{thread}")
        return [MessageView.model_validate(m) for m in body["messages"]], int(body["cursor"])

    async def threads(self) -> list[ThreadView]:
        """The threads."""
        return [ThreadView.model_validate(t) for t in (await self._get("/chat/threads"))["threads"]]

    async def follow(self, thread: str, *, after: int) -> AsyncIterator[MessageView]:
        """A thread's messages as they change, from a position on; comes back by itself when the connection breaks."""
        while True:
            try:
                async for name, data in self._events(f"/chat/stream?thread={thread}&after={after}"):
                    if name == "message":
                        message = MessageView.model_validate(data)
                        after = max(after, message.version)
                        yield message
            except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError):
                continue

    async def log(self, slug: str) -> AsyncIterator[str]:
        """An app's new log lines as they come."""
        async for name, data in self._events(f"/apps/{slug}/log"):
            if name in {"line", "log", "lines"}:
                found = data if isinstance(data, list) else data.get("lines", data.get("line", []))
                for line in found if isinstance(found, list) else [found]:
                    yield str(line)

    async def _events(self, path: str) -> AsyncIterator[tuple[str, Any]]:
        assert self._session is not None
        headers = {"Accept": "text/event-stream, application/json"}
        async with self._session.get(self._base + path, headers=headers) as response:
            await self._check(response)
            name, lines = "", []
            buffer = b""
            async for chunk in response.content.iter_any():
                buffer += chunk
                *whole, buffer = buffer.split(b"\n")
                for raw in whole:
                    line = raw.decode()
                    if line.startswith("event: "):
                        name = line[7:]
                    elif line.startswith("data: "):
                        lines.append(line[6:])
                    elif not line and lines:
                        yield name, json.loads("\n".join(lines))
                        name, lines = "", []

    async def _get(self, path: str) -> Any:
        assert self._session is not None
        async with self._session.get(self._base + path) as response:
            return await self._check(response)

    async def _post(self, path: str, body: dict[str, Any], *, key: bool = True) -> Any:
        assert self._session is not None
        whole = {"key": new_id("cli"), **body} if key else body
        async with self._session.post(self._base + path, json=whole) as response:
            return await self._check(response)

    async def _check(self, response: aiohttp.ClientResponse) -> Any:
        if response.status < 400:
            return await response.json() if response.content_type == "application/json" else None
        text = await response.text()
        try:
            detail = json.loads(text)["detail"]
        except (ValueError, KeyError, TypeError):
            detail = f"Nexus answered {response.status}; its log has the details."
        if response.status == 503:
            raise TemporaryError(detail)
        raise (UserError if response.status < 500 else OperatorError)(detail)
