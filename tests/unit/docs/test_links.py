"""Links between documents lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.docs.documents import DOCUMENTS, prose, text

_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#+ (.+)$", re.M)

MAX_PICTURE = 300_000  #: bytes


def links(document: str) -> list[str]:
    return [first or second for first, second in _LINK.findall(prose(document))]


def anchors(document: str) -> set[str]:
    """The anchors of its headings, as code hosts make them."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(prose(document))}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file_or_a_heading(document: Path) -> None:
    for link in links(text(document)):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.is_file(), link
        if anchor:
            assert anchor in anchors(text(target)), link


def test_the_readme_leads_to_the_other_documents() -> None:
    readme, *others = DOCUMENTS
    shown = {(readme.parent / link).resolve() for link in links(text(readme))}
    assert set(others) <= shown


def test_pictures_are_small_and_all_are_shown() -> None:
    pictures = set((DOCUMENTS[0].parent / "docs" / "images").iterdir())
    shown = {(document.parent / link).resolve() for document in DOCUMENTS for link in links(text(document))}
    assert pictures
    assert pictures <= shown
    assert [picture.name for picture in pictures if picture.stat().st_size > MAX_PICTURE] == []
