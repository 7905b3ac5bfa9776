"""What the pipeline gives back, and what one request may cost it.

Values alone; made by the pipeline, read by the build work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from core.files import FileTree
from core.generation.model import Failed, Partial, Refused, Usage
from core.generation.waves import Sizes
from core.words.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineLimits:
    """What one request may cost. The numbers of rounds say how long something is tried that does not get better; ``calls`` bounds what all
    of them cost together. A small app takes two requests; the largest plan, without a fault, some fifteen."""

    description_chars: int = 10_000
    features: int = 20
    feature_chars: int = 200
    completions: int = 2  #: more rounds of a call for files that are missing or were cut off
    corrections: int = 2  #: more rounds for files that do not pass validation
    calls: int = 40  #: requests to a vendor for one build, those that were sent again and those of its repairs too
    resumes: int = 3  #: continuations of one file that was cut off; then it is written anew, once
    resume_chars: int = 400  #: of a shorter beginning the file is written anew: that costs less than a join may break
    sizes: Sizes = field(default_factory=Sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An app that passes validation."""

    plan: Plan
    tree: FileTree
    usage: Usage
    notes: Sequence[str]  #: sentences for the card: what was ignored, left out, mended or done twice
    written: Sequence[str]  #: the paths that the model wrote or edited, sorted


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """No app, and why."""

    kind: Literal["refused", "failed", "partial"]
    reason: str  #: a sentence that the person can act on
    usage: Usage


Generated = Done | Ended


def ended(outcome: Partial | Refused | Failed, usage: Usage, what: str) -> Ended:
    """How a model's outcome ends a request; ``what`` was not reached."""
    if isinstance(outcome, Refused):
        return Ended(kind="refused", reason=outcome.reason, usage=usage)
    if isinstance(outcome, Partial):
        return Ended(kind="partial", reason=f"{what}. {outcome.reason} Try again, or ask for less at once.", usage=usage)
    return Ended(kind="failed", reason=outcome.reason, usage=usage)
