"""Names that people type, read with what they probably meant: frameworks, providers, settings, and the nearest of any others.

Used by the grammar and by the forms, so that both refuse with the same words. It refuses with `InvalidInput` and nothing else.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from core.errors import InvalidInput
from core.words.plan import FRAMEWORK_NAMES, FrameworkName, framework_called, slugify

PROVIDERS = ("auto", "starter", "openai", "anthropic", "compatible")
SETTING_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")


def nearest(word: str, names: Iterable[str], *, cutoff: float = 0.6) -> str:
    """The name that was probably meant, or empty."""
    folded = {name.casefold(): name for name in names}
    matches = difflib.get_close_matches(word.casefold()[:60], list(folded), n=1, cutoff=cutoff)
    return folded[matches[0]] if matches else ""


def quoted(text: str) -> str:
    """What somebody typed, short and printable, for a message."""
    plain = "".join(ch for ch in text if ch.isprintable())
    return f"“{plain[:40]}{'…' if len(plain) > 40 else ''}”"


def framework_name(typed: str) -> FrameworkName:
    """The framework of this name, however it is written: "FastAPI", "express.js".

    Raises:
        InvalidInput: it names the known ones and the nearest.
    """
    found = framework_called(typed)
    if found is not None:
        return found
    plain = re.sub(r"[^a-z0-9]", "", typed.casefold())
    near = nearest(plain, FRAMEWORK_NAMES, cutoff=0.3)
    known = ", ".join(FRAMEWORK_NAMES)
    raise InvalidInput(
        f"{quoted(typed)} is not a framework of this Nexus. Known: {known}.{f' The nearest is {near}.' if near else ''}"
    )


def provider_name(typed: str) -> str:
    """The provider of this name.

    Raises:
        InvalidInput: it names the known ones and the nearest.
    """
    plain = typed.casefold().strip()
    if plain in PROVIDERS:
        return plain
    near = nearest(plain, PROVIDERS, cutoff=0.3)
    known = ", ".join(PROVIDERS)
    raise InvalidInput(f"{quoted(typed)} is not a provider. Known: {known}.{f' The nearest is {near}.' if near else ''}")


def features_of(typed: str) -> tuple[str, ...]:
    """The parts of a list with commas (or one to a line)."""
    return tuple(part.strip() for part in re.split(r"[,;\n]", typed) if part.strip())


def setting_name(typed: str) -> str:
    """The name of a setting.

    Raises:
        InvalidInput: it is not one; the message has the name only when it cannot be a secret.
    """
    if SETTING_NAME.fullmatch(typed):
        return typed
    if SETTING_NAME.fullmatch(typed.upper()):
        raise InvalidInput(f"Names of settings are in capitals. Did you mean {typed.upper()}?")
    raise InvalidInput(
        "A setting's name has capital letters, digits and underscores, as in SMTP_URL. "
        'A value with spaces goes in quotes: env set GREETING="good morning"'
    )


def app_name(typed: str) -> str:
    """The name of a new app, as it stands in its address: "Book Shelf" is book-shelf. Nothing where nothing was typed.

    Raises:
        InvalidInput: nothing of it can stand in an address.
    """
    slug = slugify(typed)
    if not typed.strip():
        return ""
    if slug == "app" and typed.strip().casefold() != "app":  # nothing was left of it
        raise InvalidInput(f"{quoted(typed)} has no letter or digit that can stand in an address. A name is like book-shelf.")
    return slug
