"""The grammar of a sentence: "track X with a, b and c", "X: a, b, c", "each X has a and b", "an X app with …", "X and Y for Z".

Called by `reading`, sentence by sentence; what is understood is gathered in a `State`. It asks the dictionary (`kinds`) what things usually
are, and leaves alone what it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.models.starter import kinds
from adapters.models.starter.drafts import Draft, draft_from_kind, draft_from_noun
from adapters.models.starter.fieldwords import KEPT_PLURALS, fields, split_list
from adapters.models.starter.grammar import (
    APP_WORDS,
    BUILT_IN,
    CONNECTORS,
    DETERMINERS,
    HEADWORDS,
    LOOKS,
    NOT_NOUNS,
    STOPPERS,
    UNSUPPORTED,
    VERBS,
)
from adapters.models.starter.lists import Part, name_things, parts
from adapters.models.starter.naming import ascii_words, label, singular_phrase
from core.words.plan import FieldType

MAX_RESOURCES = 8


@dataclass(slots=True)
class State:
    drafts: list[Draft] = field(default_factory=list)
    title: str = ""
    last: Draft | None = None

    def draft(self, phrase: str) -> Draft | None:
        """The draft that a noun phrase speaks of, if there is one already."""
        wanted = singular_phrase(phrase.lower()) if phrase else ""
        exact = next((draft for draft in self.drafts if draft.one == wanted or draft.many == phrase.lower()), None)
        if exact is not None or " " in wanted or not wanted:
            return exact
        return next((draft for draft in self.drafts if draft.suite and draft.one.endswith(f" {wanted}")), None)

    def kind(self, phrase: str) -> kinds.Kind | None:
        """The known kind of that name, beside what there is already."""
        return kinds.kind(phrase, [draft.one for draft in self.drafts])

    def add(self, draft: Draft) -> Draft:
        known = self.draft(draft.one)
        if known is None and len(self.drafts) < MAX_RESOURCES:
            self.drafts.append(draft)
            known = draft
        self.last = known or self.drafts[-1]
        return self.last


def read_clause(state: State, clause: str) -> None:
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
            read_clause(state, head)
            read_clause(state, tail)
        else:
            _read_colon(state, head, tail)
        return
    inside = re.search(r"([^\W_][\w -]{0,40}?)\s*\(([^()]{1,400},[^()]{1,400})\)", clause)
    if inside and not any(word.lower().strip(",") in CONNECTORS for word in clause[: inside.start(2)].split()):
        found = _heads(state, clause[: inside.start(2) - 1])
        if found:
            extend(state, found[-1], inside[2], exact=True)
            return
    words = clause.split()
    at = next((n for n, word in enumerate(words) if n > 0 and word.lower().strip(",") in CONNECTORS), None)
    if at is None:
        if words and words[0].lower() in CONNECTORS:
            extend(state, state.last, " ".join(words[1:]), exact=False)
        else:
            _group(state, clause, _heads(state, clause))
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
    before = list(state.drafts)
    found = _heads(state, head)
    _group(state, head, found)
    listed = parts(tail)
    new = [draft for draft in found if draft not in before]
    if len(listed) > 1 and name_things(listed) and (any(part.fields for part in listed) or _is_container(head, found, listed)):
        _things(state, listed, [draft for draft in new if not draft.suite and not _is_named(draft, head)], beside=found)
        return
    exact = word in {"has", "have", "contains", "contain", "consists", "stores"} or bool(
        re.match(r"(?:the\s+)?(?:fields?|columns?)\b", " ".join(words[at + 1 :]), re.I)
    )
    target = found[-1] if found else (state.last if not words[0].lower().startswith("i") or at > 1 else None)
    extend(state, target, tail, exact=exact, peers=len(found) != 1)


def _is_named(draft: Draft, text: str) -> bool:
    """Whether the text speaks of these things, and not only of something in the singular that has them: "a league with teams"."""
    return re.search(rf"\b{re.escape(draft.many.split()[-1])}\b", text, re.I) is not None and draft.many != draft.one


def _is_container(head: str, found: Sequence[Draft], listed: Sequence[Part]) -> bool:
    """Whether what has the list is the app itself: "a conference with speakers, talks and rooms", but not "a project tracker with …"."""
    spoken = {word.lower() for word in re.findall(r"[\w-]+", head)}
    return (
        all(part.may_be_thing for part in listed)
        and not spoken & APP_WORDS
        and not any(draft.suite or _is_named(draft, head) for draft in found)
    )


def nouns_of(text: str) -> list[str]:
    """The words of a short phrase, without the small ones at its beginning; none where it is a sentence."""
    spoken = text.split()
    while spoken and spoken[0].lower() in DETERMINERS:
        spoken.pop(0)
    while spoken and spoken[-1].lower() in {"app", "application"}:
        spoken.pop()
    plain_words = all(re.fullmatch(r"[^\W\d_][\w'-]*", word) for word in spoken)
    return spoken if plain_words and not {word.lower() for word in spoken} & (STOPPERS | VERBS - HEADWORDS | NOT_NOUNS) else []


def _things(state: State, listed: Sequence[Part], dropped: Sequence[Draft], beside: Sequence[Draft] = ()) -> list[Draft]:
    """Keep what a list names, each with its own fields; what is said at the end of such a list is said of what it turns on."""
    made: list[Draft] = []
    left: list[str] = []
    for part in listed:
        chunk = [word for word in part.noun.split() if word.lower() not in DETERMINERS]
        generic = next(
            (d for d in (*dropped, *beside) if d.suite and singular_phrase(part.noun.lower()) in kinds.GENERIC.get(d.one, ())),
            None,
        )
        if not part.may_be_thing or not chunk:
            left.append(part.text)
            continue
        if generic is not None:
            generic.rename(singular_phrase(part.noun.lower()))
        draft = generic or _noun(state, chunk, trusted=True, plural_only=False)
        if draft is None:
            left.append(part.text)
            continue
        draft = state.add(draft)
        made.append(draft)
        if part.fields:
            extend(state, draft, part.fields, exact=False)
        if part.parent:
            _group(state, f"x per {part.parent}", [draft])
    said = " ".join(part.text for part in listed)
    for draft in dropped:
        if draft not in made and not _is_named(draft, said):
            _forget(state, draft, made)
    if made and left:
        target = next((draft for draft in made if draft.one in kinds.TRANSACTIONS), made[-1])
        extend(state, target, ", ".join(left), exact=False)
    state.last = made[-1] if made else state.last
    return made


def _forget(state: State, draft: Draft, made: Sequence[Draft]) -> None:
    """Let a draft go that only stood for the things that were named now; what hung on it hangs on what takes its place."""
    if not made:
        return
    state.drafts = [other for other in state.drafts if other is not draft]
    for other in state.drafts:
        other.links.pop(draft.one, None)


_PER = re.compile(
    r"(?<!sort )(?<!sorted )(?<!search )(?<!filter )(?<!filtered )\b(?:per|by|for each|for every|grouped by)\s+(?:an?\s+)?([\w-]+)",
    re.I,
)


def _group(state: State, text: str, found: Sequence[Draft]) -> None:
    """ "expenses by category", "workouts per client": what they are grouped by is a thing of its own."""
    match = _PER.search(text)
    if match is None or not found:
        return
    one = singular_phrase(match[1].lower())
    known = state.kind(one)
    if known is None or (one not in kinds.GROUPS and state.draft(one) is None and "per" not in match[0].lower()[:4]):
        return
    child = found[-1]
    parent = state.draft(one) or state.add(draft_from_kind(known))
    child.link(parent.one)
    state.last = child


def _read_colon(state: State, head: str, tail: str) -> None:
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
    listed = parts(tail)
    if generic is None and name_things(listed):
        before = list(state.drafts)
        found = _heads(state, subject, lenient=True)
        things = _things(state, listed, [draft for draft in found if draft not in before and not _is_named(draft, subject)])
        if things and not state.title and not before and 1 <= len(bare := nouns_of(subject)) <= 3:
            state.title = label(" ".join(bare))
        return
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
    extend(state, target, tail, exact=exact)


def extend(state: State, target: Draft | None, tail: str, *, exact: bool, peers: bool = False) -> None:
    """Give ``target`` what a list names: fields, and the known kinds of thing that hang on it."""
    if target is None:
        _heads(state, tail)
        return
    kept: list[str] = []
    counts = exact and not any(part.is_thing for part in parts(tail))
    for item in split_list(re.sub(r"\b(?:so that|so I|because|which (?:I|we)|that (?:I|we))\b.*$", "", tail)):
        bare = re.sub(r"\s*[(\[].*$", "", item).strip()
        bare = re.sub(
            r"^(?:(?:a|an|the|its|their|optional|some|many|multiple|several|list of|lists of)\s+)+", "", bare, flags=re.I
        )
        if not exact and (
            LOOKS.search(bare) or BUILT_IN.fullmatch(bare) or any(re.fullmatch(pattern, bare, re.I) for pattern, _ in UNSUPPORTED)
        ):
            continue
        known = state.kind(bare) if bare and len(bare.split()) <= 3 else None
        one = singular_phrase(bare.lower()) if bare else ""
        there = state.draft(bare) if bare else None
        several = one != bare.lower()
        if there is not None and (several if there is target else several or (there.part and target.part)):
            if there is not target and not peers and there.one in kinds.GROUPS:
                target.link(there.one)
            continue
        if known is not None and target.suite and one != bare.lower() and one in kinds.GENERIC.get(target.one, ()):
            target.rename(known.one)
            continue
        if counts and several and bare.lower() in KEPT_PLURALS and there is None:
            kept.append(item)
            continue
        if known is not None and one not in kinds.FIELD_FIRST and (one != bare.lower() or one in kinds.CHILDREN):
            other = state.add(draft_from_kind(known))
            if other is not target:
                if kinds.groups(known.one, target.one):
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


def _relate(state: State, child: str, parent: str) -> None:
    for word in (parent, child):
        if state.draft(word) is None and word.lower() not in NOT_NOUNS:
            known = state.kind(word)
            state.add(draft_from_kind(known) if known else draft_from_noun(word))
    below, above = state.draft(child), state.draft(parent)
    if below is not None and above is not None:
        below.link(above.one)


def _heads(state: State, text: str, *, lenient: bool = False) -> list[Draft]:
    """The things that a phrase without a list of fields names; they are added to the state."""
    words = [word.strip(".()[]\"'“”‘’`") for word in text.replace("/", " ").replace(",", " , ").split()]
    words = [word for word in words if word]
    lowered = [word.lower() for word in words]
    if not words:
        return []
    found = _suites(state, lowered)
    verbs = [n for n, word in enumerate(lowered) if word in VERBS and n + 1 < len(lowered)]
    if found:
        return found
    for verb in reversed(verbs):
        rest = verb + 1
        while (
            rest < len(lowered)
            and lowered[rest] in {"track", "of", "tabs", "on", "notes", "record"}
            and lowered[rest - 1] in {"keep", "keeping", "keeps", "track", "tabs", "record", "notes"}
        ):
            rest += 1
        found = _phrases(state, words[rest:], trusted=verb == verbs[0])
        if found:
            break
    if not found:
        app = next(
            (
                n
                for n, word in enumerate(lowered)
                if word in APP_WORDS and n > 0 and kinds.kind(" ".join(lowered[n - 1 : n + 1])) is None
            ),
            None,
        )
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


def _suites(state: State, words: list[str]) -> list[Draft]:
    """Kinds of apps with a name of their own: "blog", "shopping list"."""
    before = next(
        (n for n, word in enumerate(words) if word in STOPPERS - {"of"} and n > 0 and words[n - 1] not in {"app", "application"}),
        len(words),
    )
    for length in (3, 2, 1):
        for start in range(min(before, len(words) - length + 1)):
            phrase = " ".join(words[start : start + length])
            known = kinds.suite(phrase)
            if known is None or (length == 1 and start and words[start - 1] in VERBS and state.kind(phrase)):
                continue
            title, names = known
            if not state.drafts and not state.title:
                state.title = title
            found = []
            for name in names:
                one, _, parent = name.rstrip("!").partition(">")
                made = kinds.kind(one)
                if made is not None:
                    draft = state.add(draft_from_kind(made, suite=True))
                    draft.part = len(names) > 1
                    found.append(draft)
                    if parent:
                        draft.link(parent, required=name.endswith("!"))
            return found
    return []


def _phrases(state: State, words: list[str], *, trusted: bool, plural_only: bool = False) -> list[Draft]:
    """Noun phrases joined by commas and "and", up to the first preposition. ``trusted`` says that unknown nouns count too."""
    stop = next((n for n, word in enumerate(words) if word.lower() in STOPPERS and n > 0), len(words))
    found: list[Draft] = []
    for item in split_list(" ".join(words[:stop])):
        chunk = [word for word in item.split() if word.lower() not in DETERMINERS]
        draft = _noun(state, chunk, trusted=trusted, plural_only=plural_only)
        if draft is not None:
            found.append(state.add(draft))
    return found


def _noun(state: State, chunk: list[str], *, trusted: bool, plural_only: bool) -> Draft | None:
    lowered = [word.lower() for word in chunk]
    while lowered and lowered[-1] in APP_WORDS and len(lowered) > 1 and state.kind(" ".join(lowered[-2:])) is None:
        lowered.pop()
        chunk = chunk[: len(lowered)]
    for length in (3, 2, 1):
        for start in range(len(lowered) - length, -1, -1):
            phrase = " ".join(lowered[start : start + length])
            if (existing := state.draft(phrase)) is not None:
                return existing
            known = state.kind(phrase)
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
