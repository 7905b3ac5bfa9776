"""Made-up rows for the try-out of a resource: valid ones, bad ones, and the order in which resources can be tried.

Called by `core.verification.resources`. Values are fixed, plain and harmless: the same revision is always tried with the same rows, and
nothing in them reaches anywhere (example.com, which nobody owns).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from core.words.plan import FieldType, Resource, ResourceField

_ORDINALS = ("First", "Second", "Third")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A resource and the fields that its rows get; or why none can be made."""

    resource: Resource
    fields: Sequence[ResourceField] = ()
    why_not: str = ""


def plan_trials(resources: Sequence[Resource]) -> Sequence[Trial]:
    """Every resource once, each after those that its rows refer to.

    A reference that cannot be filled (a circle, a resource that is not there, one that cannot be tried) is left out when it is not
    required; else the resource cannot be tried.
    """
    names = {resource.name for resource in resources}
    done: dict[str, Trial] = {}
    waiting = list(resources)

    def refers(resource: Resource) -> set[str]:
        return {f.references for f in resource.fields if f.type is FieldType.REFERENCE}

    needs = {r.name: {f.references for f in r.fields if f.type is FieldType.REFERENCE and f.required} for r in resources}

    def usable(name: str) -> bool:
        return name in done and not done[name].why_not

    def below(name: str) -> set[str]:
        """Everything that a row of ``name`` needs, and what that needs."""
        seen: set[str] = set()
        unseen = [name]
        while unseen:
            new = needs.get(unseen.pop(), set()) - seen
            seen |= new
            unseen += new
        return seen

    while waiting:
        ready = next((r for r in waiting if all(n in done for n in refers(r) & names)), None)
        ready = ready or next((r for r in waiting if all(n in done for n in needs[r.name])), None)
        # Only unknown targets, circles and those who need them are left: take a culprit, so that the others can be told in turn.
        resource = ready or next(r for r in waiting if not needs[r.name] <= names or r.name in below(r.name))
        waiting.remove(resource)
        missing = sorted(n for n in needs[resource.name] if not usable(n))
        if missing:
            done[resource.name] = Trial(resource=resource, why_not=_why_not(resource, missing[0], names, done))
        else:
            fields = [f for f in resource.fields if f.type is not FieldType.REFERENCE or usable(f.references)]
            done[resource.name] = Trial(resource=resource, fields=fields)
    return list(done.values())


def _why_not(resource: Resource, missing: str, names: set[str], done: Mapping[str, Trial]) -> str:
    if missing not in names:
        return f"it needs a row of {missing!r}, which is not in the plan"
    if missing == resource.name:
        return "every row needs another row of the same kind"
    if missing in done:
        return f"it needs a row of {missing!r}, which could not be made"
    return f"it and {missing!r} need a row of each other"


def row(trial: Trial, ids: Mapping[str, Any], turn: int) -> dict[str, Any]:
    """A valid row. ``ids`` are ids of rows that exist, by resource; different turns give different values where there are any."""
    return {f.name: ids[f.references] if f.type is FieldType.REFERENCE else _value(f, turn) for f in trial.fields}


def _value(field: ResourceField, turn: int) -> Any:
    match field.type:
        case FieldType.LONG_TEXT:
            return f"First line {turn + 1}.\nSecond line: “quotes”, <tags> & signs."
        case FieldType.INTEGER:
            return turn + 2
        case FieldType.NUMBER:
            return turn + 1.5
        case FieldType.MONEY:
            return turn + 12.25
        case FieldType.BOOLEAN:
            return turn % 2 == 0
        case FieldType.DATE:
            return f"2030-01-{15 + turn}"
        case FieldType.DATETIME:
            return f"2030-01-{15 + turn}T09:30:00Z"
        case FieldType.EMAIL:
            return f"someone{turn + 1}@example.com"
        case FieldType.URL:
            return f"https://example.com/page/{turn + 1}"
        case FieldType.CHOICE if field.choices:
            return field.choices[turn % len(field.choices)]
        case _:
            return f"Example {turn + 1}"


def sample(trial: Trial, ids: Mapping[str, Any], number: int) -> dict[str, Any]:
    """A valid row that looks like something, for the picture of the page. ``number`` begins at 0."""
    title = next((f.name for f in trial.fields if f.type is FieldType.TEXT), "")
    made = row(trial, ids, number)
    for field in trial.fields:
        match field.type:
            case FieldType.TEXT if field.name == title:
                made[title] = f"{_ORDINALS[number % len(_ORDINALS)]} {trial.resource.singular.replace('_', ' ')}"
            case FieldType.TEXT:
                made[field.name] = f"{(field.label or field.name).replace('_', ' ').capitalize()} {number + 1}"
            case FieldType.LONG_TEXT:
                made[field.name] = "A few words about it."
            case FieldType.INTEGER | FieldType.NUMBER | FieldType.MONEY:
                made[field.name] = number + 3
            case FieldType.BOOLEAN:
                made[field.name] = number == 2
            case _:
                pass
    return made


def bad_rows(trial: Trial, valid: Mapping[str, Any]) -> Sequence[tuple[str, dict[str, Any]]]:
    """Rows that the app must refuse, each with what is wrong with it."""
    bad: list[tuple[str, dict[str, Any]]] = []
    required = next((f for f in trial.fields if f.required and f.type is not FieldType.BOOLEAN), None)
    if required:
        bad.append((f"without {required.name!r}", {k: v for k, v in valid.items() if k != required.name}))
    strict = next((f for f in trial.fields if f.type not in {FieldType.TEXT, FieldType.LONG_TEXT}), None)
    wrong = strict or trial.fields[0]
    value: Any = "no such value" if strict else {"not": "text"}
    bad.append((f"with {value!r} as {wrong.name!r}", {**valid, wrong.name: value}))
    return bad


def same(field: ResourceField, sent: object, got: object) -> bool:
    """Whether an app gave back what it was sent, in whichever of the usual JSON spellings."""
    try:
        match field.type:
            case FieldType.REFERENCE:
                return str(got) == str(sent)
            case FieldType.INTEGER | FieldType.NUMBER | FieldType.MONEY:
                return not isinstance(got, bool) and Decimal(str(got)) == Decimal(str(sent))
            case FieldType.DATE:
                return str(got)[:10] == sent
            case FieldType.DATETIME:
                moment = datetime.fromisoformat(str(got))
                aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
                return aware == datetime.fromisoformat(str(sent))
            case _:
                return got == sent
    except (InvalidOperation, ValueError, TypeError):
        return False
