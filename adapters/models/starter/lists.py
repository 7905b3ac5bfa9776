"""Lists of things: "clients, invoices with line items" names two, "name, email, phone" names none.

Called by the reader where a list stands after a colon or after "with", to find out whether it says what the app keeps or which fields
something has. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.models.starter import kinds
from adapters.models.starter.fieldwords import KEPT_PLURALS, field, split_list
from adapters.models.starter.naming import singular_phrase
from core.words.plan import FieldType

_SEGMENT = re.compile(
    r"(?:^|,\s*(?:and\s+)?|;\s*|\s+and\s+)(?P<noun>[\w-]{1,40}(?: [\w-]{1,40})?)\s+(?:with|incl(?:uding|\.))\s+", re.I
)
_LEADING = re.compile(r"^(?:(?:a|an|the|its|their|my|our|some|many|multiple|several|list of|lists of|different|all)\s+)+", re.I)
_PER = re.compile(r"\s+(?:per|for each|for every|of each|of a|of the|by)\s+(?:an?\s+)?(?P<parent>[\w-]{1,40})$", re.I)


@dataclass(frozen=True, slots=True)
class Part:
    """One item of a list."""

    text: str  #: as it was written
    noun: str  #: what it is called
    fields: str = ""  #: what is said to belong to it
    parent: str = ""  #: what it is said to belong to

    @property
    def several(self) -> bool:
        """Whether the noun is a plural."""
        return bool(self.noun) and singular_phrase(self.noun.lower()) != self.noun.lower()

    @property
    def is_thing(self) -> bool:
        """Whether it is a thing to keep, and surely no field."""
        if not self.several:
            return False
        one = singular_phrase(self.noun.lower())
        known = kinds.kind(self.noun)
        if self.fields:
            return known is not None or self.noun.lower() not in KEPT_PLURALS
        return known is not None and one not in kinds.FIELD_FIRST and self.noun.lower().split()[-1] not in KEPT_PLURALS

    @property
    def may_be_thing(self) -> bool:
        """Whether it is a thing to keep where its neighbours are."""
        if self.is_thing:
            return True
        if not self.several or len(self.noun.split()) > 2:
            return False
        one = singular_phrase(self.noun.lower())
        if kinds.kind(self.noun) is not None:
            return one not in kinds.FIELD_FIRST or bool(self.fields)
        read = field(self.noun)
        return read is not None and read.type is FieldType.TEXT and self.noun.lower().split()[-1] not in KEPT_PLURALS


def parts(text: str) -> list[Part]:
    """The items of a list, each with what is said of it."""
    text = text.strip()
    starts = [match for match in _SEGMENT.finditer(text) if not _inside_parentheses(text, match.start())]
    if not starts:
        return [_part(item) for item in split_list(text)]
    found = [_part(item) for item in split_list(text[: starts[0].start()])]
    for n, match in enumerate(starts):
        end = starts[n + 1].start() if n + 1 < len(starts) else len(text)
        said = text[match.end() : end].strip(" ,;")
        found.append(Part(text=match[0].strip(" ,;") + " " + said, noun=_LEADING.sub("", match["noun"]).strip(), fields=said))
    return found


def name_things(found: Sequence[Part]) -> bool:
    """Whether the list says what the app keeps, and not which fields something has."""
    sure = sum(part.is_thing for part in found)
    likely = sum(part.may_be_thing for part in found)
    leading = next((n for n, part in enumerate(found) if not part.may_be_thing), len(found))
    if len(found) == 1:
        return bool(sure and found[0].fields)
    return (sure >= 2 and likely * 2 >= len(found)) or (sure >= 1 and likely >= 2 and leading >= 2)


def _part(item: str) -> Part:
    listed = re.fullmatch(r"([^()]+?)\s*\(([^()]*,[^()]*)\)", item)
    noun = _LEADING.sub("", listed[1] if listed else item).strip()
    belongs = _PER.search(noun)
    return Part(
        text=item,
        noun=noun[: belongs.start()] if belongs else noun,
        fields=listed[2] if listed else "",
        parent=belongs["parent"] if belongs else "",
    )


def _inside_parentheses(text: str, at: int) -> bool:
    return text.count("(", 0, at) > text.count(")", 0, at)
