"""One request to a vendor, and how it ended: the values between `adapters.models.streaming` and the vendors' modules."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.models import prices
from adapters.models.faults import Fault
from core.generation.model import Usage
from core.generation.prompts import Block, Prompt

_CHARS_PER_TOKEN = 4  # of English and of code, about


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """What one verb of the port may cost. Times in seconds."""

    deadline: float = 900.0  #: for all tries together
    silence: float = 120.0  #: without a byte from the vendor
    tries: int = 4
    backoff: float = 1.0  #: before the second try; doubled for each further one, and jittered
    longest_wait: float = (
        60.0  #: that a vendor may ask for; a longer one ends the call, so that a person or another provider can go on
    )
    plan_tokens: int = 16_000  #: includes what the model thinks
    file_tokens: int = 64_000
    plan_corrections: int = 1  #: more tries for a plan that is cut off or not valid


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request."""

    prompt: Prompt
    schema: Mapping[str, Any] | None  #: the JSON schema that the answer is forced into
    max_tokens: int

    @property
    def pictures(self) -> Sequence[str]:
        """The names of the pictures in it."""
        return [block.image.name for block in self.prompt.blocks if block.image is not None]

    @property
    def characters(self) -> int:
        return len(self.prompt.system) + sum(len(block.text) for block in self.prompt.blocks)

    def without_pictures(self) -> Call:
        """The same, for a model that takes text alone."""
        blocks = [
            block
            if block.image is None
            else Block(text=f"{block.text}\n(You cannot see it; go by the rest.)", shared=block.shared)
            for block in self.prompt.blocks
        ]
        return dataclasses.replace(self, prompt=Prompt(system=self.prompt.system, blocks=blocks))


class StopKind(enum.Enum):
    """How an answer stopped."""

    END = "end"  #: at its own end
    LENGTH = "length"  #: at the token limit
    CUT = "cut"  #: the stream broke off
    REFUSAL = "refusal"  #: the model or its vendor's filter will not


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The answer is over."""

    kind: StopKind
    detail: str = ""  #: what the vendor said about it


@dataclass(slots=True)
class Receipt:
    """What is known of one request; the vendor's module writes it as it learns, so that a call that is closed early is counted too."""

    request_id: str | None = None
    begun: bool = False  #: the vendor has accepted it: from here on it costs
    usage: Usage | None = None  #: the tokens that the vendor has told so far; nothing else of it is read
    told: bool = False  #: the vendor has had its last word: what it has not told now, it does not tell

    def total(self, model: str, asked: int, said: int) -> Usage:
        """The usage of this request. A vendor tells its tokens with its last word; when that never came, they are reckoned from the
        characters that were asked and said, because they are paid for all the same."""
        tokens = self.usage or Usage()
        if self.begun and not self.told:
            tokens = dataclasses.replace(
                tokens,
                input_tokens=tokens.input_tokens or asked // _CHARS_PER_TOKEN,
                output_tokens=max(tokens.output_tokens, said // _CHARS_PER_TOKEN),
            )
        unknown = self.begun and self.told and self.usage is None
        return dataclasses.replace(
            tokens,
            calls=1,
            cost_usd=None if unknown else prices.estimate(model, tokens),
            request_ids=() if self.request_id is None else (self.request_id,),
        )


Attempt = AsyncGenerator[str | Stop | Fault]
