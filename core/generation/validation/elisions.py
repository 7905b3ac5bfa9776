"""Elisions: lines that stand for code that was left out ("... rest unchanged").

A model that shortens its answer overwrites good code with a remark. What counts is a comment, or a bare line, that says so; spread
syntax, ellipses in strings, examples inside longer comments and ordinary remarks about rests are none.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from core.generation.problem import Problem, ProblemKind
from core.generation.validation.prose import is_prose

_COMMENT = re.compile(r"^\s*(?:#+|//+|/\*+|<!--|\{\s*/\*+|--)\s*(?P<text>.*?)\s*(?:\*/\s*\}?|-->)?\s*$")
_BARE = re.compile(
    r"^\s*(?P<text>(?:\.{3}|…)\s+\w.*|[\[(<]\s*(?:\.{3}|…)?\s*(?:the\s+)?(?:rest|remainder|existing|previous)\b.*[\])>])\s*$",
    re.I,
)
_PART = (
    r"(?:code|files?|functions?|implementation|component|class|methods?|module|routes?|imports?|content|styles?|script|markup|html|css|logic"
    r"|endpoints?|handlers?|models?)"
)
_KEPT = (
    r"\b(?:unchanged|the same|same as (?:before|above)|as (?:before|is|above)|stays?|remains?|here|goes here|omitted|untouched)\b"
    r"|(?:\.{3}|…)"
)
_LEAD = r"(?:the\s+|your\s+|all\s+)*"
_ELISIONS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"^(?!\.\.\.\w+$)(?:\.\.\.|…)\s*[(\[]?\s*{_LEAD}(?:rest|remainder|remaining|existing|previous|other|same|more|unchanged|omitted|keep)\b",
        rf"^\W*(?:[\w']+\W+){{0,3}}(?:rest|remainder)\b.{{0,80}}(?:{_KEPT})\W*$",
        rf"^\W*{_LEAD}(?:existing|previous|other|original|remaining) (?:\w+ )?{_PART}\b\W*(?:\w+ )?(?:{_KEPT})\W*$",
        r"\b(?:omitted|truncated) for brevity\b|\bfor brevity\b.*\b(?:omitted|unchanged|skipped)\b",
        r"^\W*(?:code |everything else |no changes? |file )?(?:is |remains |stays )?unchanged\W*$",
        r"^\W*(?:same as before|no changes?(?: needed| here)?|keep (?:the )?(?:existing|rest)(?:\W+\w+){0,3})\W*$",
        r"^\W*(?:existing|your|previous) code(?: here| goes here)?\W*$",
    )
)


_DOTS = re.compile(r"(?:\.{3}|…)")
_HINT = re.compile(r"(?i)\b(?:rest|remain|exist|previous|same|unchanged|omitted|keep|here|brevity|no change)")
MAX_LINE = 300  #: characters; a remark is shorter


def check(path: str, text: str) -> Iterator[Problem]:
    """One problem per line."""
    if is_prose(path):
        return
    lines = text.splitlines()
    quoted: set[int] | None = None
    for number, line in enumerate(lines):
        if len(line) <= MAX_LINE and ("." in line or "…" in line or _HINT.search(line)) and _elided(lines, number):
            if path.endswith(".py"):
                quoted = _quoted(text) if quoted is None else quoted
                if number + 1 in quoted:
                    continue
            message = "It leaves code out; write the whole file, with nothing elided."
            yield Problem(path=path, line=number + 1, message=message, kind=ProblemKind.ELIDED)


def _elided(lines: list[str], number: int) -> bool:
    bare = _BARE.match(lines[number])
    if bare is not None and any(p.search(bare["text"].strip("[]()<> ")) for p in _ELISIONS):
        return True
    comment = _COMMENT.match(lines[number])
    if comment is None or not comment["text"]:
        return False
    if _DOTS.fullmatch(comment["text"]):  # among other remarks it is part of an example
        return not any(_COMMENT.match(line) for line in (*lines[max(number - 1, 0) : number], *lines[number + 1 : number + 2]))
    return any(p.search(comment["text"]) for p in _ELISIONS)


def _quoted(python: str) -> set[int]:
    """The lines inside texts of more than one line: what a docstring shows is an example."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nodes = ast.walk(ast.parse(python))
            return {
                line
                for node in nodes
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.end_lineno is not None
                for line in range(node.lineno + 1, node.end_lineno)
            }
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
