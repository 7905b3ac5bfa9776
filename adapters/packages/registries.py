"""The package registries of this machine, asked over HTTP. The one implementation of `core.generation.index.PackageIndex`.

Made by wiring. No registry's address stands here: pnpm and uv are asked where they install from, so that a mirror or a private index counts
here as it does in the install step. npm's registry answers with its document of a package, Python's index with its JSON (PEP 691 and 700).
Proxies and certificates come from the environment. It downloads no package and keeps nothing but the addresses.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

import aiohttp
from yarl import URL

from adapters.packages.answers import Unreadable, read_npm, read_pypi
from core.generation.index import IndexUnreachable, PackageFacts, PackageIndex
from core.generation.packages import Registry

SECONDS = 15.0  #: for one look-up, whatever the registry does
MAX_BYTES = 48_000_000  #: the largest documents are some 20 MB
AT_ONCE = 4

_ACCEPT = {"npm": "application/json", "pypi": "application/vnd.pypi.simple.v1+json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """The programs that install packages, absolute paths."""

    node: Path
    pnpm: Path  #: pnpm's JavaScript entry, run by ``node``
    uv: Path


class RegistryIndex(PackageIndex):
    """Asks where the clients would install from."""

    def __init__(self, clients: Clients, *, seconds: float = SECONDS) -> None:
        self._clients = clients
        self._seconds = seconds
        self._addresses: dict[Registry, Sequence[str]] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    async def look_up(self, registry: Registry, name: str) -> PackageFacts | None:
        try:
            async with self._places, asyncio.timeout(self._seconds):
                for address in await self._where(registry):
                    document = await _fetch(_url(registry, address, name), _ACCEPT[registry])
                    if document is not None:
                        read: Callable[[str, bytes], PackageFacts] = read_npm if registry == "npm" else read_pypi
                        # In a thread: a document of 20 MB takes a second to read.
                        return await asyncio.to_thread(read, name, document)
                return None
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, Unreadable) as error:
            raise IndexUnreachable("The package index gave no usable answer; try again when it can be reached.") from error

    async def _where(self, registry: Registry) -> Sequence[str]:
        if registry not in self._addresses:
            clients = self._clients
            if registry == "npm":
                said = await _output(str(clients.node), str(clients.pnpm), "config", "get", "registry")
                found = re.findall(r"^https?://\S+", said, re.MULTILINE)
            else:
                asked = ("pip", "compile", "--emit-index-url", "--offline", "--no-deps", "--quiet", "-")
                said = await _output(str(clients.uv), *asked)
                extra = re.findall(r"^--extra-index-url (https?://\S+)", said, re.MULTILINE)
                found = [*extra, *re.findall(r"^--index-url (https?://\S+)", said, re.MULTILINE)]
            if not found:
                raise Unreadable("the client named no registry")
            self._addresses[registry] = found
        return self._addresses[registry]


def _url(registry: Registry, address: str, name: str) -> str:
    path = quote(name, safe="@") if registry == "npm" else quote(name) + "/"
    return f"{address.rstrip('/')}/{path}"


async def _fetch(url: str, accept: str) -> bytes | None:
    """The body of a 200, None for a 404."""
    parts = urlsplit(url)
    headers = {"Accept": accept}
    if parts.username:
        headers["Authorization"] = aiohttp.encode_basic_auth(unquote(parts.username), unquote(parts.password or ""))
    async with (
        aiohttp.ClientSession(trust_env=True, cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.get(_without_login(parts), headers=headers) as response,
    ):
        if response.status == 404:
            return None
        if response.status != 200:
            raise Unreadable(f"status {response.status}")
        body = bytearray()
        async for chunk in response.content.iter_chunked(65_536):
            body += chunk
            if len(body) > MAX_BYTES:
                raise Unreadable("too long")
        return bytes(body)


def _without_login(parts: SplitResult) -> URL:
    """As it is quoted: the slash of a scope stays ``%2F``."""
    return URL(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), encoded=True)


async def _output(*argv: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, cwd="/"
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return said.decode(errors="replace")
