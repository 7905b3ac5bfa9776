"""Seeing: what a person asks to be shown of an app, made into one private answer. The part of the dialogue that changes nothing.

Called by `core.conversation.dialogue`. What it shows was checked by the engine to be theirs to see.
"""

from __future__ import annotations

import asyncio

from core.conversation import answers
from core.conversation.face import EngineFace
from core.conversation.names import nearest
from core.errors import InvalidInput, NotFound
from core.ids import BuildId
from core.words.inbound import Answer, Download, Who
from core.words.views import AppState, BuildState, BuildView

WHOLE_LOG_LINES = 20_000  #: of a log as a file; more than a host keeps


class Seeing:
    """Shows apps, logs, files, databases and usage."""

    def __init__(self, engine: EngineFace) -> None:
        self._engine = engine

    async def app(self, who: Who, slug: str) -> Answer:
        """One app."""
        app = await self._engine.app(who, slug)
        builds = await self._engine.builds(who, slug)
        card = answers.app_card(app, await self._engine.releases(who, slug), builds[0] if builds else None)
        return Answer(card=card, thread=app.thread)

    async def usage(self, who: Who, slug: str | None) -> Answer:
        """What one app uses, or all."""
        if slug is not None:
            one = await self._engine.app(who, slug)
            return Answer(card=answers.usage_card([(one, await self._engine.usage(who, slug))]))
        whole = answers.workspace_facts(await self._engine.workspace_usage(who), await self._engine.workspace(who))
        there = [app for app in await self._engine.apps(who) if app.state is not AppState.DELETED]
        return Answer(card=answers.usage_card([(app, await self._engine.usage(who, app.slug)) for app in there], whole))

    # -- logs -------------------------------------------------------------------------------------------------------------

    async def logs(self, who: Who, slug: str, lines: int) -> Answer:
        """The last lines."""
        app = await self._engine.app(who, slug)
        printed = await self._engine.logs(who, slug, lines)
        return Answer(card=answers.logs_card(slug, printed, follow=app.state is AppState.LIVE))

    async def log_file(self, who: Who, slug: str) -> Answer:
        """All that is kept, as a file."""
        printed = await self._engine.logs(who, slug, WHOLE_LOG_LINES)
        if not printed:
            return Answer(text=f"{slug} has printed nothing yet.")
        return Answer(file=Download(name=f"{slug}.log", content="\n".join([*printed, ""]).encode("utf-8", "replace")))

    async def follow(self, who: Who, slug: str) -> Answer:
        """The lines as they come, for some minutes."""
        app = await self._engine.app(who, slug)
        if app.state is not AppState.LIVE:
            raise InvalidInput(f"{slug} is not running, so its log does not grow. `logs {slug}` shows its last lines.")
        return Answer(follow=slug, thread=app.thread)

    # -- files ------------------------------------------------------------------------------------------------------------

    async def files(self, who: Who, slug: str, path: str) -> Answer:
        """The files of the newest build, or the text of one."""
        builds = await self._engine.builds(who, slug)  # without files
        newest = next((build for build in builds if build.state is BuildState.READY), builds[0] if builds else None)
        if newest is None:
            raise NotFound(f"{slug} has no files yet: nothing of it was built so far.")
        build = await self._engine.build_view(who, newest.build)
        if not path:
            return Answer(card=answers.files_card(build))
        paths = paths_of(build)
        if path not in paths and (near := nearest(path, paths)):
            raise NotFound(f"There is no file {path!a} in {slug}. Did you mean {near}?")
        return await self._file(who, build, path)

    async def file(self, who: Who, value: str) -> Answer:
        """The text of one file of a build; ``value`` is the build's id and the file's place among the sorted paths."""
        build_id, _, place = value.partition(" ")
        build = await self._engine.build_view(who, BuildId(build_id))
        paths = paths_of(build)
        if not place.isdecimal() or int(place) >= len(paths):
            raise NotFound("That file is not in this build any more; look at the newest card.")
        return await self._file(who, build, paths[int(place)])

    async def _file(self, who: Who, build: BuildView, path: str) -> Answer:
        return Answer(card=answers.file_card(build, path, await self._engine.file(who, build.build, path)))

    async def archive(self, who: Who, build_id: str) -> Answer:
        """All files of a build in one .zip."""
        build = await self._engine.build_view(who, BuildId(build_id))
        files = await self._engine.files(who, build.build)
        packed = await asyncio.to_thread(files.zipped, build.slug)
        return Answer(file=Download(name=archive_name(build), content=packed))

    async def setup(self, who: Who, build_id: str) -> Answer:
        """How the app of a build is set up, and the settings that it reads."""
        return Answer(card=answers.setup_card(await self._engine.build_view(who, BuildId(build_id))))

    # -- databases --------------------------------------------------------------------------------------------------------

    async def database(self, who: Who, slug: str) -> Answer:
        """The database, without its password."""
        return Answer(card=answers.database_card(slug, await self._engine.database(who, slug)))

    async def reveal(self, who: Who, slug: str) -> Answer:
        """How to reach it, password and all."""
        return Answer(card=answers.revealed_card(slug, await self._engine.reveal(who, slug)), secret=True)


def paths_of(build: BuildView) -> list[str]:
    """The paths of a build's files, sorted: a file's place in it is what a button says."""
    return sorted(file.path for file in build.files if file.change != "removed")


def archive_name(build: BuildView) -> str:
    """The name of a build's .zip."""
    return f"{build.slug}-{build.number}.zip"
