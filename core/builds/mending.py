"""Mending: verification, and the rounds in which what it rejected is mended.

Used by the build work. First by rule (`Pipeline.fix`), which costs nothing and is no round; then by the model, at most
`REPAIRS` times, and not again when the same failure comes back: what did not help once will not help. Every round is told in
the thread with its reason. Files that a person pushed are never changed, and neither are those of the starter, which cannot
repair.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from core.files import FileTree
from core.frameworks.registry import framework as framework_named
from core.generation.fingerprints import fingerprint
from core.generation.generated import Done, Ended
from core.generation.model import Failure, Model
from core.generation.pipeline import Pipeline
from core.generation.progress import Listener
from core.verification.verifier import Rejected, Verified, Verifier
from core.words.events import BuildNote, BuildStep
from core.words.plan import Plan

REPAIRS = 3  #: rounds in which the model may mend what verification rejected
RULES = 3  #: times that something is mended by rule
_NEXT = "Reply with what should be different, or try again."


class GivenUp(Exception):
    """It does not pass; ``reason`` says what was tried too."""

    def __init__(self, rejected: Rejected, tried: str) -> None:
        self.rejected = rejected
        self.reason = f"{rejected.reason} {tried}".strip()
        super().__init__(self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mending:
    """One build's verification. Without a ``model`` nothing is mended."""

    build: str
    verifier: Verifier
    pipeline: Pipeline
    model: Model | None
    own_code: bool
    frozen: frozenset[str]
    tell: Callable[[BuildNote | BuildStep], None]
    listening: Callable[[], AbstractAsyncContextManager[Listener]]
    keep: Callable[[FileTree, Plan], Awaitable[None]]  #: a new revision of the build

    async def verified(self, tree: FileTree, plan: Plan) -> tuple[Verified, FileTree, Plan]:
        """The tree as it passes, which may be another than was given.

        Raises:
            GivenUp: it does not.
        """
        seen: set[str] = set()
        by_rule: set[str] = set()
        changed: list[str] = []
        while True:
            answer = await self.verifier.verify(
                tree=tree,
                framework=framework_named(plan.framework),
                plan=plan,
                own_code=self.own_code,
                progress=lambda step: self.tell(BuildStep(build=self.build, step=step)),
            )
            if isinstance(answer, Verified):
                return answer, tree, plan
            if self.model is None or self.own_code or not answer.repairable:
                raise GivenUp(answer, "")
            failure = _failure(answer, tree, plan, self.frozen)
            mark = fingerprint(answer.stage, answer.reason, answer.log_tail)
            made: Done | None = None
            if mark not in by_rule and len(by_rule) < RULES:
                by_rule.add(mark)
                async with self.listening() as listener:
                    made = await self.pipeline.fix(failure, listener)
            if made is None:
                made = await self._round(self.model, failure, answer, seen, mark, changed)
            await self.keep(made.tree, made.plan)
            tree, plan = made.tree, made.plan

    async def _round(
        self, model: Model, failure: Failure, answer: Rejected, seen: set[str], mark: str, changed: list[str]
    ) -> Done:
        if mark in seen:
            raise GivenUp(answer, f"The model changed {_last(changed)}, and the same failure came again. {_NEXT}")
        if len(seen) == REPAIRS:
            raise GivenUp(answer, f"In {REPAIRS} rounds the model changed {'; '.join(changed)}, and it still fails. {_NEXT}")
        seen.add(mark)
        self.tell(BuildNote(build=self.build, text=f"{answer.reason} The model mends it (round {len(seen)} of {REPAIRS})."))
        async with self.listening() as listener:
            made = await self.pipeline.repair(model, failure, listener)
        if isinstance(made, Ended):
            self.tell(BuildNote(build=self.build, text=made.reason))
            raise GivenUp(answer, f"The model did not mend it. {made.reason}")
        changed.append(_named(failure.tree, made.tree))
        return made


def _failure(answer: Rejected, tree: FileTree, plan: Plan, frozen: frozenset[str]) -> Failure:
    return Failure(
        plan=plan,
        tree=tree,
        check=answer.stage,
        log_tail=f"{answer.reason}\n\n{answer.log_tail}".strip(),
        suspects=tuple(answer.suspects),
        frozen=frozen,
    )


def _named(before: FileTree, after: FileTree) -> str:
    paths = [path for path in sorted({*before, *after}) if before.get(path) != after.get(path)]
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "") or "nothing"


def _last(changed: list[str]) -> str:
    return changed[-1] if changed else "nothing"
