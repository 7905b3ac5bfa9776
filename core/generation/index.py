"""The PackageIndex port: what a package registry says of a package.

Asked by the package policy alone, about names that are not on the pinned list. It answers with facts; what they are worth is the policy's
business. Nothing is downloaded but the registry's own record of the package.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.errors import TemporaryError
from core.generation.packages import Registry


class IndexUnreachable(TemporaryError):
    """The package index gave no answer; try again when it can be reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRelease:
    """One published version that can be installed without running code: of Python packages, one that has a wheel for this machine."""

    version: str
    published: datetime | None  #: aware; None when the index does not say
    withdrawn: bool = False  #: yanked, or deprecated by its publisher
    preview: bool = False  #: alpha, beta, release candidate, or ahead of what the publisher calls the latest


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFacts:
    """A package that exists; ``releases`` are in the registry's own order of versions, oldest first."""

    name: str
    releases: Sequence[IndexRelease]


class PackageIndex(ABC):
    """Looks packages up."""

    @abstractmethod
    async def look_up(self, registry: Registry, name: str) -> PackageFacts | None:
        """What the registry has of this name, None when there is no such package. Ends within seconds, whatever the registry does.

        Raises:
            IndexUnreachable: no answer, or none that can be read.
        """
