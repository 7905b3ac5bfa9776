"""The files that people add to their words, commands and forms, fetched from Discord.

Called by `adapters.discord.desk` before a request is handed on. It fetches from Discord's own hosts for files and from nobody
else, whatever address a payload names; no redirect is followed, and no token is sent: the address itself lets its bearer in, for
a while. It refuses with a sentence what is too large, too many or neither a picture nor text; what the bytes are is decided by
`core.words.attachment`, not by a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import aiohttp

from adapters.discord.calls import API_URL
from adapters.discord.inbound import Shared
from core.errors import InvalidInput, NotFound, TemporaryError, TooLarge
from core.words.attachment import MAX_ATTACHMENTS, MAX_IMAGE_BYTES, Attachment, attachment

TIMEOUT = 30.0  #: seconds for one file
CHUNK = 65_536
HOSTS = frozenset({"cdn.discordapp.com", "media.discordapp.net"})


class Attachments:
    """Fetches files."""

    def __init__(self, *, api_url: str = API_URL) -> None:
        own = urlsplit(api_url)
        self._own = (own.scheme, own.netloc)
        self._stands_in = own.hostname not in {
            "discord.com",
            "discordapp.com",
        }  # this Nexus speaks with another server than Discord

    async def fetch(self, files: Sequence[Shared]) -> list[Attachment]:
        """The contents, in order.

        Raises:
            TooLarge: there are too many, or one is too large.
            InvalidInput: one is neither a picture nor text, or lies outside of Discord.
            NotFound: one was deleted, or its address holds no more.
            TemporaryError: Discord does not give it out just now.
        """
        if not files:
            return []
        if len(files) > MAX_ATTACHMENTS:
            raise TooLarge(f"Those are {len(files)} files; at most {MAX_ATTACHMENTS} go with one request.")
        for file in files:
            if file.size > MAX_IMAGE_BYTES:
                raise _too_large(file)
            if not self.is_discords(file.url):
                raise InvalidInput(f"The file {file.name!r} does not lie in Discord; add the file itself.")
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
            return [attachment(file.name, await self._bytes(session, file)) for file in files]

    def is_discords(self, url: str) -> bool:
        """Whether files are fetched from there."""
        try:
            parts = urlsplit(url)
            if self._stands_in:
                return (parts.scheme, parts.netloc) == self._own
            return parts.scheme == "https" and parts.netloc in HOSTS
        except ValueError:
            return False

    async def _bytes(self, session: aiohttp.ClientSession, file: Shared) -> bytes:
        try:
            async with session.get(file.url, allow_redirects=False) as response:
                if response.status == 429 or response.status >= 500:
                    raise _not_now(file)
                if response.status != 200:
                    raise NotFound(f"The file {file.name!r} is not there any more; add it again.")
                return await _read(response, file)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _not_now(file) from error


async def _read(response: aiohttp.ClientResponse, file: Shared) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        content += chunk
        if len(content) > MAX_IMAGE_BYTES:
            raise _too_large(file)
    return bytes(content)


def _too_large(file: Shared) -> TooLarge:
    return TooLarge(f"The file {file.name!r} is over {MAX_IMAGE_BYTES // 1_000_000} MB; send a smaller one.")


def _not_now(file: Shared) -> TemporaryError:
    return TemporaryError(f"Discord does not give out the file {file.name!r} just now; try again in a minute.")
