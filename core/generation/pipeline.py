"""The pipeline: from a sentence to a checked tree of source files, or a sentence that says why not.

Called by the build step of the engine. In order: plan, scaffold, files, merge, dependencies, validation; then a few bounded rounds for what
is missing or wrong. It runs nothing and touches no disk: install, build and try-out are verification's business, whose findings come
back through `Pipeline.repair`.

What a model writes never reaches a path that the platform owns or that is frozen, nor, in a change, a file that the plan of the
change does not name. A vendor's failure is an `Ended`, never an exception; exceptions are `InvalidInput` and `TooLarge` for what the
person sent.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from core.errors import InvalidInput, TooLarge, UserError
from core.files import FileTree, check_path
from core.frameworks.framework import Framework
from core.generation import model as port
from core.generation import sentinels
from core.generation.index import PackageIndex
from core.generation.model import Brief, ChangeBrief, Complete, Failed, Failure, Model, Partial, Refused, Usage, Writing
from core.generation.parser import FileEnded, FileStarted, Parsed, Parser
from core.generation.policy import PackagePolicy
from core.generation.problem import Problem
from core.generation.progress import FileWriting, FileWritten, Listener, Note, Planned, Retrying
from core.generation.validation import validate
from core.words.plan import FrameworkName, Plan, PlannedFile

Stream = AsyncIterator[str | port.Ended]


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineLimits:
    """What one request may cost."""

    description_chars: int = 10_000
    features: int = 20
    feature_chars: int = 200
    completions: int = 2  #: more rounds for files that are missing or were cut off
    corrections: int = 2  #: more rounds for files that do not pass validation


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An app that passes validation."""

    plan: Plan
    tree: FileTree
    usage: Usage
    notes: Sequence[str]  #: sentences for the card: what was ignored, left out or done twice
    written: Sequence[str]  #: the paths that the model wrote, sorted


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """No app, and why."""

    kind: Literal["refused", "failed", "partial"]
    reason: str  #: a sentence that the person can act on
    usage: Usage


Generated = Done | Ended


class Pipeline:
    """Generates, changes and repairs, with any `Model`. Without an ``index``, only listed packages are accepted."""

    def __init__(
        self,
        frameworks: Callable[[FrameworkName], Framework],
        limits: PipelineLimits | None = None,
        index: PackageIndex | None = None,
    ) -> None:
        self._frameworks = frameworks
        self._limits = limits or PipelineLimits()
        self._policy = PackagePolicy(index)

    async def generate(self, model: Model, brief: Brief, progress: Listener) -> Generated:
        """A new app.

        Raises:
            InvalidInput: the description is empty or not text.
            TooLarge: the description is over the limit, which the message names.
        """
        self._check_text(brief.description, "description")
        self._check_wishes(brief)
        outcome = await model.plan(brief)
        if not isinstance(outcome, Complete):
            return _ended(outcome, outcome.usage, "No plan was made")
        if brief.framework is not None and outcome.value.framework != brief.framework:
            reason = f"The model planned for {outcome.value.framework} although {brief.framework} was asked for; try again."
            return Ended(kind="failed", reason=reason, usage=outcome.usage)
        framework = self._frameworks(outcome.value.framework)
        job = _Job(
            model, framework, framework.scaffold(outcome.value.features), progress, self._limits, outcome.usage, self._policy
        )
        plan = await job.settle(outcome.value)
        return await job.write(
            lambda files, nonce: model.write(Writing(brief=brief, plan=plan, files=files, tree=job.tree()), nonce)
        )

    async def change(self, model: Model, brief: ChangeBrief, progress: Listener) -> Generated:
        """An existing app, changed; files that the change does not name are byte-identical.

        Raises:
            InvalidInput, TooLarge: as for `generate`, on the request.
        """
        self._check_text(brief.request, "change request")
        outcome = await model.plan_change(brief)
        if not isinstance(outcome, Complete):
            return _ended(outcome, outcome.usage, "No plan was made")
        before = brief.plan
        if outcome.value.framework != before.framework:
            reason = (
                f"A change cannot move the app from {before.framework} to {outcome.value.framework}; build a new app for that."
            )
            return Ended(kind="failed", reason=reason, usage=outcome.usage)
        # An app never loses its database by a change: its rows would be out of reach without anybody having said so.
        after = outcome.value.model_copy(
            update={"requires_database": outcome.value.requires_database or before.requires_database}
        )
        framework = self._frameworks(before.framework)
        job = _Job(
            model, framework, brief.tree, progress, self._limits, outcome.usage, self._policy, frozen=brief.frozen, change=True
        )
        plan = await job.settle(after)
        return await job.write(
            lambda files, nonce: model.write(Writing(brief=brief, plan=plan, files=files, tree=brief.tree), nonce)
        )

    async def repair(self, model: Model, failure: Failure, progress: Listener) -> Generated:
        """An app that failed a check, with what must change for it to pass. One call is one round; the caller bounds them."""
        framework = self._frameworks(failure.plan.framework)
        job = _Job(model, framework, failure.tree, progress, self._limits, Usage(), self._policy, frozen=failure.frozen)
        job.plan = failure.plan
        return await job.mend(failure)

    def _check_text(self, text: str, what: str) -> None:
        if not text.strip():
            raise InvalidInput(f"The {what} is empty; say in a sentence what the app should do.")
        if len(text) > self._limits.description_chars:
            limit = self._limits.description_chars
            raise TooLarge(
                f"The {what} has {len(text):,} characters; at most {limit:,} are accepted. Shorten it and send it again."
            )
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidInput(f"The {what} is not valid text; send UTF-8.") from None
        if "\0" in text:
            raise InvalidInput(f"The {what} has a NUL character; remove it and send it again.")

    def _check_wishes(self, brief: Brief) -> None:
        limits = self._limits
        if len(brief.features) > limits.features:
            raise TooLarge(f"{len(brief.features)} features are more than the {limits.features} that one request may name.")
        for wish in (*brief.features, brief.styling):
            if len(wish) > limits.feature_chars:
                raise TooLarge(
                    f"A feature or styling may have at most {limits.feature_chars} characters; put more into the description."
                )


