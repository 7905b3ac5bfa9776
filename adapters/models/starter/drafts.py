"""A resource while it is being read: fields are named, kinds fill the gaps, links become references at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.models.starter.fieldwords import fields
from adapters.models.starter.kinds import CHILDREN, Kind
from adapters.models.starter.naming import OWN_COLUMNS, distinct, field_name, label, plural_phrase, resource_name, singular_phrase
from core.words.plan import FieldType, Resource, ResourceField

MAX_FIELDS = 24
_TITLES = frozenset(
    {
        "title",
        "name",
        "subject",
        "question",
        "headline",
        "number",
        "label",
        "text",
        "customer",
        "description",
        "first_name",
        "full_name",
        "destination",
    }
)


@dataclass(slots=True)
class Draft:
    """A resource in the making; ``one`` and ``many`` are phrases of people."""

    one: str
    many: str
    label: str
    fields: list[ResourceField] = field(default_factory=list)  #: those that it has in any case
    extra: Sequence[ResourceField] = ()  #: those that it has while none were named
    links: dict[str, bool] = field(default_factory=dict)  #: other drafts' ``one``, and whether the link is required
    suite: bool = False  #: named as a part of a kind of app
    child: bool = False
    foreign: bool = False  #: named by a word of another language
    explicit: bool = False  #: the description named its fields
    name: str = ""

    def link(self, one: str, *, required: bool = False) -> None:
        if one != self.one:
            self.links[one] = self.links.get(one, False) or required

    def name_fields(self, named: Sequence[ResourceField], *, exact: bool) -> None:
        """Take the fields that the description names; ``exact`` says that they are all there are."""
        if not named:
            return
        own = [one for one in named if one.name not in OWN_COLUMNS]
        if any(one.type is FieldType.DATE for one in [*own, *self.fields]):  # a time of day beside a date is no second date
            own = [
                one.model_copy(update={"type": FieldType.TEXT}) if one.name in {"time", "start_time", "end_time"} else one
                for one in own
            ]
        has_text = any(one.type is FieldType.TEXT for one in own)
        titled = any(one.name in _TITLES for one in own)
        exact = exact or (titled and len(own) > 1)  # who names even the title means the whole list
        if exact and not self.explicit and (has_text or titled):
            self.fields = []
        elif exact and not self.explicit:
            self.fields = [one for one in self.fields[:1] if one.type is FieldType.TEXT]
        elif (
            not self.explicit
            and titled
            and self.fields
            and self.fields[0].name in {"name", "title"}
            and not any(one.name == self.fields[0].name for one in own)
        ):
            self.fields = [one for one in self.fields if one.name != self.fields[0].name]
        self.extra = ()
        self.explicit = True
        for one in own:
            known = next((n for n, other in enumerate(self.fields) if other.name == one.name), None)
            if known is None:
                self.fields.append(one)
            else:
                before = self.fields[known]
                keep_type = one.type is FieldType.TEXT and not one.choices
                self.fields[known] = before.model_copy(
                    update={"required": before.required or one.required}
                    | ({} if keep_type else {"type": one.type, "choices": one.choices})
                )


def draft_from_kind(kind: Kind, *, suite: bool = False) -> Draft:
    """A draft with the fields of a known kind."""
    return Draft(
        one=kind.one,
        many=kind.many,
        label=label(kind.many),
        fields=list(kind.core),
        extra=kind.extra,
        suite=suite,
        child=kind.one in CHILDREN,
    )


def draft_from_noun(noun: str) -> Draft:
    """A draft of something unknown: it has a name, and notes while nothing else is said."""
    many = plural_phrase(noun.lower()) if noun.isascii() else noun.lower()
    one = singular_phrase(many) if noun.isascii() else noun.lower()
    return Draft(one=one, many=many, label=label(many), fields=fields("name (required)"), extra=fields("notes"))


def as_resources(drafts: Sequence[Draft], known: Sequence[Resource] = ()) -> list[Resource]:
    """The finished resources: names are legal and distinct, texts that name another resource are references to it. ``known`` are there
    already; a draft may refer to them."""
    taken = {resource.name for resource in known}
    for draft in drafts:
        draft.name = distinct(resource_name(draft.many) or "items", taken)
        taken.add(draft.name)
    names = {field_name(resource.singular): resource.name for resource in known} | {
        field_name(draft.one): draft.name for draft in drafts
    }
    parents = [draft for draft in drafts if not draft.child]
    for draft in drafts:
        if draft.child and not draft.links:
            if parents:
                draft.link(parents[0].one, required=True)
            elif known:
                draft.link(known[0].singular.replace("_", " "), required=True)
    return [_resource(draft, names) for draft in drafts]


def _resource(draft: Draft, names: dict[str, str]) -> Resource:
    own = field_name(draft.one)
    found: list[ResourceField] = []
    links = {field_name(one): required for one, required in draft.links.items()}
    for link, required in links.items():
        if link in names and not any(one.name == link for one in draft.fields):
            found.append(
                ResourceField(name=link, type=FieldType.REFERENCE, required=required, references=names[link], label=label(link))
            )
    for one in [*draft.fields, *draft.extra]:
        if one.name in OWN_COLUMNS:
            continue
        target = names.get(one.name) or names.get(one.name.removesuffix("_id"))
        if target is not None and one.name != own and one.type in {FieldType.TEXT, FieldType.INTEGER} and not one.choices:
            one = one.model_copy(update={"type": FieldType.REFERENCE, "references": target})
        found.append(one)
    # What a record is called comes first, for the page and for people.
    titles = [one for one in found if one.type is not FieldType.REFERENCE]
    found = [*titles, *(one for one in found if one.type is FieldType.REFERENCE)] if draft.child else _title_first(found)
    unique: dict[str, ResourceField] = {}
    for one in found:
        unique.setdefault(one.name, one)
    kept = list(unique.values())[:MAX_FIELDS] or fields("name (required)")
    if not any(one.required for one in kept if one.type is not FieldType.REFERENCE):
        first = next((n for n, one in enumerate(kept) if one.type is FieldType.TEXT), 0)
        if kept[first].type is not FieldType.BOOLEAN:
            kept[first] = kept[first].model_copy(update={"required": True})
    singular = field_name(draft.one) or "item"
    return Resource(name=draft.name, singular=singular, label=draft.label or label(draft.name), fields=kept)


def _title_first(found: list[ResourceField]) -> list[ResourceField]:
    links = [one for one in found if one.type is FieldType.REFERENCE]
    others = [one for one in found if one.type is not FieldType.REFERENCE]
    return [*others[:1], *links, *others[1:]] if others and others[0].type is FieldType.TEXT else found
