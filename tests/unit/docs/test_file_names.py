"""Files and folders that the documents name exist, and the map leaves no room out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.docs.documents import DOCUMENTS, ROOT, code_words, text

_PATH = re.compile(r"(?:bot|adapters|core|tests|bench|docs|\.ci)/[\w./<>-]*")


def named_paths(document: str) -> list[str]:
    return [word for word in code_words(document) if _PATH.fullmatch(word) and "<" not in word]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_named_file_exists(document: Path) -> None:
    missing = [name for name in named_paths(text(document)) if not (ROOT / name).exists()]
    assert missing == []


def test_the_architecture_names_many_files() -> None:
    assert len(set(named_paths(text(ROOT / "docs" / "architecture.md")))) > 80


@pytest.mark.parametrize("floor", ["adapters", "core"])
def test_every_room_stands_in_the_house(floor: str) -> None:
    named = set(named_paths(text(ROOT / "docs" / "architecture.md")))
    rooms = {f"{floor}/{path.parent.name}/" for path in (ROOT / floor).glob("*/__init__.py")}
    assert rooms - named == set()


def test_every_port_stands_in_the_table_with_its_fake() -> None:
    named = set(named_paths(text(ROOT / "docs" / "architecture.md")))
    fakes = {path.relative_to(ROOT).as_posix() for path in (ROOT / "core").rglob("fake_*.py")}
    assert fakes
    assert fakes - named == set()
