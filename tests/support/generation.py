"""For tests of generation: a listener that remembers, scripts for the fake model, and a framework that brings accounts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

from core.files import FileTree
from core.generation.fake_model import CALL, DONE, Script
from core.generation.model import Ended, Failed, Partial, Refused
from core.generation.progress import Progress
from core.generation.sentinels import closing, emit, opening
from core.words.plan import Feature
from tests.support.tiny_framework import TinyFramework

T = TypeVar("T")

WIRED = 'GUARDED = True\nROUTES = {"/healthz": 200}\n'
ACCOUNTS = "CREATE TABLE auth_users (id bigint);\n"

OVERLOADED = Failed(reason="The vendor is overloaded; try again later.", retryable=True, usage=CALL)
WRONG_KEY = Failed(reason="The key is wrong; set another.", retryable=False, usage=CALL)
CUT = Partial(reason="The answer reached its length limit.", usage=CALL)
REFUSED = Refused(reason="I will not write this; describe it in other words.", usage=CALL)


class Featured(TinyFramework):
    """The tiny framework with accounts."""

    features: frozenset[Feature] = frozenset({"authentication"})

    def scaffold(self, features: Collection[Feature] = ()) -> FileTree:
        tree = super().scaffold()
        if "authentication" not in features:
            return tree.with_files({"app/plain.py": "PLAIN = 1\n", "app/wiring.py": "GUARD = None\n"})
        brought = {"app/auth.py": "A = 1\n", "app/wiring.py": WIRED, "migrations/0000_authentication.sql": ACCOUNTS}
        return tree.with_files({**brought, "packages.json": '{"asyncpg": "0.32.0", "bcrypt": "5.0.0"}\n'})


class Watch:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.events: list[Progress] = []

    def __call__(self, event: Progress) -> None:
        self.events.append(event)

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]


def saying(text: str, ended: Ended = DONE) -> Script:
    """Only this text; ``{nonce}`` in it is the request's."""
    return lambda nonce: [text.replace("{nonce}", nonce), ended]


def cut_in(path: str, beginning: str, whole: Mapping[str, str] | None = None, ended: Ended = CUT) -> Script:
    """Whole files, then one that is cut off."""

    def pieces(nonce: str) -> Iterable[str | Ended]:
        yield "".join(emit(other, text, nonce) for other, text in (whole or {}).items())
        yield f"{opening(nonce)}{path}>>>\n{beginning}"
        yield ended

    return pieces


def going_on(text: str, ended: Ended = DONE, *, closed: bool = True) -> Script:
    """The rest of a file."""
    return lambda nonce: [text + (f"\n{closing(nonce)}\n" if closed else ""), ended]


def emitting(*blocks: Any, ended: Ended = DONE) -> Script:
    """Whatever these functions of the nonce write."""
    return lambda nonce: ["".join(block(nonce) for block in blocks), ended]
