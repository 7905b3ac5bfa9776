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
from adapters.models.starter.drafts import Draft, as_resources, draft_from_kind, draft_from_noun
from adapters.models.starter.fieldwords import fields, split_list
from adapters.models.starter.grammar import (
    APP_WORDS,
    BOOKED,
    BUILT_IN,
    CONNECTORS,
    DETERMINERS,
    LOOKS,
    NOT_NOUNS,
    SKIMMED,
    STOPPERS,
    UNSUPPORTED,
    VERBS,
)
from adapters.models.starter.look import Look, read_look
from adapters.models.starter.naming import ascii_words, label, singular_phrase
from adapters.models.starter.wishes import ACCOUNTS, about_accounts, accounts, cannot, left_out, without_frameworks
from core.words.plan import Feature, FieldType, Resource

MAX_READ = 4000  #: characters; what comes after is not read
MAX_CLAUSES = 60
MAX_RESOURCES = 8


@dataclass(slots=True)
class Reading:
    """What was understood."""

    title: str
    resources: list[Resource]
    look: Look
    assumptions: list[str] = field(default_factory=list)
    features: list[Feature] = field(default_factory=list)


@dataclass(slots=True)
class _State:
    drafts: list[Draft] = field(default_factory=list)
    title: str = ""
    last: Draft | None = None

    def draft(self, phrase: str) -> Draft | None:
        """The draft that a noun phrase speaks of, if there is one already."""
        wanted = singular_phrase(phrase.lower()) if phrase else ""
        return next((draft for draft in self.drafts if draft.one == wanted or draft.many == phrase.lower()), None)

    def add(self, draft: Draft) -> Draft:
        known = self.draft(draft.one)
        if known is None and len(self.drafts) < MAX_RESOURCES:
            self.drafts.append(draft)
            known = draft
        self.last = known or self.drafts[-1]
        return self.last


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
    text = without_frameworks(text)
    state = _State()
    _read_booking(state, text)
    for clause in _clauses(text)[:MAX_CLAUSES]:
        _read_clause(state, clause)
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
        title=(called or state.title or _title(resources))[:60],
        resources=resources,
        look=look,
        assumptions=assumptions,
        features=[ACCOUNTS, "search"] if with_accounts else ["search"],
    )


def nouns_in(text: str) -> list[Draft]:
    """The things that a short phrase speaks of, for change requests."""
    state = _State()
    _read_clause(state, text)
    return state.drafts


