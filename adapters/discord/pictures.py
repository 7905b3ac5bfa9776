"""Pictures of cards, as files of their messages: loaded from where Nexus keeps them, and sent with the message that shows them.

Used by `adapters.discord.outbound`. Discord cannot fetch a picture from a Nexus that is not on the internet, so the bytes go with the
message; edits keep the files that it has, which are known by their names. A picture that cannot be had costs the picture and not the card.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping

import structlog

from adapters.discord.calls import Upload
from core.errors import NexusError
from core.words.cards import Card, Image, Section

log = structlog.get_logger(__name__)

Load = Callable[[str], Awaitable[tuple[bytes, str]]]  #: from an Image's path to its bytes and media type

WAIT = 5.0  #: seconds that a card waits for its pictures
REMEMBERED = 32  #: pictures
MOST_BYTES = 8 * 2**20  #: of all pictures of a message
MOST = 10  #: files that a message takes
ENDINGS: Mapping[str, str] = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp"}


class Pictures:
    """Loads what cards show."""

    def __init__(self, load: Load, *, wait: float = WAIT) -> None:
        self._load = load
        self._wait = wait
        self._loaded: dict[str, Upload] = {}  # by path

    async def ready(self, card: Card) -> dict[str, Upload]:
        """Path to file of those pictures of the card that can be shown."""
        found: dict[str, Upload] = {}
        size = 0
        for image in images(card):
            upload = self._loaded.get(image.path) or await self._bring(image)
            if upload is None or size + len(upload.content) > MOST_BYTES or len({one.name for one in found.values()}) >= MOST:
                continue
            size += len(upload.content)
            found[image.path] = upload
        return found

    async def _bring(self, image: Image) -> Upload | None:
        """None where there is none to show. It never raises: a card is shown with or without."""
        try:
            async with asyncio.timeout(self._wait):
                content, media_type = await self._load(image.path)
        except (NexusError, TimeoutError) as error:
            log.info("a picture is not shown", path=image.path, why=str(error) or "it takes too long")
            return None
        except Exception:
            log.exception("a picture is not shown", path=image.path)
            return None
        if media_type not in ENDINGS:
            return None
        name = f"picture-{hashlib.sha256(content).hexdigest()[:12]}{ENDINGS[media_type]}"
        while len(self._loaded) >= REMEMBERED:
            self._loaded.pop(next(iter(self._loaded)))
        upload = self._loaded[image.path] = Upload(name=name, content=content, about=image.alt)
        return upload


def images(card: Card) -> Iterator[Image]:
    """Every picture of a card."""
    for child in card.children:
        for part in (child, *(child.children if isinstance(child, Section) else ())):
            if isinstance(part, Image):
                yield part
