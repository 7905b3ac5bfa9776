"""The Model port: who writes the app.

Called by the generation pipeline alone. A model returns typed outcomes, never a half-told story: truncation, refusal, overload and
a dropped stream are outcomes, not exceptions. It gets no tool and no secret; what it returns is untrusted text.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from core.files import FileTree
from core.generation.plan import FrameworkName, Plan, PlannedFile

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens spent, summed over calls. The starter's are all zero."""

    input_tokens: int = 0
    cached_tokens: int = 0  #: the part of input_tokens read from the vendor's cache
    output_tokens: int = 0
    calls: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            calls=self.calls + other.calls,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete(Generic[T]):
    """The answer came to its own end."""

    value: T
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """The answer was cut: by the token limit, or a stream that broke off."""

    reason: str
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The model will not, or needs something said first; ``reason`` is a sentence for the person."""

    reason: str
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The vendor failed; ``reason`` is a sentence that a person can act on."""

    reason: str
    retryable: bool
    usage: Usage


PlanOutcome = Complete[Plan] | Partial | Refused | Failed
Ended = Complete[None] | Partial | Refused | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What somebody asked for. All text is untrusted data, to be fenced in a prompt."""

    description: str
    framework: FrameworkName | None = None
    features: Sequence[str] = ()
    styling: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeBrief:
    """A change to an existing app."""

    request: str
    plan: Plan  #: of the revision that is changed
    tree: FileTree  #: its files
    frozen: frozenset[str] = field(default_factory=frozenset)  #: paths that may not change (released migrations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What verification saw, for a repair."""

    plan: Plan
    tree: FileTree
    check: str
    log_tail: str
    suspects: Sequence[str] = ()  #: paths that the log names
    frozen: frozenset[str] = field(default_factory=frozenset)


class Model(ABC):
    """Plans and writes.

    Files come as a stream of text pieces, cut anywhere, in the sentinel format of `core.generation.parser`, with the nonce given; the
    last item of every stream is exactly one `Ended`. Closing the stream early stops the vendor's call at once.
    """

    provider: str  #: "openai", "anthropic", "starter"
    name: str  #: the vendor's model name
    own_code: bool = False  #: True only for the starter: its code is Nexus's own, so a sandbox without walls may run it

    @abstractmethod
    async def plan(self, brief: Brief) -> PlanOutcome:
        """A plan for a new app."""

    @abstractmethod
    async def plan_change(self, brief: ChangeBrief) -> PlanOutcome:
        """The whole plan after the change; ``files`` names only what will be written or rewritten."""

    @abstractmethod
    def write(
        self, brief: Brief, plan: Plan, files: Sequence[PlannedFile], scaffold: FileTree, nonce: str
    ) -> AsyncIterator[str | Ended]:
        """These files of a new app."""

    @abstractmethod
    def rewrite(self, brief: ChangeBrief, plan: Plan, files: Sequence[PlannedFile], nonce: str) -> AsyncIterator[str | Ended]:
        """These files of a changed app; ``plan`` is the one from `plan_change`."""

    @abstractmethod
    def repair(self, failure: Failure, nonce: str) -> AsyncIterator[str | Ended]:
        """Whole new contents of the files that need to change so that the check passes."""
