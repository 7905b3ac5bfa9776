"""The package policy: which packages beyond the scaffold's own an app gets, in which version, and why another is refused.

Asked by the pipeline. The pinned list (`core.generation.packages`) comes first and needs nobody's answer. About a fifth of generated apps
name a package that does not exist, the same invented names come back, and somebody may be waiting behind one of them. So any other package
must be known to the index, old and used enough, and not look like a name that many people mean; it is then pinned to its newest release
that has been public for two weeks, because bad releases are mostly found and withdrawn within days. Whatever cannot be checked is refused.

"Used enough" is a stand-in, and says so: a registry's protocol has neither download counts nor dependents, so a history of releases over
half a year stands for use. It keeps out what was registered to catch an invented name, not a patient attacker; what is installed runs
behind the sandbox's walls in any case, and never at install time.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from core.generation import lookalikes, packages
from core.generation.index import IndexRelease, IndexUnreachable, PackageFacts, PackageIndex
from core.generation.packages import REGISTRY_LABEL, REGISTRY_OF, Registry, Resolved
from core.words.plan import FrameworkName

MIN_AGE = timedelta(days=180)  #: since the first release
MIN_RELEASES = 5
MIN_PUBLIC = timedelta(days=14)  #: since the release that is taken
KEPT = timedelta(days=1)  #: how long an answer of the index counts
MAX_KEPT = 1000
MAX_ASKED = 12  #: packages that one app may have looked up

_WANTED: Mapping[Registry, re.Pattern[str]] = {
    "npm": re.compile(
        r"(?P<name>(?:@[a-z0-9~-][a-z0-9._~-]{0,100}/)?[a-z0-9~-][a-z0-9._~-]{0,100})(?:@[0-9xX*^~<>=|. v+A-Za-z-]{0,100})?"
    ),
    "pypi": re.compile(
        r"(?P<name>[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?)\s*(?:\[[a-z0-9,._ -]*\])?\s*(?:(?:===|==|~=|!=|<=|>=|<|>)[0-9a-z.*+!_,<>=~ -]*)?"
    ),
}


class PackagePolicy:
    """Decides about packages. Without an index, only the list counts."""

    def __init__(self, index: PackageIndex | None = None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._index = index
        self._clock = clock
        self._kept: dict[tuple[Registry, str], tuple[datetime, PackageFacts | None]] = {}

    async def resolve(self, framework: FrameworkName, wanted: Sequence[str], already: Mapping[str, str]) -> Resolved:
        """Exact versions for the packages that a plan wants; ``already`` are the app's, which need nothing. Never raises: what cannot be
        checked is refused."""
        listed = packages.resolve(framework, wanted, already)
        if self._index is None or not listed.refused:
            return listed
        versions, refused = dict(listed.versions), dict(listed.refused)
        asked: dict[str, list[str]] = {}
        for entry in wanted:
            if entry[:80] not in refused:
                continue
            name, reason = self._plausible(framework, entry)
            if reason:
                refused[entry[:80]] = reason
            else:
                asked.setdefault(name, []).append(entry[:80])
        for name in list(asked)[MAX_ASKED:]:
            for entry in asked.pop(name):
                refused[entry] = f"The package {name!a} was not looked up: an app may have {MAX_ASKED} that are not on the list."
        answers = await asyncio.gather(*(self._judged(REGISTRY_OF[framework], name) for name in asked))
        for (name, entries), (version, reason) in zip(asked.items(), answers, strict=True):
            for entry in entries:
                if version is None:
                    refused[entry] = reason
                else:
                    refused.pop(entry, None)
                    versions[name] = version
        return Resolved(versions=versions, refused=refused)

    def _plausible(self, framework: FrameworkName, entry: str) -> tuple[str, str]:
        """The name to look up, or why it is refused unseen."""
        registry = REGISTRY_OF[framework]
        match = _WANTED[registry].fullmatch(entry.strip().lower()) if len(entry) <= 300 else None
        if match is None:
            return (
                "",
                f"{entry[:80]!a} is not the name of a {REGISTRY_LABEL[registry]} package; addresses and files are not installed.",
            )
        name = packages.normal_name(framework, match["name"])
        popular = lookalikes.looks_like(registry, name, packages.listed(framework))
        if popular is not None:
            return "", (
                f"The package {name!a} is refused because its name looks like the well-known {popular!a}; use that one if it is meant."
            )
        return name, ""

    async def _judged(self, registry: Registry, name: str) -> tuple[str | None, str]:
        try:
            facts = await self._facts(registry, name)
        except IndexUnreachable:
            return None, (
                f"The package {name!a} is not on the list, and the package index could not be asked about it; "
                "try again later, or do without."
            )
        if facts is None:
            return None, f"There is no {REGISTRY_LABEL[registry]} package {name!a}; do it without, or with one on the list."
        return judge(facts, self._clock())

    async def _facts(self, registry: Registry, name: str) -> PackageFacts | None:
        assert self._index is not None
        kept = self._kept.get((registry, name))
        if kept is not None and self._clock() - kept[0] < KEPT:
            return kept[1]
        facts = await self._index.look_up(registry, name)
        self._kept.pop((registry, name), None)
        while len(self._kept) >= MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[registry, name] = (self._clock(), facts)
        return facts


def judge(facts: PackageFacts, at: datetime) -> tuple[str | None, str]:
    """The version to pin, or None and the reason."""

    def refuse(why: str) -> tuple[None, str]:
        return None, f"The package {facts.name!a} is refused: {why}. Do it without, or with a package on the list."

    dated = [release for release in facts.releases if release.published is not None]
    if not dated:
        return refuse("the index names no release of it that can be installed, with its date")
    first = min(_date(release) for release in dated)
    if at - first < MIN_AGE:
        return refuse(f"its first release is younger than {MIN_AGE.days} days")
    usable = [release for release in dated if not release.withdrawn]
    if not usable:
        return refuse("every release of it was withdrawn by its publisher")
    if len(usable) < MIN_RELEASES:
        return refuse(f"it has fewer than {MIN_RELEASES} releases, too few to count as used")
    settled = [release for release in usable if not release.preview and at - _date(release) >= MIN_PUBLIC]
    if not settled:
        return refuse(f"no finished release of it has been public for {MIN_PUBLIC.days} days")
    return settled[-1].version, ""


def _date(release: IndexRelease) -> datetime:
    assert release.published is not None
    return release.published
