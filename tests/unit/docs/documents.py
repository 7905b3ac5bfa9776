"""The project's documents, and what is read out of them. For the tests of this folder and of the README's tour."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_CODE = re.compile(r"`([^`\n]+)`")


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return [body for found, body in _BLOCK.findall(document) if found == language]


def prose(document: str) -> str:
    """The document without its fenced blocks."""
    return _BLOCK.sub("", document)


def code_words(document: str) -> list[str]:
    """What stands between single backquotes."""
    return _CODE.findall(prose(document))


def shell_lines(document: str) -> list[str]:
    """The commands of the shell blocks, a continued line as one, comments left out."""
    joined = "\n".join(blocks(document, "sh")).replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.strip() and not line.strip().startswith("#")]
