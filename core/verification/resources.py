"""Trying an app's resources over HTTP: is every kind of thing that the plan promises really kept, changed, removed and guarded?

Called by the try-out. Per resource: the list is an array, a valid row is created and found again, changed and found changed, bad rows are
refused, and what was deleted is gone. Rows that others refer to live until those were tried. Where the plan promises a search, a word of a
row must find it, and nonsense must not.

It refuses to guess: a resource for which no valid row can be made up is reported as skipped, with the reason.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from core.errors import NotHealthy
from core.verification.fixtures import Trial, bad_rows, plan_trials, row, same, sample
from core.verification.prober import ProbeAnswer
from core.words.cards import Step, StepState
from core.words.plan import FieldType, Resource

_EXCERPT = 1000  #: characters of an unexpected answer that go to the log tail
_SAMPLES = 3  #: rows of each resource on the picture
_NONSENSE = "zqxjkwvpq"
_TEXTS = frozenset({FieldType.TEXT, FieldType.LONG_TEXT})


class Ask(Protocol):
    """Sends one request to the instance that is tried."""

    def __call__(self, method: str, path: str, *, json: Any = None) -> Awaitable[ProbeAnswer]: ...


class _Tried:
    """What came of one resource so far."""

    def __init__(self, trial: Trial, ask: Ask) -> None:
        self.trial = trial
        self.id: Any = None
        self.seconds = 0.0
        self._ask = ask
        self._path = f"/api/{trial.resource.name}"
        self._valid: Mapping[str, Any] = {}

    async def ask(
        self, method: str, wanted: str, *, row: Any = None, one: bool = False, what: str = "", accept: Callable[[int], bool]
    ) -> ProbeAnswer:
        path = f"{self._path}/{quote(str(self.id), safe='')}" if one else self._path
        called = f"{method} {path}" + (f" {what}" if what else "")
        started = time.monotonic()
        try:
            answer = await self._ask(method, path, json=row)
        except NotHealthy as error:
            raise NotHealthy(f"{called} got no answer: {error.message}") from error
        finally:
            self.seconds += time.monotonic() - started
        if not accept(answer.status):
            raise self._unexpected(f"{called} answered {answer.status} instead of {wanted}.", row, answer)
        return answer

    def _unexpected(self, message: str, row: Any, answer: ProbeAnswer) -> NotHealthy:
        sent = f"Sent: {json.dumps(row)}\n" if row is not None else ""
        return NotHealthy(message, log_tail=f"{sent}Answer: {answer.body.decode(errors='replace')[:_EXCERPT]}")

    async def list(self) -> None:
        answer = await self.ask("GET", "200", accept=lambda status: status == 200)
        if not answer.body.lstrip().startswith(b"["):
            raise self._unexpected(f"GET {self._path} did not answer with a JSON array.", None, answer)

    async def refuse_bad(self, ids: Mapping[str, Any]) -> None:
        for what, bad in bad_rows(self.trial, row(self.trial, ids, 0)):
            await self.ask("POST", "4xx", row=bad, what=f"with a row {what}", accept=lambda status: 400 <= status < 500)

    async def create(self, ids: Mapping[str, Any]) -> None:
        self._valid = row(self.trial, ids, 0)
        answer = await self.ask("POST", "201", row=self._valid, what="with a valid row", accept=lambda status: status == 201)
        try:
            self.id = answer.json()["id"]
        except (ValueError, KeyError, TypeError):
            self.id = None
        if isinstance(self.id, bool) or not isinstance(self.id, int | str) or len(str(self.id)) > 100:
            raise self._unexpected(f"POST {self._path} did not answer with the new row and its id.", self._valid, answer)
        await self._found()

    async def change(self, ids: Mapping[str, Any]) -> None:
        self._valid = row(self.trial, ids, 1)
        await self.ask(
            "PUT", "200", row=self._valid, one=True, what="with a valid row", accept=lambda status: status in {200, 204}
        )
        await self._found()

    async def _found(self) -> None:
        answer = await self.ask("GET", "200", one=True, accept=lambda status: status == 200)
        try:
            got = answer.json()
        except ValueError:
            got = None
        if not isinstance(got, dict):
            raise self._unexpected(f"GET {self._path}/{self.id} did not answer with a JSON object.", None, answer)
        for field in self.trial.fields:
            if not same(field, self._valid[field.name], got.get(field.name)):
                raise self._unexpected(
                    f"GET {self._path}/{self.id} did not give back {field.name!r} as it was sent.", self._valid, answer
                )

    async def delete(self) -> None:
        await self.ask("DELETE", "204", one=True, accept=lambda status: status in {200, 202, 204})
        await self.ask("GET", "404", one=True, what="after it was deleted", accept=lambda status: status in {404, 410})

    async def search(self) -> bool:
        """Whether a word of the row finds it, and nonsense does not."""
        path = f"/api/{self.trial.resource.name}?q="
        text = next(str(self._valid[f.name]) for f in self.trial.fields if f.type in _TEXTS)
        found = await self._listed(path + quote(text.split()[0]))
        return found and not await self._listed(path + _NONSENSE)

    async def _listed(self, path: str) -> bool:
        """Whether the row is in a list."""
        started = time.monotonic()
        answer = await self._ask("GET", path)
        self.seconds += time.monotonic() - started
        if answer.status != 200:
            raise self._unexpected(f"GET {path} answered {answer.status} instead of 200.", None, answer)
        try:
            return any(str(one["id"]) == str(self.id) for one in answer.json())
        except (ValueError, KeyError, TypeError):
            raise self._unexpected(f"GET {path} did not answer with a JSON array of rows.", None, answer) from None

    def step(self, state: StepState, detail: str) -> Step:
        return Step(name=self.trial.resource.name, state=state, detail=detail, seconds=round(self.seconds, 3))


async def try_resources(
    resources: Sequence[Resource], ask: Ask, evidence: list[Step], note: Callable[[str], None], *, search: bool = False
) -> None:
    """Try them all, adding one line each to ``evidence``; ``note`` gets the name of the one that is tried. ``search`` is whether one
    is promised: then at least one of them must keep that.

    Raises:
        NotHealthy: one did not do as it should; its line says so.
    """
    all_tried = [_Tried(trial, ask) for trial in plan_trials(resources)]
    ids: dict[str, Any] = {}
    searched: dict[str, bool] = {}
    tried = all_tried[0] if all_tried else None
    try:
        for tried in all_tried:
            note(tried.trial.resource.name)
            await tried.list()
            if not tried.trial.why_not:
                await tried.refuse_bad(ids)
                await tried.create(ids)
                ids[tried.trial.resource.name] = tried.id
                await tried.change(ids)
                if search and any(f.type in _TEXTS for f in tried.trial.fields):
                    searched[tried.trial.resource.name] = await tried.search()
        for tried in reversed(all_tried):
            if not tried.trial.why_not:
                await tried.delete()
    except NotHealthy as error:
        assert tried is not None
        evidence.append(tried.step(StepState.FAILED, error.message))
        raise
    order = [resource.name for resource in resources]
    for tried in sorted(all_tried, key=lambda one: order.index(one.trial.resource.name)):
        if tried.trial.why_not:
            evidence.append(tried.step(StepState.SKIPPED, f"listed; rows were not tried: {tried.trial.why_not}"))
        else:
            evidence.append(tried.step(StepState.DONE, "create, read, update, delete, bad input refused"))
    if search:
        evidence.append(_search_step(searched))
        if evidence[-1].state is StepState.FAILED:
            raise NotHealthy(f"The app promises a search, but {evidence[-1].detail}.")


def _search_step(searched: Mapping[str, bool]) -> Step:
    found = [name for name, works in searched.items() if works]
    if found:
        return Step(name="search", state=StepState.DONE, detail=f"a word finds its row, nonsense does not: {', '.join(found)}")
    if searched:
        detail = f"GET /api/{next(iter(searched))}?q= does not find a row by its words alone"
        return Step(name="search", state=StepState.FAILED, detail=detail)
    return Step(name="search", state=StepState.SKIPPED, detail="nothing it keeps has words to look for")


async def add_samples(resources: Sequence[Resource], ask: Ask) -> None:
    """A few rows each, so that the page has something to show. Those that are refused are done without."""
    ids: dict[str, Any] = {}
    for trial in plan_trials(resources):
        if trial.why_not or any(f.references not in ids for f in trial.fields if f.type is FieldType.REFERENCE):
            continue
        for number in reversed(range(_SAMPLES)):  # lists show the newest first
            answer = await ask("POST", f"/api/{trial.resource.name}", json=sample(trial, ids, number))
            try:
                ids[trial.resource.name] = answer.json()["id"]
            except (ValueError, KeyError, TypeError):
                break
