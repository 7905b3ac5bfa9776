"""The JavaScript of an Express API: one module per resource, and the list of them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from adapters.models.starter.python_code import SEARCHED
from core.words.plan import FieldType, Resource, ResourceField

_KINDS = {
    FieldType.TEXT: "line",
    FieldType.LONG_TEXT: "longText",
    FieldType.INTEGER: "integer",
    FieldType.NUMBER: "number",
    FieldType.MONEY: "money",
    FieldType.BOOLEAN: "flag",
    FieldType.DATE: "date",
    FieldType.DATETIME: "moment",
    FieldType.EMAIL: "email",
    FieldType.URL: "url",
    FieldType.CHOICE: "choice",
    FieldType.REFERENCE: "reference",
}


def files(resources: Sequence[Resource], *, folder: str) -> dict[str, str]:
    """Path to content. ``folder`` has the modules; above it are crud.js and fields.js."""
    made = {f"{folder}/{resource.name}.js": _module(resource) for resource in resources}
    return {f"{folder}/index.js": _listing(resources), **made}


def _listing(resources: Sequence[Resource]) -> str:
    imports = "".join(f"import {one} from './{one}.js';\n" for one in sorted(resource.name for resource in resources))
    listed = f"export const resources = [{', '.join(resource.name for resource in resources)}];"
    if len(listed) > 100:
        listed = "export const resources = [\n" + "".join(f"  {resource.name},\n" for resource in resources) + "];"
    return f"// What the app keeps: one module per resource, listed here.\n\n{imported(imports)}{listed}\n"


def imported(imports: str) -> str:
    """The import lines and the empty line after them, where there are any."""
    return f"{imports}\n" if imports else ""


def _module(resource: Resource) -> str:
    kinds = ", ".join(sorted({_KINDS[one.type] for one in resource.fields}))
    fields = "".join(f"    {one.name}: {_value(one)},\n" for one in resource.fields)
    search = ", ".join(f"'{one.name}'" for one in resource.fields if one.type in SEARCHED)
    return (
        f"// What the app keeps as {resource.name.replace('_', ' ')}, and the routes below /api/{resource.name}.\n\n"
        f"import {{ crud }} from '../crud.js';\nimport {{ {kinds} }} from '../fields.js';\n\n"
        f"export default crud({{\n  table: '{resource.name}',\n  one: '{resource.singular.replace('_', ' ')}',\n"
        f"  fields: {{\n{fields}  }},\n  search: [{search}],\n}});\n"
    )


def _value(one: ResourceField) -> str:
    arguments = []
    if one.type is FieldType.CHOICE:
        arguments.append("[" + ", ".join(_string(choice) for choice in one.choices) + "]")
    if one.required and one.type is not FieldType.BOOLEAN:
        arguments.append("{ required: true }")
    return f"{_KINDS[one.type]}({', '.join(arguments)})"


def _string(value: str) -> str:
    return "'" + json.dumps(value, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
