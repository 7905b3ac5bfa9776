"""Reads what registries answer: npm's document of a package, and the JSON of Python's index.

Called by `adapters.packages.registries`. Pure, and wary: the documents are made by strangers.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from core.generation.index import IndexRelease, PackageFacts

_SEMVER = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z.-]{1,200}))?(?:\+\S*)?")


class Unreadable(Exception):
    """It is no answer of a registry."""


def read_npm(name: str, document: bytes) -> PackageFacts:
    """Every version that is there, oldest first. Those ahead of the tag ``latest`` are previews.

    Raises:
        Unreadable: it is no document of a package.
    """
    found = _object(document)
    versions, times, tags = (_mapping(found, key) for key in ("versions", "time", "dist-tags"))
    latest = _semver(str(tags.get("latest", "")))
    releases = []
    for version, entry in versions.items():
        order = _semver(version)
        if order is None or not isinstance(entry, dict):
            continue
        ahead = latest is not None and order > latest
        releases.append(
            (
                order,
                IndexRelease(
                    version=version,
                    published=_moment(times.get(version)),
                    withdrawn=bool(entry.get("deprecated")),
                    preview=order[3] == 0 or ahead,
                ),
            )
        )
    return PackageFacts(name=name, releases=tuple(release for _, release in sorted(releases, key=lambda pair: pair[0])))


def _semver(version: str) -> tuple[int, int, int, int, str] | None:
    """A key in the order of versions; a prerelease comes before its release."""
    found = _SEMVER.fullmatch(version)
    if found is None:
        return None
    return int(found[1]), int(found[2]), int(found[3]), 0 if found[4] else 1, found[4] or ""


def read_pypi(name: str, document: bytes) -> PackageFacts:
    """Every version with a wheel for this Python and machine, oldest first: nothing else is installed.

    Raises:
        Unreadable: it is no JSON of an index.
    """
    files = _object(document).get("files")
    if not isinstance(files, list):
        raise Unreadable("no files")
    published: dict[Version, list[datetime | None]] = {}
    yanked: dict[Version, list[bool]] = {}
    for file in files:
        if not isinstance(file, dict) or not _for_this_python(file.get("requires-python")):
            continue
        try:
            _, version, _, tags = parse_wheel_filename(str(file.get("filename", "")))
        except (InvalidWheelFilename, InvalidVersion):
            continue
        if tags & _tags():
            published.setdefault(version, []).append(_moment(file.get("upload-time")))
            yanked.setdefault(version, []).append(file.get("yanked", False) is not False)
    releases = [
        IndexRelease(
            version=str(version),
            published=min((moment for moment in moments if moment is not None), default=None),
            withdrawn=all(yanked[version]),
            preview=version.is_prerelease,
        )
        for version, moments in sorted(published.items())
    ]
    return PackageFacts(name=name, releases=tuple(releases))


@cache
def _tags() -> frozenset[Tag]:
    return frozenset(sys_tags())


def _for_this_python(requires: object) -> bool:
    if not isinstance(requires, str) or not requires:
        return True
    try:
        return SpecifierSet(requires).contains(".".join(map(str, sys.version_info[:3])), prereleases=True)
    except InvalidSpecifier:
        return True


def _object(document: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise Unreadable("no JSON") from error
    if not isinstance(found, dict):
        raise Unreadable("no object")
    return found


def _mapping(found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = found.get(key)
    return value if isinstance(value, dict) else {}


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
