"""A resource while it is being read: fields are named, kinds fill the gaps, links become references at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.models.starter.fieldwords import fields, guessed
from adapters.models.starter.kinds import CHILDREN, Kind
from adapters.models.starter.naming import (
    OWN_COLUMNS,
    distinct,
    field_name,
    label,
    plural_phrase,
    resource_name,
    singular_phrase,
    words,
)
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

#: Names for the same thing: a field that a description names takes the place of the usual one.
_SAME = tuple(
    words(line)
    for line in (
        "amount value price cost total sum deal_value deal_size worth betrag preis summe importe precio montant prix",
        "title name headline subject question task_name summary heading titel titulo titre nombre nom",
        "due_date deadline due frist falligkeit vencimiento echeance return_date",
        "starts_at date when start start_date start_time begins datum fecha",
        "ends_at end end_date end_time",
        "status stage state phase progress",
        "done completed complete finished erledigt fertig hecho fait bought read watched",
        "quantity amount count number stock menge anzahl cantidad quantite",
        "notes note comment comments remarks notizen notas remarques",
        "body content text article description message",
        "assignee assigned_to responsible",
        "position job_title role",
        "guests number_of_guests people party_size persons",
        "description what what_for details",
        "location where place venue where_found found_at ort lugar lieu",
        "found_on date_found when_found found_date",
        "url link website",
    )
)
#: The things that a field of this name may point to, the likeliest first.
_POINTS_TO = {
    "customer": "customer client contact lead company buyer guest owner patient member",
    "client": "client customer contact company",
    "buyer": "customer client contact",
    "company": "company organization account client customer",
    "owner": "owner customer client person member",
    "borrower": "borrower member person friend reader student customer",
    "item": "item inventory_item book tool product device game part",
    "product": "product item inventory_item part cake pastry bread pizza sandwich candle soap bouquet dish menu_item good",
    "supplier": "supplier vendor",
    "vendor": "vendor supplier",
    "author": "author writer",
    "writer": "author writer",
    "student": "student pupil learner participant member",
    "class": "class yoga_class course lesson workshop",
    "teacher": "teacher instructor tutor coach trainer professor",
    "instructor": "instructor teacher coach trainer",
    "assignee": "assignee employee team_member person colleague technician worker",
    "assigned_to": "employee team_member person colleague technician worker mechanic",
    "donor": "donor contact person",
    "vet": "vet doctor",
    "doctor": "doctor dentist",
    "location": "location room warehouse shelf",
    "home_team": "team club",
    "away_team": "team club",
    "paid_by": "person member friend roommate flatmate",
    "payer": "member customer client person",
}


@dataclass(slots=True)
class Draft:
    """A resource in the making; ``one`` and ``many`` are phrases of people."""

    one: str
    many: str
    label: str
    fields: list[ResourceField] = field(default_factory=list)  #: those that it has in any case
    extra: Sequence[ResourceField] = ()  #: those that it has while none were named
    links: dict[str, bool] = field(default_factory=dict)  #: other drafts' ``one``, and whether the link is required
    suite: bool = False  #: named by a kind of app
    part: bool = False  #: one of several that the kind of app is made of
    child: bool = False
    foreign: bool = False  #: named by a word of another language
    explicit: bool = False  #: the description named its fields
    named: list[ResourceField] = field(default_factory=list)  #: those
    name: str = ""

    def link(self, one: str, *, required: bool = False) -> None:
        if one != self.one:
            self.links[one] = self.links.get(one, False) or required

    def rename(self, one: str) -> None:
        """Call it what the description calls it: "parts" for the items of an inventory."""
        self.one, self.many = one, plural_phrase(one)
        self.label, self.suite = label(self.many), False

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
        kept = [one for one in self.fields if self.part and one.name in _POINTS_TO]  # what holds the parts of an app together
        if exact and not self.explicit and (has_text or titled):
            self.fields = kept
        elif exact and not self.explicit:
            first = [one for one in self.fields[:1] if one.type in {FieldType.TEXT, FieldType.DATE, FieldType.DATETIME}]
            self.fields = [*first, *(one for one in kept if one not in first)]
        elif (
            not self.explicit
            and titled
            and self.fields
            and self.fields[0].name in {"name", "title"}
            and not any(one.name == self.fields[0].name for one in own)
        ):
            self.fields = [one for one in self.fields if one.name != self.fields[0].name]
        if all(any(other.name == one.name and other.type is one.type for other in self.fields) for one in own) and not exact:
            return  # it says no more than everybody knows
        self.extra = ()
        self.explicit = True
        self.named += own
        for one in own:
            known = next((n for n, other in enumerate(self.fields) if other.name == one.name), None)
            if known is None and (meant := self._meant_by(one, own)) is not None:
                known, before = meant, self.fields[meant]
                keep = one.type is FieldType.CHOICE and before.type is FieldType.CHOICE and before.choices and guessed(one)
                self.fields[known] = one.model_copy(
                    update={"required": before.required or one.required} | ({"choices": before.choices} if keep else {})
                )
                continue
            if known is None:
                self.fields.append(one)
            else:
                before = self.fields[known]
                keep_type = one.type is FieldType.TEXT and not one.choices
                self.fields[known] = before.model_copy(
                    update={"required": before.required or one.required}
                    | ({} if keep_type else {"type": one.type, "choices": one.choices})
                )

    def _meant_by(self, one: ResourceField, named: Sequence[ResourceField]) -> int | None:
        """The field of the kind that is the same as this one under another name: the "value" of a deal is its amount."""
        names = {other.name for other in named}
        for n, other in enumerate(self.fields):
            if other.name in names:
                continue
            same = any(other.name in group and one.name in group for group in _SAME)
            if same or (one.type is other.type is FieldType.CHOICE and one.name.endswith(f"_{other.name}")):
                return n
        return None


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
    linked = {names[link] for link in links if link in names and not any(one.name == link for one in draft.fields)}
    for link, required in links.items():
        if link in names and not any(one.name == link for one in draft.fields):
            found.append(
                ResourceField(name=link, type=FieldType.REFERENCE, required=required, references=names[link], label=label(link))
            )
    for one in [*draft.fields, *draft.extra]:
        if one.name in OWN_COLUMNS:
            continue
        target = names.get(one.name) or names.get(one.name.removesuffix("_id")) or _pointed_at(one, names, own)
        if target is not None and target in linked and one not in draft.named:
            continue  # the link says it already
        if target is not None and one.name != own and one.type in {FieldType.TEXT, FieldType.INTEGER} and not one.choices:
            one = one.model_copy(update={"type": FieldType.REFERENCE, "references": target})
            if one.name == "item":
                called = next(name for name, resource in names.items() if resource == target)
                one = one.model_copy(update={"name": called, "label": label(called)})
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


def _pointed_at(one: ResourceField, names: dict[str, str], own: str) -> str | None:
    """The resource that a field means by another word: the customer of a deal is one of the contacts."""
    candidates = _POINTS_TO.get(one.name, "").split()
    return (
        next((names[name] for name in candidates if name in names and name != own), None) if one.type is FieldType.TEXT else None
    )


def _title_first(found: list[ResourceField]) -> list[ResourceField]:
    links = [one for one in found if one.type is FieldType.REFERENCE]
    others = [one for one in found if one.type is not FieldType.REFERENCE]
    return [*others[:1], *links, *others[1:]] if others and others[0].type is FieldType.TEXT else found
