"""The Python of a FastAPI app: one module per resource, and the list of them."""

from __future__ import annotations

import builtins
import json
import keyword
from collections.abc import Sequence

from adapters.models.starter.naming import words
from core.words.plan import FieldType, Resource, ResourceField

_KINDS = {
    FieldType.TEXT: "Line",
    FieldType.LONG_TEXT: "LongText",
    FieldType.INTEGER: "Whole",
    FieldType.NUMBER: "Number",
    FieldType.MONEY: "Money",
    FieldType.BOOLEAN: "Flag",
    FieldType.DATE: "Date",
    FieldType.DATETIME: "Moment",
    FieldType.EMAIL: "Email",
    FieldType.URL: "Url",
    FieldType.CHOICE: "Line",
    FieldType.REFERENCE: "Reference",
}
_TAKEN_CLASSES = frozenset({*_KINDS.values(), "Record", "Annotated", "Field", *keyword.kwlist, *dir(builtins)})
#: Attributes of pydantic's models, and names that the class body uses: a field of that name gets an alias.
_TAKEN_ATTRIBUTES = frozenset(
    {
        *keyword.kwlist,
        *keyword.softkwlist,
        *(n for n in dir(builtins) if n.islower()),
        "one_of",
        "crud",
        "router",
        "blank_is_none",
    }
    | words(
        "construct copy dict fields from_orm json parse_file parse_obj parse_raw schema schema_json update_forward_refs validate"
    )
)
SEARCHED = frozenset({FieldType.TEXT, FieldType.LONG_TEXT, FieldType.EMAIL, FieldType.URL, FieldType.CHOICE})


def files(resources: Sequence[Resource]) -> dict[str, str]:
    """Path to content."""
    made = {f"app/resources/{resource.name}.py": _module(resource) for resource in resources}
    return {"app/resources/__init__.py": _listing(resources), **made}


def _listing(resources: Sequence[Resource]) -> str:
    names = sorted(resource.name for resource in resources)
    imported = f"from app.resources import {', '.join(names)}"
    if len(imported) > 100:
        imported = "from app.resources import (\n" + "".join(f"    {one},\n" for one in names) + ")"
    routers = ", ".join(f"{resource.name}.router" for resource in resources)
    listed = f"ROUTERS = [{routers}]"
    if len(listed) > 100:
        listed = "ROUTERS = [\n" + "".join(f"    {resource.name}.router,\n" for resource in resources) + "]"
    return f'"""What the app keeps: one module per resource, its router listed here."""\n\n{imported}\n\n{listed}\n'


def _module(resource: Resource) -> str:
    words = resource.singular.replace("_", " ")
    lines = [_attribute(one) for one in resource.fields]
    source = "\n".join(lines)
    kinds = sorted(
        {_KINDS[one.type] for one in resource.fields} | {"Record"} | ({"one_of"} if "one_of(" in source else set()), key=str.lower
    )
    kinds = sorted(kinds, key=lambda word: (word == "one_of", word))
    imports = ["from typing import Annotated\n"] if "Annotated[" in source else []
    if "Field(" in source:
        imports.append("from pydantic import Field\n")
    imports.append(f"from app.crud import crud\nfrom app.fields import {', '.join(kinds)}")
    search = ", ".join(f'"{one.name}"' for one in resource.fields if one.type in SEARCHED)
    route = f'router = crud("{resource.name}", {_class(resource)}, one="{words}", search=[{search}])'
    if len(route) > 120:
        route = f'router = crud(\n    "{resource.name}",\n    {_class(resource)},\n    one="{words}",\n    search=[{search}],\n)'
    head = f'"""What the app keeps as {resource.name.replace("_", " ")}, and the routes below /api/{resource.name}."""'
    return f"{head}\n\n" + "\n".join(imports) + f"\n\n\nclass {_class(resource)}(Record):\n{source}\n\n\n{route}\n"


def _class(resource: Resource) -> str:
    words = "".join(part.capitalize() for part in resource.singular.split("_"))
    return words + "Record" if words in _TAKEN_CLASSES else words


def _attribute(one: ResourceField) -> str:
    safe = one.name if one.name not in _TAKEN_ATTRIBUTES and not one.name.startswith("model_") else one.name + "_"
    kind = _KINDS[one.type]
    if one.type is FieldType.CHOICE:
        kind = f"Annotated[Line, one_of({', '.join(json.dumps(value, ensure_ascii=False) for value in one.choices)})]"
    default: str | None = "False" if one.type is FieldType.BOOLEAN else None if one.required else "None"
    annotation = kind if one.type is FieldType.BOOLEAN or one.required else f"{kind} | None"
    if safe != one.name:
        inside = f'{default}, alias="{one.name}"' if default is not None else f'alias="{one.name}"'
        return f"    {safe}: {annotation} = Field({inside})"
    return f"    {safe}: {annotation}" + (f" = {default}" if default is not None else "")
