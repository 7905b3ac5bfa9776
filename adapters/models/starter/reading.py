"""Reads a description: which things the app keeps, and which fields they have. Pure, and quick for any text.

No language model: a small grammar ("track X with a, b and c", "X: a, b, c", "each X has a and b", "an X app with …", "X and
Y for Z") over a dictionary of usual kinds. What it cannot read becomes a plain list of items, and it says so. A description
is only ever read for words; nothing in it is followed as an instruction.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.models.starter import kinds
from adapters.models.starter.clauses import State, extend, read_clause
from adapters.models.starter.drafts import Draft, as_resources, draft_from_kind, draft_from_noun
from adapters.models.starter.fieldwords import fields
from adapters.models.starter.grammar import (
    BOOKED,
    BUILT_IN,
    CONNECTORS,
    DETERMINERS,
    HEADWORDS,
    SKIMMED,
    STOPPERS,
    VERBS,
)
from adapters.models.starter.look import Look, read_look
from adapters.models.starter.naming import label, singular_phrase
from adapters.models.starter.phrasing import plain
from adapters.models.starter.wishes import ACCOUNTS, about_accounts, accounts, cannot, left_out, without_frameworks
from core.words.plan import Feature, Resource

MAX_READ = 4000  #: characters; what comes after is not read
MAX_CLAUSES = 60


@dataclass(slots=True)
class Reading:
    """What was understood."""

    title: str
    resources: list[Resource]
    look: Look
    assumptions: list[str] = field(default_factory=list)
    features: list[Feature] = field(default_factory=list)


def has_words(text: str) -> bool:
    """Whether there is a letter or digit of any script at all."""
    return any(unicodedata.category(character)[0] in "LN" for character in text)


def read(description: str, features: Sequence[str] = (), styling: str = "") -> Reading:
    """The app that a description asks for. ``description`` must have at least one letter or digit."""
    assumptions: list[str] = []
    text = unicodedata.normalize(
        "NFC",
        "".join(
            c if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"} or c in "\n\t" else " "
            for c in description[: MAX_READ * 2]
        ),
    )
    if len(description) > MAX_READ:
        assumptions.append(f"Only the first {MAX_READ:,} characters of the description were read.")
    text, called = _called(text[:MAX_READ])
    wishes = " ".join([text, *(str(feature) for feature in features)])
    text, signing = accounts(text)
    text = plain(without_frameworks(text))
    state = State()
    _read_booking(state, text)
    for clause in _clauses(text)[:MAX_CLAUSES]:
        read_clause(state, clause)
    if not state.drafts:
        _skim(state, text)
    with_accounts, ignored = _read_features(state, features)
    with_accounts = with_accounts or signing is True

    if not state.drafts:
        shown = label(" ".join(re.findall(r"[^\W_]+", text)[:6])) or "Items"
        state.title = shown[:60]
        state.drafts.append(Draft(one="item", many="items", label="Items", fields=fields("title (required), notes, done")))
        assumptions.append(
            "The description names nothing that the starter knows, so the app keeps a plain list of items. Reply with what it "
            "should keep, such as “recipes with ingredients”."
        )
    if any(draft.foreign for draft in state.drafts):
        assumptions.append("The page is in English.")
    resources = as_resources(state.drafts)
    for resource in resources:
        guessed = next(draft for draft in state.drafts if draft.name == resource.name)
        if not guessed.explicit:
            assumptions.append(
                f"{resource.label} have these fields, because none were named: "
                f"{', '.join((f.label or f.name).lower() for f in resource.fields)}."
            )
    kept = [words for resource in resources for words in (resource.label, resource.singular, *(f.label for f in resource.fields))]
    assumptions += about_accounts(wishes) if with_accounts else []
    assumptions += dict.fromkeys([*left_out(text, kept), *ignored])
    look = read_look(styling, read_look(text), styling=True)
    if styling.strip() and look == read_look(text):
        assumptions.append("The styling was not understood; the starter knows colour names, light and dark.")
    return Reading(
        title=(called or state.title or _headline(text) or _title(resources))[:60],
        resources=resources,
        look=look,
        assumptions=assumptions,
        features=[ACCOUNTS, "search"] if with_accounts else ["search"],
    )


def nouns_in(text: str) -> list[Draft]:
    """The things that a short phrase speaks of, for change requests."""
    state = State()
    read_clause(state, text)
    return state.drafts


def _headline(text: str) -> str:
    """What the description calls the app in its first words: "a car maintenance log with …"."""
    first = re.match(r"[^.:;!?,\n(]{3,80}", text.strip())
    spoken = first[0].split() if first else []
    while spoken and (
        spoken[0].lower() in DETERMINERS or spoken[0].lower() in {"build", "make", "create", "me", "i", "want", "need"}
    ):
        spoken.pop(0)
    stop = next(
        (n for n, word in enumerate(spoken) if word.lower() in STOPPERS | CONNECTORS | VERBS - HEADWORDS | {"and"}), len(spoken)
    )
    phrase = spoken[:stop]
    if (
        2 <= len(phrase) <= 4
        and phrase[-1].lower() in HEADWORDS
        and all(re.fullmatch(r"[^\W\d_][\w'-]*", word) for word in phrase)
    ):
        return label(" ".join(phrase))
    return ""


def _title(resources: Sequence[Resource]) -> str:
    labels = [resource.label for resource in resources]
    return (
        labels[0]
        if len(labels) == 1
        else f"{', '.join([labels[0], *(one.lower() for one in labels[1:-1])])} and {labels[-1].lower()}"
        if len(labels) < 4
        else f"{labels[0]} and more"
    )


def _called(text: str) -> tuple[str, str]:
    """Take a given name (called "X", named X) out of the text."""
    quoted = re.search(
        r"\b(?:called|named|titled|namens|llamad[ao]|appelée?)\s*[:]?\s*[\"“'‘«]([^\"”'’»\n]{1,60})[\"”'’»]", text, re.I
    )
    if quoted is None:
        quoted = re.search(r"\b(?:called|titled|named)\s+((?:[A-Z][\w'-]{0,30})(?:\s+[A-Z][\w'-]{0,30}){0,4})", text)
    if quoted is None:
        return text, ""
    name = " ".join(re.sub(r"[<>]", "", quoted[1]).split())
    return text[: quoted.start()] + " " + text[quoted.end() :], name


def _clauses(text: str) -> list[str]:
    """Sentences; bullets after a colon become one list."""
    text = re.sub(r":[ \t]*\n\s*(?:[-*•–]|\d{1,2}[.)])[ \t]+", ": ", text)
    text = re.sub(r"\n\s*(?:[-*•–]|\d{1,2}[.)])[ \t]+", ", ", text)
    return [clause.strip(" \t,") for clause in re.split(r"[!?;\n。！？]+|\.(?=\s|$)", text) if clause.strip(" \t,.")]


def _read_booking(state: State, text: str) -> None:
    """What people book or reserve, and the bookings."""
    booked = BOOKED.search(text)
    made = state.kind("booking")
    if booked and made is not None:
        thing = state.kind(booked[1])
        draft = state.add(draft_from_kind(thing) if thing else draft_from_noun(booked[1]))
        state.add(draft_from_kind(made)).link(draft.one, required=True)


def _skim(state: State, text: str) -> None:
    """Where no sentence has a known shape: the first known things that the text mentions in the plural."""
    for word in re.findall(r"[^\W\d_]{3,30}", text):
        one = singular_phrase(word.lower())
        known = state.kind(word)
        if (
            known is not None
            and (one != word.lower() or kinds.is_foreign(word))
            and one not in kinds.FIELD_FIRST
            and one not in SKIMMED
            and len(state.drafts) < 2
        ):
            draft = draft_from_kind(known)
            draft.foreign = kinds.is_foreign(word)
            state.add(draft)


def _read_features(state: State, features: Sequence[str]) -> tuple[bool, list[str]]:
    """Whether accounts are wished for, and a sentence for each feature that is left out. Those that are fields or known kinds are made;
    what is built in needs nothing."""
    wanted, ignored = False, []
    for feature in [str(item)[:120].replace("_", " ") for item in features[:20]]:
        if not has_words(feature) or BUILT_IN.search(feature):
            continue
        if accounts(feature)[1]:
            wanted = True
            continue
        impossible = left_out(feature)
        read_fields = [one for one in fields(feature) if one.type.value != "text" or one.name in {"tags", "category", "phone"}]
        known = state.kind(feature.strip())
        if impossible:
            ignored += impossible
        elif state.drafts and (read_fields or known) and len(feature.split()) <= 4:
            extend(state, state.last or state.drafts[0], feature, exact=False)
        else:
            ignored.append(cannot(label(feature).lower() or "a feature"))
    return wanted, ignored
