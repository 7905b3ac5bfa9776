"""Getting past an app's sign-in: is everything closed without an account, and does the account that is made open it?

Called by the try-out for apps whose plan has accounts, before anything else is asked of their API. The account is made up, and goes
with the scratch database.

It refuses to guess how an app's own accounts work: where it does not have the routes that the scaffolds bring, that is said, and what is
behind them is not tried.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.errors import NotHealthy
from core.verification.prober import ProbeAnswer
from core.words.cards import Step, StepState
from core.words.plan import Plan

_EXCERPT = 1000  #: characters of an unexpected answer that go to the log tail


class AskAs(Protocol):
    """Sends one request to the instance that is tried, with these cookies alone."""

    async def __call__(self, method: str, path: str, *, json: Any = None, cookies: Mapping[str, str]) -> ProbeAnswer: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """How it went; without cookies nobody is signed in, and the step says why."""

    step: Step
    cookies: Mapping[str, str] = field(default_factory=dict)


async def sign_in(plan: Plan, ask: AskAs, *, brought: bool) -> SignedIn:
    """Make an account. ``brought`` is whether its framework's scaffold brings accounts, so that their routes are known.

    Raises:
        NotHealthy: it is open without an account, or none can be made.
    """
    started = time.monotonic()
    guarded = f"/api/{plan.resources[0].name}" if plan.resources else "/api/auth/me"
    closed = await ask("GET", guarded, cookies={})
    if closed.status < 400:
        raise _unexpected(f"GET {guarded} answered {closed.status} without an account instead of 401.", closed)
    person = {"name": "Try-out", "email": "someone@example.com", "password": secrets.token_urlsafe(16)}
    made = await ask("POST", "/api/auth/register", json=person, cookies={})
    if not brought and made.status in {401, 403, 404, 405}:
        why = "its accounts are its own, none could be made: what is behind them was not tried"
        return SignedIn(step=Step(name="sign-in", state=StepState.SKIPPED, detail=why))
    if closed.status != 401:
        raise _unexpected(f"GET {guarded} answered {closed.status} without an account instead of 401.", closed)
    if made.status != 201 or not made.cookies:
        what = "without a cookie" if made.status == 201 else f"{made.status} instead of 201"
        raise _unexpected(f"POST /api/auth/register answered {what}.", made)
    opened = await ask("GET", guarded, cookies=made.cookies)
    if opened.status != 200:
        raise _unexpected(f"GET {guarded} answered {opened.status} to the account that was just made instead of 200.", opened)
    seconds = round(time.monotonic() - started, 3)
    step = Step(name="sign-in", state=StepState.DONE, detail="account made; 401 without it", seconds=seconds)
    return SignedIn(step=step, cookies=made.cookies)


def _unexpected(message: str, answer: ProbeAnswer) -> NotHealthy:
    return NotHealthy(message, log_tail=f"Answer: {answer.body.decode(errors='replace')[:_EXCERPT]}")
