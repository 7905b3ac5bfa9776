"""What Discord offers while a command is typed: apps, releases, files and names of settings, those first that fit what was typed.

Called by `adapters.discord.desk`, for which `offered` finds out who types and in whose thread. There is no place to say why there is
nothing to offer: then nothing is, and the command can be sent all the same, with whatever was typed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Protocol

import structlog
from discord.app_commands import Choice

from adapters.discord.inbound import Sought, Where
from core.conversation.completion import MAX_COMPLETIONS
from core.conversation.measuring import clip, units
from core.conversation.names import nearest
from core.conversation.presenter.trees import paths
from core.errors import NexusError
from core.ids import BuildId
from core.words.inbound import Who
from core.words.plan import slugify
from core.words.views import AppState, AppView, BuildState, BuildView, ReleaseView

log = structlog.get_logger(__name__)

OFFER: Final = 2.5  #: seconds in which it is found; Discord waits for three
LONGEST: Final = 100  #: of a name, and of a value

Offered = Choice[str] | Choice[int]
Look = Callable[[Where], Awaitable[tuple[Who, str]]]  #: who types, and the app of the thread that they type in


class Engine(Protocol):
    """The engine, as far as it is asked here."""

    async def apps(self, who: Who) -> list[AppView]: ...
    async def releases(self, who: Who, slug: str) -> list[ReleaseView]: ...
    async def builds(self, who: Who, slug: str) -> list[BuildView]: ...
    async def build_view(self, who: Who, build: BuildId) -> BuildView: ...
    async def settings(self, who: Who, slug: str) -> tuple[int, list[str]]: ...


async def offered(engine: Engine, sought: Sought, look: Look, *, seconds: float = OFFER) -> list[Offered]:
    """What fits; nothing where it cannot be found in time, or somebody may not see it. Raises nothing."""
    try:
        async with asyncio.timeout(seconds):
            who, here = await look(sought.where)
            return await choices(engine, who, sought, here)
    except (NexusError, TimeoutError) as error:
        log.info("nothing is offered", command=sought.command, option=sought.focused, reason=type(error).__name__)
    except Exception:
        log.exception("nothing is offered", command=sought.command, option=sought.focused)
    return []


async def choices(engine: Engine, who: Who, sought: Sought, here: str = "") -> list[Offered]:
    """What fits; ``here`` is the app of the thread.

    Raises:
        UserError: there is no such app, or it is not theirs.
    """
    if sought.focused == "app":
        return _apps([app for app in await engine.apps(who) if app.state is not AppState.DELETED], sought.text, here)
    typed = sought.options.get("app", "").strip()
    app = slugify(typed) if typed else here
    if not app:
        return []
    match sought.command, sought.focused:
        case "rollback", "release":
            return _releases(await engine.releases(who, app), sought.text)
        case "files", "path":
            return _texts(((path, path) for path in await _paths(engine, who, app)), sought.text)
        case "env set" | "env unset", "name":
            return _texts(await _settings(engine, who, app, unset=sought.command == "env unset"), sought.text)
    return []


def _apps(apps: Sequence[AppView], typed: str, here: str) -> list[Offered]:
    in_order = sorted(apps, key=lambda app: app.slug != here)
    return _texts(((app.slug, f"{app.slug} · {app.state}") for app in in_order), typed, also={app.slug: app.name for app in apps})


def _releases(releases: Sequence[ReleaseView], typed: str) -> list[Offered]:
    kept = [release for release in releases if release.kept and not release.live]
    labels = {f"v{one.number}": f"v{one.number} · {one.at:%d %b} · {' '.join(one.summary.split())}" for one in kept}
    wanted = f"v{typed}" if typed.isdecimal() else typed
    ranked = _ranked(labels, wanted, also=labels)
    return [Choice(name=clip(labels[name], LONGEST), value=int(name[1:])) for name in ranked]


async def _paths(engine: Engine, who: Who, app: str) -> list[str]:
    builds = await engine.builds(who, app)  # without files
    newest = next((build for build in builds if build.state is BuildState.READY), builds[0] if builds else None)
    return paths((await engine.build_view(who, newest.build)).files) if newest is not None else []


async def _settings(engine: Engine, who: Who, app: str, *, unset: bool) -> list[tuple[str, str]]:
    """The settings that there are; before them those that the app reads and that nobody has set, where one can be set."""
    _, names = await engine.settings(who, app)
    there = [(name, name if unset else f"{name} · is set") for name in names]
    if unset:
        return there
    planned = next((build.plan for build in await engine.builds(who, app) if build.plan is not None), None)
    needed = [(one.name, f"{one.name} · {one.purpose}") for one in (planned.settings if planned is not None else [])]
    return [one for one in needed if one[0] not in names] + there


def _texts(found: Iterable[tuple[str, str]], typed: str, *, also: dict[str, str] | None = None) -> list[Offered]:
    """Choices of a text: values and labels. What would not fit as a value is left out, since it would be another one."""
    labels = {value: label for value, label in found if 0 < units(value) <= LONGEST}
    return [Choice(name=clip(labels[value], LONGEST), value=value) for value in _ranked(labels, typed, also=also or {})]


def _ranked(values: Iterable[str], typed: str, *, also: dict[str, str]) -> list[str]:
    """Those that fit what was typed, best first: what begins so, has a word that begins so, has it within, has its letters in that order;
    where nothing does, what was probably meant. ``also`` are other words for a value."""
    wanted = typed.casefold().strip()
    known = list(values)
    ranks = {value: min(_rank(value.casefold(), wanted), _other(also.get(value, "").casefold(), wanted)) for value in known}
    fitting = sorted((value for value in known if ranks[value] < _NO), key=lambda value: ranks[value])
    if not fitting and (near := nearest(typed, known)):
        fitting = [near]
    return fitting[:MAX_COMPLETIONS]


_SPELLED, _NO = 8, 10


def _rank(text: str, wanted: str) -> int:
    if not wanted or text == wanted:
        return 0
    at = text.find(wanted)
    if at == 0:
        return 2
    if at > 0:
        words = (place for place in range(1, len(text)) if not text[place - 1].isalnum() and text.startswith(wanted, place))
        return 4 if any(words) else 6
    letters = iter(text)
    return _SPELLED if len(wanted) > 1 and all(letter in letters for letter in wanted) else _NO


def _other(text: str, wanted: str) -> int:
    """Of another word for it. A sentence has nearly any letters in nearly any order."""
    rank = _rank(text, wanted) if text else _NO
    return rank + 1 if rank < _SPELLED else _NO
