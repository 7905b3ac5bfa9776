"""Answers that are not in the format: what a model sent instead of files, and what to say about it.

Asked by the parser (whether an answer is JSON) and by the pipeline (what to tell the model, and in the end the person). It
repairs nothing by guessing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

_FENCED = re.compile(
    r"\A\s*(?P<mark>`{3,}|~{3,})(?:json[c5]?)?[ \t]*\r?\n(?P<inside>.*?)\r?\n(?P=mark)\s*\Z", re.DOTALL | re.IGNORECASE
)
_COMMANDS = re.compile(
    r"^\s*(?:\$\s*)?(?:git clone|npm |npx |pnpm |yarn |pip3? |python3? -m |uv |docker |cd |mkdir |curl |brew |apt(?:-get)? )",
    re.MULTILINE,
)
_FENCE = re.compile(r"^\s*(?:`{3,}|~{3,})", re.MULTILINE)
_OTHER_MARK = re.compile(r"<<<\s*/?\s*(?:file|edit|end)\b", re.IGNORECASE)


def files_of_json(text: str) -> Mapping[str, str] | None:
    """Path to content when ``text`` is ``{"files": [{"path": …, "content": …}, …]}`` or ``{"files": {path: content}}`` and
    nothing else, a markdown fence around it aside; None otherwise."""
    fenced = _FENCED.match(text)
    inside = fenced["inside"] if fenced else text
    if not inside.lstrip().startswith("{"):
        return None
    try:
        said = json.loads(inside)
    except (ValueError, RecursionError):
        return None
    listed = said.get("files")
    if isinstance(listed, dict):
        listed = [{"path": path, "content": content} for path, content in listed.items()]
    if not isinstance(listed, list) or not listed:
        return None
    files: dict[str, str] = {}
    for entry in listed:
        path, content = (entry.get("path"), entry.get("content")) if isinstance(entry, dict) else (None, None)
        if not isinstance(path, str) or not isinstance(content, str):
            return None
        files[path] = content
    return files


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was wrong with an answer that held no file."""

    for_model: str  #: what to tell it when it is asked again
    for_person: str  #: a sentence


def diagnose(prose: str) -> Diagnosis:
    """What an answer without any file was, from the text in it."""
    again = "Answer with the files themselves, each between the two marks that are given above, and with nothing else."
    if not prose.strip():
        return Diagnosis(for_model=f"Your last answer was empty. {again}", for_person="The model answered with nothing.")
    if prose.lstrip().startswith("{") or re.match(r"\s*```json", prose):
        what = "Your last answer was JSON, and not whole or not a list of files."
        return Diagnosis(
            for_model=f"{what} {again}",
            for_person="The model answered with text instead of files: JSON that is no list of files.",
        )
    if _OTHER_MARK.search(prose):
        what = "Your last answer used other marks than the ones that were asked for, so that no file could be read."
        return Diagnosis(
            for_model=f"{what} {again}", for_person="The model answered with text instead of files: its marks were wrong."
        )
    if _COMMANDS.search(prose):
        what = "Your last answer held commands for a shell. Nobody runs them: there is no shell, no git and no network."
        return Diagnosis(
            for_model=f"{what} {again}",
            for_person="The model answered with text instead of files: commands for somebody to run.",
        )
    if _FENCE.search(prose):
        what = "Your last answer held code in markdown fences, of which nobody can say which file it is or where it ends."
        return Diagnosis(
            for_model=f"{what} {again}",
            for_person="The model answered with text instead of files: code in markdown, not in the format.",
        )
    return Diagnosis(
        for_model=f"Your last answer held text and no file. {again}", for_person="The model answered with text instead of files."
    )
