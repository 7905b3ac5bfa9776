"""Completion of a half-typed command, for the page's box and Discord's autocomplete.

Called with what stands in the box; it answers from the grammar's table and the given slugs alone. A completion's ``text`` replaces
everything in the box.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from core.conversation.grammar import VERBS
from core.conversation.names import PROVIDERS
from core.words.notifications import NOTIFICATIONS
from core.words.plan import FRAMEWORK_NAMES

MAX_COMPLETIONS = 25  #: Discord's limit; more would not be read either


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One suggestion. A trailing space in ``text`` says that the command goes on."""

    text: str
    label: str
    hint: str = ""


def complete(text: str, apps: Sequence[str] = (), verbs: Sequence[str] = tuple(VERBS)) -> list[Completion]:
    """What could stand at the end of ``text``, best first; nothing where people write freely."""
    cut = max((m.end() for m in re.finditer(r"\s", text)), default=0)
    before, current = text[:cut], text[cut:]
    earlier = before.split()
    slash = bool(earlier) and earlier[0].casefold() == "/nexus"
    if slash:
        earlier = earlier[1:]
    typed = current.casefold()

    def offer(options: Iterable[tuple[str, str]], *, goes_on: Callable[[str], bool] = lambda _: True) -> list[Completion]:
        matching = [(name, hint) for name, hint in options if name.casefold().startswith(typed)]
        return [
            Completion(text=before + name + (" " if goes_on(name) else ""), label=name, hint=hint)
            for name, hint in matching[:MAX_COMPLETIONS]
        ]

    if not earlier:
        known = [VERBS[name] for name in verbs if name in VERBS]
        alone = {verb.name for verb in known if verb.usage == verb.name}
        if not slash and typed.startswith("/"):
            typed = typed[1:] if not "/nexus".startswith(typed) else ""
            before = "/nexus "
        return offer(((verb.name, verb.summary) for verb in known), goes_on=lambda name: name not in alone)
    verb, args = earlier[0].casefold().lstrip("/"), earlier[1:]
    if verb not in VERBS or verb not in verbs:
        return []
    app_names = [(slug, "app") for slug in apps]
    if verb == "build":
        return _build_options(args, typed, offer)
    if verb == "settings":
        parts = [("approvals", "who may approve, and for how long"), ("models", "which model writes, and its budget")]
        return offer(parts, goes_on=lambda _: False) if not args else []
    if verb == "notify":
        news = list(NOTIFICATIONS.items())
        first = [("list", "which channels are told of what"), ("off", "tell this channel no more"), *news, *app_names]
        return offer(first if not args else [] if args[0] == "list" else app_names if args[0] == "off" else news)
    if verb == "help":
        return (
            offer(((name, VERBS[name].summary) for name in verbs if name in VERBS), goes_on=lambda _: False) if not args else []
        )
    if verb == "env":
        subs = [("list", "the names of the settings"), ("set", "set NAME=value"), ("unset", "remove NAME")]
        if not args:
            return offer([*subs, *app_names])
        if len(args) == 1:
            return offer(app_names if args[0] in {"list", "set", "unset"} else subs)
        return []
    named = bool(args)
    found = offer(app_names, goes_on=lambda _: verb in {"rollback", "files"}) if VERBS[verb].takes_app and not named else []
    if VERBS[verb].options and (named or typed.startswith("-")):
        found += offer((f"--{name}", "") for name in VERBS[verb].options if f"--{name}" not in args and name != "follow")
    return found


def _build_options(args: Sequence[str], typed: str, offer: Callable[..., list[Completion]]) -> list[Completion]:
    if args and args[-1] in {"--framework", "--provider"}:
        return offer((name, "") for name in (FRAMEWORK_NAMES if args[-1] == "--framework" else PROVIDERS))
    if not typed.startswith("-"):
        return []
    hints = {
        "framework": "what it is written with",
        "features": "what it must have, with commas",
        "styling": "how it should look",
        "provider": "which model writes it",
        "name": "what it is called",
    }
    return offer((f"--{name}", hint) for name, hint in hints.items() if f"--{name}" not in args)
