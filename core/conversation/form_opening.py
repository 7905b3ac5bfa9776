"""Which commands and buttons are answered with a form: a platform that must answer with it at once asks before it acknowledges. Pure."""

from __future__ import annotations

from core.conversation import commands as c
from core.conversation.grammar import parse
from core.errors import InvalidInput

#: Actions of `core.conversation.dialogue` whose answer is a form, unless it is a refusal.
FORM_ACTIONS = frozenset({"build", "change", "delete", "notify", "rollback", "settings", "workspace"})


def press_opens(action: str) -> bool:
    """Whether a press on a button with this action opens a form."""
    return action in FORM_ACTIONS


def command_opens(text: str) -> bool:
    """Whether this command, as typed without the slash word, opens a form."""
    try:
        parsed = parse(text)
    except InvalidInput:
        return False
    match parsed:
        case c.Build(description=""):
            return True
        case c.Rollback(number=None) | c.Notify(kinds=()) | c.Delete() | c.Settings():
            return True
    return False
