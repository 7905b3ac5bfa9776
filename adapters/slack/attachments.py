"""The files that people add to their words, fetched from Slack.

Called by `adapters.slack.desk` before a request is handed on. A workspace's token goes with a request to Slack's own hosts and to
nobody else, whatever address a payload names, and no redirect is followed. It refuses with a sentence what is too large, too many
or neither a picture nor text; what the bytes are is decided by `core.words.attachment`, not by a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import aiohttp

from adapters.slack.calls import BASE_URL, Calls, Tokens
from adapters.slack.inbound import Shared
from core.errors import Forbidden, InvalidInput, NotFound, TemporaryError, TooLarge
from core.words.attachment import MAX_ATTACHMENTS, MAX_IMAGE_BYTES, Attachment, attachment

TIMEOUT = 30.0  #: seconds for one file
CHUNK = 65_536


class Attachments:
    """Fetches files."""

    def __init__(self, calls: Calls, tokens: Tokens, *, api_url: str = BASE_URL) -> None:
        self._calls = calls
        self._tokens = tokens
        self._own = urlsplit(api_url)

    async def fetch(self, workspace: str, files: Sequence[Shared]) -> list[Attachment]:
        """The contents, in order.

        Raises:
            TooLarge: there are too many, or one is too large.
            InvalidInput: one is neither a picture nor text, or lies outside of Slack.
            Forbidden: Nexus may not read files here.
            NotFound: one was deleted.
            TemporaryError: Slack does not give it out just now.
        """
        if not files:
            return []
        if len(files) > MAX_ATTACHMENTS:
            raise TooLarge(f"Those are {len(files)} files; at most {MAX_ATTACHMENTS} go with one request.")
        for file in files:
            if file.size > MAX_IMAGE_BYTES:
                raise TooLarge(f"The file {file.name!r} is over {MAX_IMAGE_BYTES // 1_000_000} MB; send a smaller one.")
            if file.mode in {"tombstone", "hidden_by_limit"}:
                raise NotFound(f"The file {file.name!r} is not kept in Slack any more; add it again.")
            if file.mode == "external":
                raise InvalidInput(f"The file {file.name!r} lies outside of Slack; add the file itself.")
        token = (await self._tokens.token(workspace)).get_secret_value()
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
            return [attachment(file.name, await self._bytes(session, workspace, token, file)) for file in files]

    def _is_slack(self, url: str) -> bool:
        parts = urlsplit(url)
        if (parts.scheme, parts.netloc) == (self._own.scheme, self._own.netloc):
            return True
        # Slack's own files, unless this Nexus speaks with another server than Slack.
        slack = (self._own.hostname or "") in {"slack.com", "www.slack.com"}
        return slack and parts.scheme == "https" and parts.netloc == "files.slack.com"

    async def _bytes(self, session: aiohttp.ClientSession, workspace: str, token: str, file: Shared) -> bytes:
        url = file.url
        if not url:  # from another workspace: Slack tells only its id
            answer = await self._calls.call(workspace, "files.info", file=file.id)
            url = str((answer.get("file") or {}).get("url_private") or "")
        if not self._is_slack(url):
            raise InvalidInput(f"The file {file.name!r} does not lie in Slack; add the file itself.")
        try:
            async with session.get(url, headers={"Authorization": f"Bearer {token}"}, allow_redirects=False) as response:
                self._check(response, file)
                return await _read(response, file)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise TemporaryError(f"Slack does not give out the file {file.name!r} just now; try again in a minute.") from error

    def _check(self, response: aiohttp.ClientResponse, file: Shared) -> None:
        """Without the scope Slack does not refuse: it shows, or redirects to, its page for signing in."""
        page = response.content_type == "text/html" and not file.name.lower().endswith((".html", ".htm"))
        if response.status == 404:
            raise NotFound(f"The file {file.name!r} is not there any more; add it again.")
        if response.status == 429 or response.status >= 500:
            raise TemporaryError(f"Slack does not give out the file {file.name!r} just now; try again in a minute.")
        if response.status != 200 or page:
            raise Forbidden(
                "Nexus may not read files in this workspace; an admin has to install it again, with the scope files:read."
            )


async def _read(response: aiohttp.ClientResponse, file: Shared) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        content += chunk
        if len(content) > MAX_IMAGE_BYTES:
            raise TooLarge(f"The file {file.name!r} is over {MAX_IMAGE_BYTES // 1_000_000} MB; send a smaller one.")
    return bytes(content)