def _title(resources: Sequence[Resource]) -> str:
    labels = [resource.label for resource in resources]
    return (
        labels[0]
        if len(labels) == 1
        else f"{', '.join(labels[:-1])} and {labels[-1].lower()}"
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


def _read_clause(state: _State, clause: str) -> None:
    relation = re.search(
        r"\b(?:an?|each|every|the)?\s*([\w-]{2,40})\s+belongs?\s+to\s+(?:an?|one|the|exactly one|many)?\s*([\w-]{2,40})",
        clause,
        re.I,
    )
    if relation:
        _relate(state, relation[1], relation[2])
        return
    colon = re.search(r":(?!//)", clause)
    if colon and colon.end() < len(clause):
        head, tail = clause[: colon.start()], clause[colon.end() :]
        if any(word.lower() in {"has", "have", "contains", "contain"} for word in tail.split()[1:4]):
            _read_clause(state, head)
            _read_clause(state, tail)
        else:
            _read_colon(state, head, tail)
        return
    listed = re.search(r"([^\W_][\w -]{0,40}?)\s*\(([^()]{1,400},[^()]{1,400})\)", clause)
    if listed and not any(word.lower().strip(",") in CONNECTORS for word in clause[: listed.start(2)].split()):
        found = _heads(state, clause[: listed.start(2) - 1])
        if found:
            _extend(state, found[-1], listed[2], exact=True)
            return
    words = clause.split()
    at = next((n for n, word in enumerate(words) if n > 0 and word.lower().strip(",") in CONNECTORS), None)
    if at is None:
        if words and words[0].lower() in CONNECTORS:
            _extend(state, state.last, " ".join(words[1:]), exact=False)
        else:
            _heads(state, clause)
        return
    word = words[at].lower().strip(",")
    head, tail = " ".join(words[:at]), " ".join(words[at + 1 :])
    tail = re.sub(
        r"^(?:of|the following|following|fields?|columns?|things like|such as|information like|these)\s*(?:fields?|columns?|"
        r"named|called)?\s+",
        "",
        tail,
        flags=re.I,
    )
    found = _heads(state, head)
    exact = word in {"has", "have", "contains", "contain", "consists", "stores"} or bool(
        re.match(r"(?:the\s+)?(?:fields?|columns?)\b", " ".join(words[at + 1 :]), re.I)
    )
    target = found[-1] if found else (state.last if not words[0].lower().startswith("i") or at > 1 else None)
    _extend(state, target, tail, exact=exact, peers=len(found) != 1)


def _read_colon(state: _State, head: str, tail: str) -> None:
    connector = next((n for n, word in enumerate(head.split()) if word.lower() in CONNECTORS), None)
    words = head.split()
    generic = re.search(
        r"\b(?:fields?|columns?|attributes?|properties|data|features?|requirements?|details|campos|felder|champs)\s*(?:are|is|"
        r"should be)?\s*$",
        head,
        re.I,
    )
    subject = (
        " ".join(words[:connector])
        if connector is not None
        else re.sub(r"\b(?:fields?|columns?|attributes?|properties)\b.*$", "", head, flags=re.I)
        if generic
        else head
    )
    found = _heads(state, subject, lenient=generic is None)
    exact = generic is None or not re.search(r"features?|requirements?", generic[0], re.I)
    if (
        re.search(r"\b(?:keep|track|store|manage|have|need|want|things|following|resources|tables|entities)\s*$", head, re.I)
        and not found
    ):
        _heads(state, "track " + tail)
        return
    target = found[-1] if found else state.last
    if target is None and generic is not None and exact and fields(tail):
        target = state.add(Draft(one="item", many="items", label="Items"))
    _extend(state, target, tail, exact=exact)


def _extend(state: _State, target: Draft | None, tail: str, *, exact: bool, peers: bool = False) -> None:
    """Give ``target`` what a list names: fields, and the known kinds of thing that hang on it."""
    if target is None:
        _heads(state, tail)
        return
    kept: list[str] = []
    for item in split_list(re.sub(r"\b(?:so that|so I|because|which (?:I|we)|that (?:I|we))\b.*$", "", tail)):
        bare = re.sub(r"\s*[(\[].*$", "", item).strip()
        bare = re.sub(
            r"^(?:(?:a|an|the|its|their|optional|some|many|multiple|several|list of|lists of)\s+)+", "", bare, flags=re.I
        )
        if not exact and (
            LOOKS.search(bare) or BUILT_IN.fullmatch(bare) or any(re.fullmatch(pattern, bare, re.I) for pattern, _ in UNSUPPORTED)
        ):
            continue
        known = kinds.kind(bare) if bare and len(bare.split()) <= 3 else None
        one = singular_phrase(bare.lower()) if bare else ""
        if known is not None and state.draft(one) is target and one != bare.lower():
            continue
        if known is not None and one not in kinds.FIELD_FIRST and (one != bare.lower() or one in kinds.CHILDREN):
            other = state.add(draft_from_kind(known))
            if other is not target:
                if known.one in kinds.GROUPS:
                    target.link(other.one)
                elif not peers and (known.one in kinds.CHILDREN or not target.suite):
                    other.link(target.one, required=known.one in kinds.CHILDREN)
                state.last = target
        else:
            kept.append(item)
    named = fields(",".join(kept))
    # Words of another language do not meet the dictionary's English fields, so a list with a text in it is the whole list.
    exact = exact or (target.foreign and any(one.type is FieldType.TEXT for one in named))
    target.name_fields(named, exact=exact)
    state.last = target


def _relate(state: _State, child: str, parent: str) -> None:
    for word in (parent, child):
        if state.draft(word) is None and word.lower() not in NOT_NOUNS:
            known = kinds.kind(word)
            state.add(draft_from_kind(known) if known else draft_from_noun(word))
    below, above = state.draft(child), state.draft(parent)
    if below is not None and above is not None:
        below.link(above.one)


def _heads(state: _State, text: str, *, lenient: bool = False) -> list[Draft]:
    """The things that a phrase without a list of fields names; they are added to the state."""
    words = [word.strip(".()[]\"'“”‘’`") for word in text.replace("/", " ").replace(",", " , ").split()]
    words = [word for word in words if word]
    lowered = [word.lower() for word in words]
    if not words:
        return []
    found = _suites(state, lowered)
    verb = next((n for n, word in enumerate(lowered) if word in VERBS and n + 1 < len(lowered)), None)
    if found:
        return found
    if verb is not None:
        rest = verb + 1
        while (
            rest < len(lowered)
            and lowered[rest] in {"track", "of", "tabs", "on", "notes", "record"}
            and lowered[rest - 1] in {"keep", "keeping", "keeps", "track", "tabs", "record", "notes"}
        ):
            rest += 1
        found = _phrases(state, words[rest:], trusted=True)
    if not found:
        app = next((n for n, word in enumerate(lowered) if word in APP_WORDS and n > 0), None)
        if app is not None:
            start = app
            while start > 0 and lowered[start - 1] not in STOPPERS | {
                "a",
                "an",
                "the",
                "me",
                "my",
                "our",
                "build",
                "create",
                "make",
                "want",
                "need",
            }:
                start -= 1
            found = _phrases(state, words[start:app], trusted=True)
        at = next((n for n, word in enumerate(lowered) if word in APP_WORDS), None)
        if (
            not found
            and at is not None
            and at + 2 < len(lowered)
            and lowered[at + 1] in {"for", "of", "about", "to", "für", "para", "de", "pour"}
        ):
            found = _phrases(state, words[at + 2 :], trusted=lowered[at + 1] != "to")
    if not found and (not state.drafts or lenient or len(words) <= 4):
        short = len([word for word in lowered if word not in DETERMINERS]) <= 3
        found = _phrases(state, words, trusted=lenient and short, plural_only=short)
    return found


def _suites(state: _State, words: list[str]) -> list[Draft]:
    """Kinds of apps with a name of their own: "blog", "shopping list"."""
    before = next(
        (n for n, word in enumerate(words) if word in STOPPERS - {"of"} and n > 0 and words[n - 1] not in {"app", "application"}),
        len(words),
    )
    for length in (3, 2, 1):
        for start in range(min(before, len(words) - length + 1)):
            phrase = " ".join(words[start : start + length])
            known = kinds.suite(phrase)
            if known is None or (length == 1 and start and words[start - 1] in VERBS and kinds.kind(phrase)):
                continue
            title, names = known
            drafts = [draft_from_kind(made, suite=True) for made in map(kinds.kind, names) if made is not None]
            if not state.drafts and not state.title:
                state.title = title
            return [state.add(draft) for draft in drafts][:1] if len(drafts) == 1 else [state.add(draft) for draft in drafts]
    return []


def _phrases(state: _State, words: list[str], *, trusted: bool, plural_only: bool = False) -> list[Draft]:
    """Noun phrases joined by commas and "and", up to the first preposition. ``trusted`` says that unknown nouns count too."""
    stop = next((n for n, word in enumerate(words) if word.lower() in STOPPERS and n > 0), len(words))
    found: list[Draft] = []
    for item in split_list(" ".join(words[:stop])):
        chunk = [word for word in item.split() if word.lower() not in DETERMINERS]
        draft = _noun(state, chunk, trusted=trusted, plural_only=plural_only)
        if draft is not None:
            found.append(state.add(draft))
    return found


def _noun(state: _State, chunk: list[str], *, trusted: bool, plural_only: bool) -> Draft | None:
    lowered = [word.lower() for word in chunk]
    while lowered and lowered[-1] in APP_WORDS and len(lowered) > 1 and kinds.kind(" ".join(lowered[-2:])) is None:
        lowered.pop()
        chunk = chunk[: len(lowered)]
    for length in (3, 2, 1):
        for start in range(len(lowered) - length, -1, -1):
            phrase = " ".join(lowered[start : start + length])
            if (existing := state.draft(phrase)) is not None:
                return existing
            known = kinds.kind(phrase)
            if known is not None:
                draft = draft_from_kind(known)
                draft.foreign = kinds.is_foreign(phrase)
                return draft
    if not lowered or lowered[-1] in NOT_NOUNS or not re.search(r"[^\W\d_]{2}", lowered[-1]) or len(lowered[-1]) > 30:
        return None
    several = singular_phrase(lowered[-1]) != lowered[-1]
    if trusted or (
        plural_only and several and len(lowered) <= 2 and lowered[-1].isalpha() and re.search(r"[aeiouy]", lowered[-1])
    ):
        noun = " ".join(chunk[-2:]) if len(chunk) > 1 and chunk[-2].lower() not in NOT_NOUNS | VERBS | STOPPERS else chunk[-1]
        return draft_from_noun(noun) if ascii_words(noun) else None
    return None


def _read_booking(state: _State, text: str) -> None:
    """What people book or reserve, and the bookings."""
    booked = BOOKED.search(text)
    made = kinds.kind("booking")
    if booked and made is not None:
        thing = kinds.kind(booked[1])
        draft = state.add(draft_from_kind(thing) if thing else draft_from_noun(booked[1]))
        state.add(draft_from_kind(made)).link(draft.one, required=True)


def _skim(state: _State, text: str) -> None:
    """Where no sentence has a known shape: the first known things that the text mentions in the plural."""
    for word in re.findall(r"[^\W\d_]{3,30}", text):
        one = singular_phrase(word.lower())
        known = kinds.kind(word)
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


def _read_features(state: _State, features: Sequence[str]) -> tuple[bool, list[str]]:
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
        known = kinds.kind(feature.strip())
        if impossible:
            ignored += impossible
        elif state.drafts and (read_fields or known) and len(feature.split()) <= 4:
            _extend(state, state.last or state.drafts[0], feature, exact=False)
        else:
            ignored.append(cannot(label(feature).lower() or "a feature"))
    return wanted, ignored
