"""Log tails: the end of what an app or a tool printed, made fit for a thread, and which files of the app it speaks of.

Called by verification and by deployments. The text is untrusted and stays so: escape sequences, control characters, host paths and
named secrets are taken out here; escaping for a platform is the renderer's business.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

TAIL_LINES = 40
_LINE_CHARS = 500

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]P_^][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]|\x9b[0-?]*[ -/]*[@-~]")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co"}


@dataclass(frozen=True, slots=True)
class Masks:
    """What must not be seen, and what is shown instead."""

    pairs: Mapping[str, str]

    @classmethod
    def of(cls, *, secrets: Iterable[str] = (), paths: Mapping[str, str] | None = None) -> Masks:
        """``secrets`` become dots; ``paths`` (host path to what it is called) become their names. Empty ones are ignored."""
        pairs = {secret: "•••" for secret in secrets if len(secret) > 3}
        return cls(pairs | {path: name for path, name in (paths or {}).items() if len(path) > 1})

    def __or__(self, other: Masks) -> Masks:
        return Masks({**self.pairs, **other.pairs})

    def hide(self, text: str) -> str:
        """``text`` without them; the longest first, so that a part never uncovers the rest."""
        for hidden in sorted(self.pairs, key=len, reverse=True):
            text = text.replace(hidden, self.pairs[hidden])
        return text


def clean(text: str, masks: Masks) -> list[str]:
    """The lines of ``text``: plain, masked, of bounded length; of a line that overwrote itself, what was last to be seen."""
    lines = []
    for line in masks.hide(_ESCAPES.sub("", text)).split("\n"):
        seen = line.rstrip("\r").rsplit("\r", 1)[-1].replace("\t", "    ")
        plain = "".join(c for c in seen if unicodedata.category(c) not in _INVISIBLE).rstrip()
        lines.append(plain if len(plain) <= _LINE_CHARS else plain[: _LINE_CHARS - 1] + "…")
    return lines


def tail(text: str, masks: Masks, *, lines: int = TAIL_LINES) -> str:
    """The last lines that say something."""
    kept = clean(text, masks)
    while kept and not kept[-1]:
        kept.pop()
    return "\n".join(kept[-lines:]).lstrip("\n")


def suspects(text: str, paths: Iterable[str], masks: Masks) -> Sequence[str]:
    """Those of ``paths`` (relative to ``/app``) that ``text`` names, the one named first at the front."""
    plain = "\n".join(clean(text, masks))
    plain = re.sub(r"(?:file://)?(?<![\w.-])/app/|(?<![\w./-])\./", "", plain)
    found: dict[str, int] = {}
    for path in paths:
        named = re.search(r"(?<![\w./@-])" + re.escape(path) + r"(?![\w-]|\.\w)", plain)
        if named:
            found[path] = named.start()
    return sorted(found, key=lambda path: (found[path], path))
