"""What can be told of a form at once, with the field that it is about. Pure.

Called by chat adapters when a form arrives, while its sender still waits: so it asks nobody. It reads a form as the dialogue will, and
refuses what that would refuse whatever the engine knows; the rest is said privately, later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from core.conversation import forms
from core.errors import InvalidInput
from core.words.views import WorkspaceSettings


class Filled(Protocol):
    """A form that was sent."""

    @property
    def form(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def values(self) -> Mapping[str, str]: ...


def problems(sent: Filled) -> dict[str, str]:
    """What is wrong, by the name of the input."""
    if sent.form == "build" and not sent.values.get("description", "").strip():
        return {"description": "Say in a sentence what the app should do, for example: a todo app with due dates"}
    if sent.form == "change" and not sent.values.get("text", "").strip():
        return {"text": "Say what should be different, for example: add a priority to every todo"}
    check = _CHECKS.get(sent.form)
    if check is not None:
        name, reading = check
        try:
            reading(sent)
        except InvalidInput as error:
            return {_about(error.message, sent, name): error.message}
    return {}


def _workspace(sent: Filled) -> object:
    return forms.read_workspace(sent.values, WorkspaceSettings())


def _delete(sent: Filled) -> None:
    if sent.value:
        forms.confirm_delete(sent.value, sent.values)


_CHECKS: Mapping[str, tuple[str, Callable[[Filled], object]]] = {
    "build": ("framework", lambda sent: forms.read_build(sent.value, sent.values)),
    "env": ("more", lambda sent: forms.read_env(sent.values)),
    "rollback": ("release", lambda sent: forms.read_rollback(sent.values)),
    "delete": ("confirm", _delete),
    "settings": ("named_approvers", _workspace),
    "models": ("provider", _workspace),
}


def _about(message: str, sent: Filled, usual: str) -> str:
    """The input that a refusal speaks of."""
    if message.startswith("Hours"):
        return "approval_hours"
    if message.startswith("Budget"):
        return "budget_tokens" if "tokens" in message else "budget_usd"
    return usual if usual in sent.values else next(iter(sent.values), usual)
