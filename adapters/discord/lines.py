"""Lines of the one grammar, made of the options of a command: what was put into an option is read back as that, whatever it is.

Called by `adapters.discord.inbound`. Pure. It refuses nothing: what the grammar does not take is put so that the grammar refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from core.conversation.names import SETTING_NAME
from core.conversation.words import quote
from core.words.plan import slugify

BUILD_OPTIONS = ("framework", "features", "styling", "provider", "name")
NEWS = ("news", "news-2", "news-3")  #: options for kinds of news
PICTURES = ("picture", "picture-2", "picture-3")  #: options for files
MAX_RELEASE = 999_999

_VERSION = re.compile(r"v[0-9]+")


def line(path: tuple[str, ...], options: Mapping[str, Any]) -> str:
    """The command. ``path`` are the names of the subcommands, as in ("env", "set")."""
    verb, part = (*path, "", "")[:2]
    given = {name: _text(value) for name, value in options.items()}
    make = _LINES.get(verb)
    rest = make(part, given) if make is not None else [_app(given)]
    return " ".join(word for word in (verb or "help", *rest) if word)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    typed = str(value) if isinstance(value, str | int | float) else ""
    return typed.replace("\x02", "").replace("\x03", "")  # the quotes of `quote` that nobody types


def _app(given: Mapping[str, str]) -> str:
    """The app's slug; nothing where none was given. A name that leaves no slug is given as it is, and refused."""
    typed = given.get("app", "").strip()
    if not typed:
        return ""
    slug = slugify(typed)
    return quote(typed) if typed.startswith("-") or (slug == "app" and typed.casefold() != "app") else slug


def _refused(app: str) -> bool:
    return bool(app) and not app[0].isalpha()


def _build(_part: str, given: Mapping[str, str]) -> list[str]:
    described = given.get("description", "")
    options = [f"--{name} {quote(given[name])}" for name in BUILD_OPTIONS if given.get(name)]
    return [quote(described) if described.strip() else "", *options]


def _logs(_part: str, given: Mapping[str, str]) -> list[str]:
    lines = given.get("lines", "")
    return [_app(given), f"--lines {quote(lines)}" if lines else ""]


def _files(_part: str, given: Mapping[str, str]) -> list[str]:
    # With an empty word beside it, an app is no path and a path no app.
    return [_app(given) or '""', quote(given.get("path", ""))] if given.get("path") or _app(given) else []


def _env(part: str, given: Mapping[str, str]) -> list[str]:
    app = _app(given)
    before = [app, part] if _refused(app) else [part, app]  # what is no app is refused there alone
    name = given.get("name", "").strip()
    if part == "set":
        wrong = name if SETTING_NAME.fullmatch(name) else name.replace("=", " ")
        return [*before, quote(f"{wrong}={given.get('value', '')}")]
    if part == "unset":
        return [*before, quote(name)]
    return before


def _rollback(_part: str, given: Mapping[str, str]) -> list[str]:
    number = given.get("release", "").strip().removeprefix("v")
    known = number.isascii() and number.isdecimal() and len(number) <= 6
    release = "" if not number else f"v{number}" if known else "--release"
    data, app = given.get("data", ""), _app(given)
    return [quote(app) if _VERSION.fullmatch(app) else app, release, f"--{data}" if data in {"with-data", "code-only"} else ""]


def _notify(part: str, given: Mapping[str, str]) -> list[str]:
    if part == "list":
        return ["list"]
    # A name in quotes is an app's, also where it is the name of a kind of news.
    app = _app(given)
    quoted = app if _refused(app) else quote(app) if app else ""
    if part == "off":
        return ["off", quoted]
    return [quoted, *dict.fromkeys(given[name] for name in NEWS if given.get(name))]


_LINES: Mapping[str, Callable[[str, Mapping[str, str]], list[str]]] = {
    "build": _build,
    "logs": _logs,
    "files": _files,
    "env": _env,
    "rollback": _rollback,
    "notify": _notify,
    "list": lambda _part, _given: [],
    "settings": lambda _part, given: [quote(given["part"]) if given.get("part") else ""],
    "help": lambda _part, given: [quote(given["command"]) if given.get("command") else ""],
}
