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
from core.words.attachment import Attachment
from core.words.plan import FrameworkName, Plan, PlannedFile

T = TypeVar("T")

MAX_REQUEST_IDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens spent, summed over calls. The starter's are all zero."""

    input_tokens: int = 0  #: all that was read, from the cache or not
    cached_tokens: int = 0  #: the part of input_tokens read from the vendor's cache
    cache_write_tokens: int = 0  #: the part of input_tokens written to the vendor's cache, where that costs extra
    output_tokens: int = 0
    calls: int = 0  #: requests that were sent, those that failed and were tried again too
    cost_usd: float | None = 0.0  #: an estimate by the price table; None when a model's price is not known
    request_ids: tuple[str, ...] = ()  #: the vendor's, newest last, at most `MAX_REQUEST_IDS`

    def __add__(self, other: Usage) -> Usage:
        known = self.cost_usd is not None and other.cost_usd is not None
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            calls=self.calls + other.calls,
            cost_usd=(self.cost_usd or 0.0) + (other.cost_usd or 0.0) if known else None,
            request_ids=(*self.request_ids, *other.request_ids)[-MAX_REQUEST_IDS:],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete(Generic[T]):
    """The answer came to its own end.

    ``notes``, here and in the other endings, are sentences that the person should know about how it came: another provider took over,
    a picture was left out. The pipeline tells each of them once, as a `core.generation.progress.Note`.
    """

    value: T
    usage: Usage
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """The answer was cut: by the token limit, or a stream that broke off."""

    reason: str
    usage: Usage
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The model will not, or needs something said first; ``reason`` is a sentence for the person."""

    reason: str
    usage: Usage
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The vendor failed; ``reason`` is a sentence that a person can act on."""

    reason: str
    retryable: bool
    usage: Usage
    outage: str = (
        ""  #: where another provider may do better: what is wrong, as half a sentence ("OpenAI is overloaded"); else empty
    )
    notes: Sequence[str] = ()


PlanOutcome = Complete[Plan] | Partial | Refused | Failed
Ended = Complete[None] | Partial | Refused | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What somebody asked for. All text is untrusted data, to be fenced in a prompt."""

    description: str
    framework: FrameworkName | None = None
    features: Sequence[str] = ()
    styling: str = ""
    attachments: Sequence[Attachment] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeBrief:
    """A change to an existing app."""

    request: str
    plan: Plan  #: of the revision that is changed
    tree: FileTree  #: its files
    frozen: frozenset[str] = field(default_factory=frozenset)  #: paths that may not change (released migrations)
    attachments: Sequence[Attachment] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """Files to be written in one call: all of a plan, or those whose imports are there already."""

    brief: Brief | ChangeBrief  #: a `ChangeBrief` when an app is changed
    plan: Plan  #: of a change, the one from `Model.plan_change`
    files: Sequence[PlannedFile]
    tree: FileTree  #: what there was before: the scaffold, or the app that is changed
    written: FileTree = field(default_factory=lambda: FileTree({}))  #: what this plan's other calls have written so far
    told: str = ""  #: what Nexus itself has to say: what was laid in, what was wrong with the last answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What verification saw, for a repair."""

    plan: Plan
    tree: FileTree
    check: str
    log_tail: str
    suspects: Sequence[str] = ()  #: paths that the log names
    frozen: frozenset[str] = field(default_factory=frozenset)
    told: str = ""  #: what Nexus itself has to say: what was wrong with the last answer


class Model(ABC):
    """Plans and writes.

    Files come as a stream of text pieces, cut anywhere, in the sentinel format of `core.generation.parser`, with the nonce given; the
    last item of every stream is exactly one `Ended`. Closing the stream early stops the vendor's call at once.
    """

    provider: str  #: "openai", "anthropic", "compatible", "starter"
    label: str = ""  #: the provider's name, for people; empty where nobody is told
    name: str  #: the vendor's model name
    own_code: bool = False  #: True only for the starter: its code is Nexus's own, so a sandbox without walls may run it

    @abstractmethod
    async def plan(self, brief: Brief) -> PlanOutcome:
        """A plan for a new app."""

    @abstractmethod
    async def plan_change(self, brief: ChangeBrief) -> PlanOutcome:
        """The whole plan after the change; ``files`` names only what will be written or rewritten."""

    @abstractmethod
    def write(self, writing: Writing, nonce: str) -> AsyncIterator[str | Ended]:
        """These files, of a new app or of a changed one; of a changed one exact edits and removals too."""

    @abstractmethod
    def resume(self, writing: Writing, path: str, partial: str, nonce: str) -> AsyncIterator[str | Ended]:
        """The rest of one file whose beginning, ``partial``, came before the answer was cut: raw text without sentinels, which may
        repeat some of the beginning's end (`core.generation.continuation` joins them). ``nonce`` closes it, as it would close the file."""

    @abstractmethod
    def repair(self, failure: Failure, nonce: str) -> AsyncIterator[str | Ended]:
        """What needs to change so that the check passes: whole files, exact edits, removals."""
