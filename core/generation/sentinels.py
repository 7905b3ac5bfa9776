"""The format in which a model writes files: raw text between sentinels that carry a nonce of the request.

Used by the prompts (to ask for it), the parser (to read it) and the models that are programs (to write it). Raw text because JSON
is a poor container for code: quoting damages it, and a cut answer loses the half-written file. The nonce is fresh for every request,
so no text that was written before it can open or close a file.

Three blocks: a whole file, an exact edit of one (text that occurs once, and what stands there instead), and the removal of one.
An edit is not a diff: models miscount lines and context, while a text that must occur exactly once either applies or does not.
"""

from __future__ import annotations

import re
import secrets

MAX_HEADER_PATH = 400  #: characters between the opening mark and ``>>>``; a longer one is just text
OPENING = re.compile(r"^<<<file:(?P<nonce>[0-9a-f]+) (?P<path>[^\n]+?)>>>", re.MULTILINE)
CLOSING = re.compile(r"<<<end:(?P<nonce>[0-9a-f]+)>>>")


def new_nonce() -> str:
    """64 random bits, as hex."""
    return secrets.token_hex(8)


def opening(nonce: str) -> str:
    """What stands before a path, at the start of a line; ``>>>`` follows the path."""
    return f"<<<file:{nonce} "


def closing(nonce: str) -> str:
    """What stands after a file's content."""
    return f"<<<end:{nonce}>>>"


def edit_opening(nonce: str) -> str:
    """What stands before the path of a file that is edited; ``>>>`` follows the path, `closing` ends the edit."""
    return f"<<<edit:{nonce} "


def finding(nonce: str) -> str:
    """What stands on the line before the text that is looked for."""
    return f"<<<find:{nonce}>>>"


def replacing(nonce: str) -> str:
    """What stands on the line between the text that is looked for and the one that replaces it."""
    return f"<<<with:{nonce}>>>"


def removal(nonce: str) -> str:
    """What stands before the path of a file that is removed; ``>>>`` follows, and that is all."""
    return f"<<<delete:{nonce} "


def emit(path: str, content: str, nonce: str) -> str:
    """One file in the format; the parser gives back exactly this content."""
    return f"{opening(nonce)}{path}>>>\n{content}\n{closing(nonce)}\n"


def emit_edit(path: str, search: str, replacement: str, nonce: str) -> str:
    """One edit in the format."""
    return f"{edit_opening(nonce)}{path}>>>\n{finding(nonce)}\n{search}\n{replacing(nonce)}\n{replacement}\n{closing(nonce)}\n"


def emit_removal(path: str, nonce: str) -> str:
    """One removal in the format."""
    return f"{removal(nonce)}{path}>>>\n"
