"""Pictures of cards, as files of Slack that an image block can show: uploaded once, shared nowhere, used when Slack has processed them.

Used by `adapters.slack.outbound`. Slack cannot fetch a picture from a Nexus that is not on the internet, so the bytes are uploaded; an
image block may name a file only after Slack has looked at it, which takes a moment, and is refused with ``invalid_blocks`` before. So a
card is shown without a picture that takes longer than `WAIT`, and with it later. What was uploaded is remembered per process and by
content; another process uploads it again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping

import structlog

from adapters.slack.calls import Calls
from adapters.slack.faults import ScopeMissing
from adapters.slack.uploads import upload
from core.conversation.outbox import Clock, RealClock
from core.errors import NexusError
from core.words.cards import Card, Image, Section

log = structlog.get_logger(__name__)

Load = Callable[[str], Awaitable[tuple[bytes, str]]]  #: from an Image's path to its bytes and media type

WAIT = 3.0  #: seconds that a card waits for its pictures
LONGEST = 60.0  #: seconds until Slack's processing is given up
FIRST_LOOK = 0.25  #: seconds until Slack is asked whether it is done; doubled each time
REMEMBERED = 500
ENDINGS: Mapping[str, str] = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif"}  #: what an image block takes


class Pictures:
    """Uploads what cards show."""

    def __init__(self, calls: Calls, load: Load, *, wait: float = WAIT, clock: Clock | None = None) -> None:
        self._calls = calls
        self._load = load
        self._wait = wait
        self._clock = clock or RealClock()
        self._uploads: dict[tuple[str, str], asyncio.Task[str]] = {}  # by workspace and path; the result is a file's id
        self._files: dict[tuple[str, str], str] = {}  # by workspace and digest

    async def ready(self, workspace: str, card: Card, *, wait: float | None = None) -> dict[str, str]:
        """Path to file id of those pictures of the card that can be shown now, or within ``wait`` seconds."""
        tasks = {image.path: self._upload(workspace, image) for image in images(card)}
        if not tasks:
            return {}
        await asyncio.wait(tasks.values(), timeout=self._wait if wait is None else wait)
        return {path: task.result() for path, task in tasks.items() if task.done() and not task.cancelled() and task.result()}

    def forget(self, workspace: str, files: Mapping[str, str]) -> None:
        """Slack does not show these after all: they are uploaded anew when they are wanted again."""
        for path, file in files.items():
            self._uploads.pop((workspace, path), None)
            self._files = {place: known for place, known in self._files.items() if known != file}

    async def close(self) -> None:
        """Stop uploading."""
        tasks = list(self._uploads.values())
        self._uploads.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _upload(self, workspace: str, image: Image) -> asyncio.Task[str]:
        place = (workspace, image.path)
        task = self._uploads.get(place)
        if task is None or (task.done() and (task.cancelled() or not task.result())):
            while len(self._uploads) >= REMEMBERED:
                self._uploads.pop(next(iter(self._uploads)))
            task = self._uploads[place] = asyncio.create_task(self._bring(workspace, image), name=f"picture {image.path}")
        return task

    async def _bring(self, workspace: str, image: Image) -> str:
        """The file's id; empty where there is none to show. It never raises: a card is shown with or without."""
        try:
            content, media_type = await self._load(image.path)
            if media_type not in ENDINGS:
                return ""
            digest = (workspace, hashlib.sha256(content).hexdigest())
            if digest not in self._files:
                name = "picture" + ENDINGS[media_type]
                file = await upload(self._calls, workspace, name, content, alt_text=image.alt)
                await self._processed(workspace, str(file["id"]))
                while len(self._files) >= REMEMBERED:
                    self._files.pop(next(iter(self._files)))
                self._files[digest] = str(file["id"])
            return self._files[digest]
        except (NexusError, TimeoutError) as error:
            log.info("a picture is not shown", path=image.path, why=str(error))
        except Exception:
            log.exception("a picture is not shown", path=image.path)
        return ""

    async def _processed(self, workspace: str, file: str) -> None:
        """Wait until an image block may name the file: Slack has found out what it is."""
        pause, waited = FIRST_LOOK, 0.0
        while waited < LONGEST:
            try:
                answer = await self._calls.call(workspace, "files.info", file=file)
            except ScopeMissing:  # where it may not ask, time has to do
                await self._clock.sleep(2.0)
                return
            if (answer.get("file") or {}).get("mimetype", "?"):
                return
            await self._clock.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, 4.0)
        raise TimeoutError("Slack does not process the picture")


def images(card: Card) -> Iterator[Image]:
    """Every picture of a card."""
    for child in card.children:
        for part in (child, *(child.children if isinstance(child, Section) else ())):
            if isinstance(part, Image):
                yield part
