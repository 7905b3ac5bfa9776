"""The one JSON schema of a plan, as both vendors' strict modes take it.

Given by the model adapters to their vendor, so that a plan is forced by the API and not pleaded for in a prompt. What it cannot
say (patterns, lengths) is validated again with `Plan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.words.plan import FRAMEWORK_NAMES, FrameworkName, Plan

_DROPPED = {"default", "title", "description", "pattern", "minLength", "maxLength", "minItems", "maxItems"}


def plan_schema(framework: FrameworkName | None = None) -> dict[str, Any]:
    """No references, no additional properties, all required, nothing that only some vendors check. ``framework`` leaves that
    one as the only choice."""
    source = Plan.model_json_schema()
    schema: dict[str, Any] = _strict(source, source.get("$defs", {}))
    schema["properties"]["framework"] = {"type": "string", "enum": list(FRAMEWORK_NAMES) if framework is None else [framework]}
    return schema


def _strict(node: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_strict(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _strict(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    strict: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            strict[key] = {name: _strict(value[name], definitions) for name in value}
        elif key not in _DROPPED and key != "$defs":
            strict[key] = _strict(value, definitions)
    if strict.get("type") == "object":
        strict["required"] = list(strict.get("properties", {}))
        strict["additionalProperties"] = False
    return strict
