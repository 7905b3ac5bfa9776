"""The job: one request to a model, round by round, until there is an app or a reason.

Made by the pipeline for every new app, change and repair. Files are asked for in waves (`core.generation.waves`); a file that
was cut off is continued, then written anew; what does not pass validation is given back. Every round is bounded and told. What
may be kept is the draft's business, what a model is told the prompts'.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from core.files import MAX_FILE_BYTES, FileTree
from core.generation import continuation, fixing, meter, sentinels
from core.generation import model as port
from core.generation.answers import diagnose
from core.generation.draft import Draft
from core.generation.fingerprints import normalised
from core.generation.generated import Done, Ended, Generated, PipelineLimits, ended
from core.generation.model import Brief, ChangeBrief, Complete, Failed, Failure, Model, Partial, Refused, Usage, Writing
from core.generation.parser import EditStarted, FileEnded, FileStarted, Parsed, Parser, strip_fence
from core.generation.problem import Problem
from core.generation.progress import Continuing, FileWriting, FileWritten, Listener, Note, Retrying
from core.generation.prompts import fence
from core.generation.waves import waves
from core.words.plan import PlannedFile

Stream = AsyncIterator[str | port.Ended]

_BROKE_OFF = "The answer broke off without its end."


class _Over(Exception):
    """There is no use in going on; ends the other calls of a wave too."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended.reason)
        self.ended = ended


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What one call brought."""

    parsed: Parsed
    last: port.Ended
    nonce: str
    failed_edits: dict[str, str]


class Job:
    """One request."""

    def __init__(
        self, model: Model, draft: Draft, progress: Listener, limits: PipelineLimits, usage: Usage, notes: list[str]
    ) -> None:
        self._model = model
        self._draft = draft
        self._progress = progress
        self._limits = limits
        self._usage = usage
        self._notes = notes
        self._tries = 1
        self._places = asyncio.Semaphore(limits.sizes.parallel)
        self._one_rest = asyncio.Lock()  # two continuations never interleave
        self._resumed: dict[str, int] = {}
        self._anew: set[str] = set()

    # -- new apps and changes

    async def write(self, brief: Brief | ChangeBrief, *, told: str = "", laid: bool = False) -> Generated:
        """The planned files, then validation. ``told`` is what Nexus has to say about what was ``laid`` in."""
        plan = self._draft.plan
        if not plan.files and not self._draft.frozen_hits and not laid:
            what = "the change" if isinstance(brief, ChangeBrief) else "the app"
            reason = f"The model's plan names no file to write for {what}; say more precisely what it should do."
            return self._end("failed", reason)
        asked = Writing(brief=brief, plan=plan, files=(), tree=self._draft.base, told=told)
        try:
            for wave in waves(plan.files, self._limits.sizes):
                await _together([self._written(replace(asked, files=files)) for files in wave])
        except _Over as over:
            return over.ended
        return await self._validated()

    async def _written(self, asked: Writing) -> None:
        """These files, in as many rounds as it takes.

        Raises:
            _Over: it takes too many.
        """
        planned = {file.path for file in asked.plan.files}
        missing, told = asked.files, asked.told
        answer: _Answer | None = None
        async with self._places:
            for _ in range(1 + self._limits.completions):
                if answer is not None:
                    self._retrying(_why_again(answer, missing))
                    told = "\n\n".join(part for part in (asked.told, told) if part)
                writing = replace(asked, files=missing, written=self._draft.written_for(missing), told=told)
                # Also those of this call that are there already: an edit that came once more would be made twice.
                others = planned - {file.path for file in missing}
                answer = await self._ask(functools.partial(self._model.write, writing), planned, others)
                await self._continue(writing, answer, planned)
                missing = [file for file in asked.files if self._draft.lacks(file.path)]
                if not missing:
                    return
                if self._spent(missing):
                    break
                told = _what_was_wrong(answer)
        assert answer is not None
        raise _Over(self._unfinished(answer, missing))

    def _unfinished(self, answer: _Answer, missing: Sequence[PlannedFile]) -> Ended:
        last, prose = answer.last, answer.parsed.prose
        names = ", ".join(file.path for file in missing[:5]) + _more(len(missing) - 5, "file")
        cut = [file.path for file in missing if file.path in self._anew]
        if cut:
            reason = (
                f"The file {cut[0]} is longer than the model writes in one answer: it was continued {self._limits.resumes} times "
            )
            return self._end(
                "partial", reason + "and written anew, and cut off again. Ask for less at once, or choose another model."
            )
        if isinstance(last, Partial | Failed):
            return ended(last, self._usage, f"These files were not finished: {names}")
        if answer.failed_edits:
            path, why = next(iter(answer.failed_edits.items()))
            return self._end(
                "failed", f"The model's change of {path} does not fit the file. {why} Ask for the change in other words."
            )
        if answer.parsed.problems:
            return self._end("failed", f"These files were not finished: {names}. {answer.parsed.problems[0]} Try again.")
        if not self._draft.contents and not answer.parsed.files:
            said = f"{diagnose(prose).for_person}{_quoted(prose)}"
            return self._end("failed", f"{said} Try again, or choose another model.")
        return self._end("partial", f"The model left out these files: {names}. Try again, or ask for less at once.")

    # -- repairs

    async def mend(self, failure: Failure) -> Generated:
        """Whatever has to change for the check to pass, then validation."""
        try:
            return await self._mended(replace(failure, log_tail=normalised(failure.log_tail)))
        except _Over as over:
            return over.ended

    async def _mended(self, failure: Failure) -> Generated:
        why = prose = ""
        last: port.Ended = Complete(value=None, usage=Usage())
        for attempt in range(1 + self._limits.completions):
            if attempt:
                self._retrying(why)
            answer = await self._ask(functools.partial(self._model.repair, failure))
            last, prose = answer.last, answer.parsed.prose
            cut = set(answer.parsed.unclosed)
            await self._continue(_as_writing(failure, sorted(cut)), answer, None)
            whole = isinstance(last, Complete) or bool(cut)
            if self._draft.touched and whole and not answer.failed_edits and not any(map(self._draft.lacks, cut)):
                return await self._validated()
            if isinstance(last, Partial | Failed):
                why = _in_passing(last)
            elif answer.failed_edits:
                why = next(f"{path}: {reason}" for path, reason in answer.failed_edits.items())
            else:
                why = "The answer held no whole file."
            # What was kept of the answer stays, so it is shown: an edit that came once more would be made twice. So is a file
            # whose edit did not fit, which perhaps was not shown.
            suspects = tuple(dict.fromkeys([*failure.suspects, *answer.failed_edits]))
            failure = replace(failure, tree=self._draft.tree, suspects=suspects, told=_what_was_wrong(answer))
        if isinstance(last, Partial | Failed):
            return ended(last, self._usage, "The repair was not finished")
        return self._end("failed", f"The model found nothing to change for the failing check.{_quoted(prose)}")

    # -- validation

    async def _validated(self) -> Generated:
        """The app when it passes validation; what does not is given back a few times."""
        problems: Sequence[Problem] = ()
        told = ""
        for attempt in range(1 + self._limits.corrections):
            tree, problems = await self._draft.assembled()
            if not problems:
                return self._done(tree)
            if attempt == self._limits.corrections:
                break
            self._retrying(f"{problems[0]}{_more(len(problems) - 1, 'problem')}")
            self._draft.frozen_hits.clear()
            failure = Failure(
                plan=self._draft.plan,
                tree=tree,
                check="validation",
                log_tail="\n".join(str(problem) for problem in problems),
                suspects=tuple(dict.fromkeys(problem.path for problem in problems if problem.path)),
                frozen=self._draft.frozen,
                told=told,
            )
            may = self._draft.correctable(failure.suspects)
            try:
                answer = await self._ask(functools.partial(self._model.repair, failure), may)
                await self._continue(_as_writing(failure, sorted(answer.parsed.unclosed)), answer, may)
            except _Over as over:
                return over.ended
            told = _what_was_wrong(answer)
        tries = 1 + self._limits.corrections
        reason = f"After {tries} tries the files still do not pass validation. {problems[0]}{_more(len(problems) - 1, 'problem')}"
        return self._end("failed", f"{reason} Try again, or ask for less at once.")

    def _done(self, tree: FileTree) -> Done:
        return Done(
            plan=self._draft.plan,
            tree=tree,
            usage=self._usage,
            notes=tuple(self._notes),
            written=tuple(sorted(path for path in self._draft.contents if path in tree)),
        )

    # -- one call

    async def _ask(
        self, call: Callable[[str], Stream], planned: set[str] | None = None, others: frozenset[str] | set[str] = frozenset()
    ) -> _Answer:
        """One stream of files, with a fresh nonce; what may be kept is kept. ``planned`` None lets every file be written;
        ``others`` are those that other calls write.

        Raises:
            _Over: the model declined, its vendor failed for good, or it was asked too often.
        """
        self._permit()
        nonce = sentinels.new_nonce()
        parser = Parser(nonce)
        last: port.Ended = Partial(reason=_BROKE_OFF, usage=Usage())

        def mine(path: str) -> bool:
            return path not in others and self._draft.refusal(path, planned) is None

        async with aclosing(call(nonce)) as pieces:  # type: ignore[type-var]  # every Model's stream is an async generator
            async for piece in pieces:
                if not isinstance(piece, str):
                    last = piece
                    break
                for event in parser.feed(piece):
                    if isinstance(event, FileStarted | EditStarted) and mine(event.path):
                        self._progress(FileWriting(event.path))
                    elif isinstance(event, FileEnded) and mine(event.path):
                        self._tell_written(event.path, fixing.tidy(event.content))
        self._count(last)
        parsed = _without(parser.finish(), others)
        failed = await self._draft.take(parsed, planned)
        for path in parsed.files if parsed.was_json else parsed.edits:
            if path in self._draft.contents and path not in failed and mine(path):
                self._tell_written(path, self._draft.contents[path])
        if isinstance(last, Refused) or (isinstance(last, Failed) and not last.retryable):
            raise _Over(ended(last, self._usage, "The app was not finished"))
        return _Answer(parsed=parsed, last=last, nonce=nonce, failed_edits=dict(failed))

    # -- what was cut off

    async def _continue(self, writing: Writing, answer: _Answer, planned: set[str] | None) -> None:
        """Whole files of those that the answer left unclosed, where that works.

        Raises:
            _Over: as for `_ask`.
        """
        for path, partial in answer.parsed.unclosed.items():
            if self._draft.refusal(path, planned) is not None:
                continue
            beginning, whole = continuation.before_the_mark(partial, answer.nonce)
            own = [file for file in writing.files if file.path == path]
            asked = replace(writing, written=self._draft.written_for(own))
            async with self._one_rest:
                text = beginning if whole else await self._rest(asked, path, beginning, answer.last)
            if text is not None:
                self._draft.keep(path, strip_fence(path, text), planned)
                self._tell_written(path, self._draft.contents.get(path, text))

    async def _rest(self, writing: Writing, path: str, beginning: str, last: port.Ended) -> str | None:
        """The whole text of a file of which ``beginning`` is there; None when it does not come."""
        text = beginning
        if len(text) < self._limits.resume_chars:
            return None
        while self._resumed.get(path, 0) < self._limits.resumes and len(text) <= MAX_FILE_BYTES:
            self._resumed[path] = self._resumed.get(path, 0) + 1
            reason = _in_passing(last) if isinstance(last, Partial | Failed) else f"The answer does not say where {path} ends."
            self._progress(Continuing(path, reason, self._resumed[path]))
            nonce = sentinels.new_nonce()
            said, last = await self._raw(functools.partial(self._model.resume, writing, path, text), nonce)
            rest = continuation.read_rest(said, path, text, nonce)
            longer = rest.text if rest.whole else continuation.join(text, rest.text)
            if rest.closed or (isinstance(last, Complete) and rest.text.strip()):
                return longer
            if len(longer) <= len(text):
                return None
            text = longer
        return None

    def _permit(self) -> None:
        """Another call, unless this build has had as many as it may.

        Raises:
            _Over: it has.
        """
        asked = max(self._usage.calls, meter.counted().calls)
        if asked >= self._limits.calls:
            reason = f"The model was asked {asked} times, as often as one build may, and the app is still not finished."
            raise _Over(self._end("partial", f"{reason} Ask for less at once, or choose another model."))

    def _count(self, last: port.Ended) -> None:
        """Take what a call has used, and tell what it has to say about how it came."""
        self._usage += last.usage
        for text in last.notes:
            if text not in self._notes:
                self._notes.append(text)
                self._progress(Note(text))

    async def _raw(self, call: Callable[[str], Stream], nonce: str) -> tuple[str, port.Ended]:
        """The text of one stream, no longer than a file may be.

        Raises:
            _Over: as for `_ask`.
        """
        self._permit()
        said: list[str] = []
        room = MAX_FILE_BYTES
        last: port.Ended = Partial(reason=_BROKE_OFF, usage=Usage())
        async with aclosing(call(nonce)) as pieces:  # type: ignore[type-var]  # as above
            async for piece in pieces:
                if not isinstance(piece, str):
                    last = piece
                    break
                said.append(piece[: max(0, room)])
                room -= len(piece)
        self._count(last)
        if isinstance(last, Refused) or (isinstance(last, Failed) and not last.retryable):
            raise _Over(ended(last, self._usage, "The app was not finished"))
        return "".join(said), last

    def _spent(self, missing: Sequence[PlannedFile]) -> bool:
        """Whether a file was continued as often as it may be, and written anew already."""
        cut = {file.path for file in missing if self._resumed.get(file.path, 0) >= self._limits.resumes}
        spent = bool(cut & self._anew)
        self._anew |= cut
        return spent

    # -- telling

    def _tell_written(self, path: str, text: str) -> None:
        self._progress(FileWritten(path, len(text.encode("utf-8", "replace"))))

    def _retrying(self, reason: str) -> None:
        self._tries += 1
        self._progress(Retrying(reason, self._tries))

    def _end(self, kind: Any, reason: str) -> Ended:
        return Ended(kind=kind, reason=reason, usage=self._usage)


async def _together(calls: Sequence[Coroutine[Any, Any, None]]) -> None:
    """All of them at once; the first that fails ends the others, and so does being cancelled."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _without(parsed: Parsed, others: frozenset[str] | set[str]) -> Parsed:
    """What was read, without the files of other calls."""
    if not others:
        return parsed
    return replace(
        parsed,
        files={path: text for path, text in parsed.files.items() if path not in others},
        unclosed={path: text for path, text in parsed.unclosed.items() if path not in others},
        edits={path: wanted for path, wanted in parsed.edits.items() if path not in others},
        broken_edits=[path for path in parsed.broken_edits if path not in others],
        removed=[path for path in parsed.removed if path not in others],
    )