class _Job:
    """One request's state: what has been written so far, and what it has cost."""

    def __init__(
        self,
        model: Model,
        framework: Framework,
        base: FileTree,
        progress: Listener,
        limits: PipelineLimits,
        usage: Usage,
        policy: PackagePolicy,
        *,
        frozen: frozenset[str] = frozenset(),
        change: bool = False,
    ) -> None:
        self.plan: Plan
        self._model = model
        self._framework = framework
        self._base = base
        self._progress = progress
        self._limits = limits
        self._usage = usage
        self._policy = policy
        self._frozen = frozen
        self._change = change
        self._contents: dict[str, str] = {}
        self._frozen_hits: set[str] = set()
        self._wished = False  # whether the model asked for packages by writing the manifest
        self._notes: list[str] = []
        self._calls = 0

    # -- the plan

    async def settle(self, plan: Plan) -> Plan:
        """The plan without what cannot be: paths that are hostile, owned or frozen, and packages that are refused."""
        files: dict[str, PlannedFile] = {}
        for file in plan.files:
            path = file.path.strip().removeprefix("./")
            try:
                check_path(path)
            except InvalidInput as error:
                self._note(f"A planned file was left out. {error.message}")
                continue
            if path == self._framework.manifest:
                continue  # the plan's dependencies say it already
            if self._framework.owns(path):
                self._note(f"The planned file {path} belongs to the platform and was left out.")
            elif path in self._frozen:
                self._frozen_hits.add(path)
            else:
                files.setdefault(path, file.model_copy(update={"path": path}))
        settled = plan.model_copy(update={"files": list(files.values())})
        self.plan = settled.model_copy(update={"dependencies": await self._accepted(plan.dependencies)})
        self._progress(Planned(self.plan))
        return self.plan

    async def _accepted(self, wanted: Sequence[str]) -> list[str]:
        """The wanted packages without those that are refused, each with a note."""
        resolved = await self._policy.resolve(self._framework.name, wanted, self._framework.dependencies(self._base))
        for reason in resolved.refused.values():
            self._note(reason)
        return [name for name in dict.fromkeys(wanted) if name[:80] not in resolved.refused]

    # -- the rounds

    async def write(self, ask: Callable[[Sequence[PlannedFile], str], Stream]) -> Generated:
        """The planned files, then validation."""
        missing: Sequence[PlannedFile] = self.plan.files
        if not missing and not self._frozen_hits:
            what = "the change" if self._change else "the app"
            return self._end(
                "failed", f"The model's plan names no file to write for {what}; say more precisely what it should do."
            )
        last: port.Ended = Complete(value=None, usage=Usage())
        prose = ""
        for attempt in range(1 + self._limits.completions):
            if not missing:
                break
            if attempt:
                self._retrying(_why_again(last, missing))
            parsed, last = await self._ask(functools.partial(ask, missing), planned={file.path for file in self.plan.files})
            prose = parsed.prose
            if isinstance(last, Refused) or (isinstance(last, Failed) and not last.retryable):
                return _ended(last, self._usage, "The app was not finished")
            missing = [file for file in self.plan.files if file.path not in self._contents]
        if missing:
            return self._unfinished(last, missing, prose)
        return await self._validated()

    async def mend(self, failure: Failure) -> Generated:
        """Whatever has to change for the check to pass, then validation."""
        why = prose = ""
        last: port.Ended = Complete(value=None, usage=Usage())
        for attempt in range(1 + self._limits.completions):
            if attempt:
                self._retrying(why)
            parsed, last = await self._ask(functools.partial(self._model.repair, failure))
            if isinstance(last, Refused) or (isinstance(last, Failed) and not last.retryable):
                return _ended(last, self._usage, "The repair was not finished")
            if (self._contents or self._frozen_hits or self._wished) and not parsed.unclosed and isinstance(last, Complete):
                return await self._validated()
            why = last.reason if isinstance(last, Partial | Failed) else "The answer held no whole file."
            prose = parsed.prose
        if isinstance(last, Partial | Failed):
            return _ended(last, self._usage, "The repair was not finished")
        return self._end("failed", f"The model found nothing to change for the failing check.{_quoted(prose)}")

    async def _validated(self) -> Generated:
        """The app when it passes validation; what does not is given back a few times."""
        problems: Sequence[Problem] = ()
        for attempt in range(1 + self._limits.corrections):
            tree, problems = await self._assembled()
            if not problems:
                return Done(
                    plan=self.plan,
                    tree=tree,
                    usage=self._usage,
                    notes=tuple(self._notes),
                    written=tuple(sorted(path for path in self._contents if path in tree)),
                )
            if attempt == self._limits.corrections:
                break
            self._retrying(f"{problems[0]}{_more(len(problems) - 1, 'problem')}")
            self._frozen_hits.clear()
            failure = Failure(
                plan=self.plan,
                tree=tree,
                check="validation",
                log_tail="\n".join(str(problem) for problem in problems),
                suspects=tuple(dict.fromkeys(problem.path for problem in problems if problem.path)),
                frozen=self._frozen,
            )
            _, last = await self._ask(functools.partial(self._model.repair, failure))
            if isinstance(last, Refused) or (isinstance(last, Failed) and not last.retryable):
                return _ended(last, self._usage, "The app was not finished")
        tries = 1 + self._limits.corrections
        reason = f"After {tries} tries the files still do not pass validation. {problems[0]}{_more(len(problems) - 1, 'problem')}"
        return self._end("failed", f"{reason} Try again, or ask for less at once.")

    def _unfinished(self, last: port.Ended, missing: Sequence[PlannedFile], prose: str) -> Ended:
        names = ", ".join(file.path for file in missing[:5]) + _more(len(missing) - 5, "file")
        if isinstance(last, Partial | Failed):
            return _ended(last, self._usage, f"These files were not finished: {names}")
        if not self._contents:
            said = f"The model answered with text instead of files.{_quoted(prose)}"
            return self._end("failed", f"{said} Try again, or choose another model.")
        return self._end("partial", f"The model left out these files: {names}. Try again, or ask for less at once.")

    # -- one call

    async def _ask(self, call: Callable[[str], Stream], planned: set[str] | None = None) -> tuple[Parsed, port.Ended]:
        """One stream of files, with a fresh nonce; what may be kept is kept. ``planned`` None lets every file be written."""
        self._calls += 1
        nonce = sentinels.new_nonce()
        parser = Parser(nonce)
        last: port.Ended = Partial(reason="The answer broke off without its end.", usage=Usage())
        stream = call(nonce)
        async with aclosing(stream) as pieces:  # type: ignore[type-var]  # every Model's stream is an async generator
            async for piece in pieces:
                if not isinstance(piece, str):
                    last = piece
                    break
                for event in parser.feed(piece):
                    if isinstance(event, FileStarted) and self._refusal(event.path, planned) is None:
                        self._progress(FileWriting(event.path))
                    elif isinstance(event, FileEnded) and self._refusal(event.path, planned) is None:
                        self._progress(FileWritten(event.path, len(_text(event.content).encode("utf-8", "replace"))))
        self._usage += last.usage
        parsed = parser.finish()
        await self._keep(parsed, planned)
        return parsed, last

    def _refusal(self, path: str, planned: set[str] | None) -> str | None:
        """Why a file that the model wrote is not kept."""
        if path == self._framework.manifest:
            return f"The model wrote {path}, which the platform keeps; only names of packages were taken from it."
        if self._framework.owns(path):
            return f"The model wrote {path}, which belongs to the platform; it was ignored."
        if path in self._frozen:
            return f"The model wrote {path}, which was released and may not change; it was ignored."
        if self._change and planned is not None and path not in planned and path in self._base:
            return f"The model rewrote {path}, which the change does not name; it was ignored."
        return None

    async def _keep(self, parsed: Parsed, planned: set[str] | None) -> None:
        for problem in parsed.problems:
            self._note(f"A file was ignored. {problem}")
        for path in parsed.duplicates:
            self._note(f"The model wrote {path} more than once; the last whole one counts.")
        for path, content in parsed.files.items():
            text = _text(content)
            refusal = self._refusal(path, planned)
            if path == self._framework.manifest:
                await self._wish(text)
            elif path in self._frozen:
                if text != self._base.get(path) and content != self._base.get(path):
                    self._frozen_hits.add(path)
            elif refusal is not None:
                self._note(refusal)
            else:
                if planned is not None and path not in planned:
                    self._note(f"The model added {path}, which was not planned.")
                self._contents[path] = text

    async def _wish(self, manifest: str) -> None:
        """Read the names out of a manifest that the model wrote. The file itself is never used: it decides what is installed."""
        try:
            wanted = self._framework.dependencies(self._base.with_files({self._framework.manifest: manifest}))
        except UserError as error:
            self._note(f"The model wrote {self._framework.manifest}, which was ignored. {error.message}")
            return
        new = [name for name in wanted if name not in self._framework.dependencies(self._base)]
        if accepted := await self._accepted(new):
            self._wished = True
            self.plan = self.plan.model_copy(update={"dependencies": list(dict.fromkeys([*self.plan.dependencies, *accepted]))})

    # -- the tree

    def tree(self) -> FileTree:
        """The base with what has been written so far; without files that cannot be in one tree with the others."""
        return self._merged()[0]

    def _merged(self) -> tuple[FileTree, list[Problem]]:
        try:
            return self._base.with_files(self._contents), []
        except UserError:
            tree, problems = self._base, []
            for path, content in list(self._contents.items()):
                try:
                    tree = tree.with_files({path: content})
                except UserError as error:
                    problems.append(Problem(path=path, line=None, message=error.message))
            return tree, problems

    async def _assembled(self) -> tuple[FileTree, Sequence[Problem]]:
        """The tree with its dependencies, and its problems."""
        tree, problems = self._merged()
        for problem in problems:
            self._contents.pop(problem.path, None)
        message = "It was released and may not change; leave it, and put the change into a new, higher-numbered file."
        problems += [Problem(path=path, line=None, message=message) for path in sorted(self._frozen_hits)]
        before = self._framework.dependencies(tree)
        resolved = await self._policy.resolve(self.plan.framework, self.plan.dependencies, before)
        try:
            tree = self._framework.with_dependencies(tree, resolved.versions)
        except UserError as error:
            problems.append(Problem(path="", line=None, message=error.message))
        # In a thread: parsing 2 MB of Python takes a second, and the event loop serves everybody.
        problems += await asyncio.to_thread(
            validate, tree, self.plan, self._framework, frozenset(self._contents), accepted={**before, **resolved.versions}
        )
        return tree, problems

    # -- telling

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)
            self._progress(Note(text))

    def _retrying(self, reason: str) -> None:
        self._progress(Retrying(reason, self._calls + 1))

    def _end(self, kind: Literal["refused", "failed", "partial"], reason: str) -> Ended:
        return Ended(kind=kind, reason=reason, usage=self._usage)


def _ended(outcome: Partial | Refused | Failed, usage: Usage, what: str) -> Ended:
    if isinstance(outcome, Refused):
        return Ended(kind="refused", reason=outcome.reason, usage=usage)
    if isinstance(outcome, Partial):
        return Ended(kind="partial", reason=f"{what}. {outcome.reason} Try again, or ask for less at once.", usage=usage)
    return Ended(kind="failed", reason=outcome.reason, usage=usage)


def _why_again(last: port.Ended, missing: Sequence[PlannedFile]) -> str:
    if isinstance(last, Partial | Failed):
        return last.reason
    return f"The answer lacks {missing[0].path}{_more(len(missing) - 1, 'file')}."


def _text(content: str) -> str:
    """Text files end with a line break; the one before the closing mark belongs to the mark."""
    return content if not content or content.endswith("\n") else content + "\n"


def _more(count: int, noun: str) -> str:
    return f" (and {count} more {noun}{'s' if count > 1 else ''})" if count > 0 else ""


def _quoted(prose: str) -> str:
    said = " ".join(prose.split())
    return f' It said: "{said[:200]}{"…" if len(said) > 200 else ""}"' if said else ""
