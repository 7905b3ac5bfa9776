"""Forms that a person is offered to open: again, as they had filled it in, or later, because it came too late to be opened at
once.

Used by `adapters.discord.desk` and `adapters.discord.answering`. What was filled in is kept for a quarter of an hour in the
memory of the process that refused it, and nowhere else, since an app's secrets may be among it; another process lets that one
take the press. What the form is about stands in the button itself, so that after a restart the form is opened at least as it is
at first.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from adapters.discord.inbound import Filled, Pressed, Said
from core.words.inbound import Action, Command, Inbound

LIFE = 900.0  #: seconds
MOST = 500  #: forms that are kept
VALUE = 69  #: characters of a button's value

#: The action that opens a form, and its value where that is not the form's own.
_OPENED_BY: Mapping[str, tuple[str, str | None]] = {
    "build": ("build", ""),
    "change": ("change", None),
    "env": ("settings", None),
    "rollback": ("rollback", None),
    "delete": ("delete", None),
    "notify": ("notify", ""),
    "settings": ("workspace", "approvals"),
    "models": ("workspace", "models"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A form as somebody filled it in, or (without a form) words of theirs that ask for one."""

    user: str
    form: str = ""
    value: str = ""
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    text: str = field(default="", repr=False)


class Drafts:
    """Those that are kept."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: dict[str, tuple[float, Draft]] = {}

    def refused(self, sent: Filled) -> str:
        """The value of a button that opens it again, filled in; empty for a form that nothing opens."""
        return self.kept(Draft(user=sent.where.user, form=sent.form, value=sent.value, values=dict(sent.values)))

    def kept(self, draft: Draft) -> str:
        """The same of a form that was opened again, too late."""
        opener = _opener(draft.form, draft.value)
        if not opener:
            return ""
        key = self._keep(draft)
        whole = f"again {key} {opener}"
        return whole if len(whole) <= VALUE else f"again {key}"

    def late(self, asked: Inbound | None, user: str) -> str:
        """The value of a button that asks for the form once more; empty when it is not known how."""
        match asked:
            case Command(text=text):
                return f"say {text}" if len(text) <= VALUE - 4 else f"again {self._keep(Draft(user=user, text=text))}"
            case Action(action=action, value=value) if len(f"do {action} {value}") <= VALUE:
                return f"do {action} {value}"
        return ""

    def find(self, value: str, user: str) -> Draft | None:
        """What is kept behind a button, if it is theirs."""
        word, _, rest = value.partition(" ")
        kept = self._kept.get(rest.partition(" ")[0]) if word == "again" else None
        if kept is None or self._now() - kept[0] > LIFE or kept[1].user != user:
            return None
        return kept[1]

    def lacks(self, did: Pressed) -> bool:
        """Whether another process may have what is behind this button, and this one has not."""
        return did.value.startswith("again ") and self.find(did.value, did.where.user) is None

    def asked(self, did: Pressed) -> Said | Pressed | None:
        """What a press on such a button asks for; None when that is not known any more."""
        word, _, rest = did.value.partition(" ")
        if word == "say" and rest:
            return Said(where=did.where, key=did.key, text=rest, way="command")
        if word == "again":
            draft = self.find(did.value, did.where.user)
            if draft is not None and draft.text:
                return Said(where=did.where, key=did.key, text=draft.text, way="command")
            rest = _opener(draft.form, draft.value) if draft is not None else rest.partition(" ")[2]
        action, _, value = rest.partition(" ")
        if not action or word not in {"do", "again"}:
            return None
        return replace(did, action=action, value=value)

    def _keep(self, draft: Draft) -> str:
        now = self._now()
        self._kept = {key: kept for key, kept in self._kept.items() if now - kept[0] <= LIFE}
        while len(self._kept) >= MOST:
            del self._kept[next(iter(self._kept))]
        key = secrets.token_hex(4)
        self._kept[key] = (now, draft)
        return key


def _opener(form: str, own: str) -> str:
    """The action, and its value after a space; empty when nothing opens this form."""
    if form not in _OPENED_BY:
        return ""
    action, value = _OPENED_BY[form]
    return f"{action} {own if value is None else value}"