def _as_writing(failure: Failure, paths: Sequence[str]) -> Writing:
    """A repair as a change, for the rest of a file that it was cut off in."""
    request = f"Make the check {failure.check[:80]!r} pass. What it said:\n{failure.log_tail}"
    brief = ChangeBrief(request=request, plan=failure.plan, tree=failure.tree, frozen=failure.frozen)
    files = [PlannedFile(path=path) for path in paths]
    return Writing(brief=brief, plan=failure.plan, files=files, tree=failure.tree)


def _what_was_wrong(answer: _Answer) -> str:
    """What a model is told of its last answer; empty when it was only cut off."""
    parsed = answer.parsed
    if answer.failed_edits:
        listed = "\n".join(f"- {path}: {reason}" for path, reason in answer.failed_edits.items())
        return f"Of your last answer these edits were not made; write the whole file instead, each of them:\n{fence(listed)}"
    if parsed.problems:
        listed = "\n".join(f"- {problem}" for problem in parsed.problems)
        return f"Of your last answer these files were not kept:\n{fence(listed)}"
    if isinstance(answer.last, Complete) and not (parsed.files or parsed.unclosed or parsed.edits or parsed.removed):
        return diagnose(parsed.prose).for_model
    return ""


def _why_again(answer: _Answer, missing: Sequence[PlannedFile]) -> str:
    if isinstance(answer.last, Partial | Failed):
        return _in_passing(answer.last)
    for path, reason in answer.failed_edits.items():
        return f"{path}: {reason}"
    return f"The answer lacks {missing[0].path}{_more(len(missing) - 1, 'file')}."


def _in_passing(last: Partial | Failed) -> str:
    """What happened, without what a person could do about it: Nexus goes on by itself."""
    return f"{last.outage}." if isinstance(last, Failed) and last.outage else last.reason


def _more(count: int, noun: str) -> str:
    return f" (and {count} more {noun}{'s' if count > 1 else ''})" if count > 0 else ""


def _quoted(prose: str) -> str:
    said = " ".join(prose.split())
    return f' It said: "{said[:200]}{"…" if len(said) > 200 else ""}"' if said else ""
