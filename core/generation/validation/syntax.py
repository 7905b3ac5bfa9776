"""Syntax, as far as it can be told for certain without running a tool of the app's.

Python by its own parser, JSON by the library, scripts by tree-sitter, style sheets and Vue templates by what has to be closed. One problem
per file: what follows the first is mostly its echo. HTML is forgiving, so of it only its scripts are read, and ends that are missing.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator, Mapping

from tree_sitter import Node

from core.generation.problem import Problem, ProblemKind
from core.generation.validation import markup
from core.generation.validation.scripts import Dialect, Script, Scripts, parse

_COMMENTED_JSON = re.compile(
    r"(^|/)(tsconfig|jsconfig)[^/]*\.json$|(^|/)\.vscode/|\.jsonc$|(^|/)(\.babelrc|\.eslintrc)(\.json)?$"
)
MAX_NODES = 100_000  #: of a script with an error, that are looked at to say where it is; 200 kB of real code have fewer
_TOO_DEEP = "It is nested too deeply to be read; make it simpler."


def check(path: str, text: str, scripts: Scripts) -> Iterator[Problem]:
    """At most one problem."""
    lowered = path.lower()
    if lowered.endswith(".py"):
        found = _python(text)
    elif lowered.endswith((".json", ".webmanifest")):
        found = None if _COMMENTED_JSON.search(lowered) else _json(text)
    elif lowered.endswith(".css"):
        found = _css(text)
    elif lowered.endswith((".html", ".htm")):
        found = _html(text)
    elif lowered.endswith(".vue"):
        found = _vue(text)
    else:
        found = None
    if found is None and not lowered.endswith((".d.ts", ".d.mts", ".d.cts")):
        found = next((error for script in scripts.of(path) if (error := script_error(script)) is not None), None)
    if found is not None:
        yield Problem(path=path, line=found[0], message=found[1], kind=ProblemKind.SYNTAX)


Found = tuple[int | None, str] | None


def _python(text: str) -> Found:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            ast.parse(text)
    except SyntaxError as error:
        return error.lineno, f"It is not valid Python: {error.msg}."
    except (RecursionError, MemoryError):
        return None, _TOO_DEEP
    except ValueError as error:
        return None, f"It is not valid Python: {error}."
    return None


def _json(text: str) -> Found:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.lineno, f"It is not valid JSON: {error.msg}."
    except (RecursionError, ValueError):
        return None, "It is nested too deeply, or has too large a number, to be read; make it simpler."
    return None


# -- markup and styles --------------------------------------------------------------------------------------------------------------


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _html(text: str) -> Found:
    for tag in markup.tags(text):
        if not tag.complete and tag.name == "!--":
            return _line(text, tag.start), "It is not valid HTML: the comment does not end."
    for block in markup.scripts(text):
        if not block.closed:
            return _line(text, block.tag.start), f"It is not valid HTML: the <{block.tag.name}> is not closed."
    return None


def _vue(text: str) -> Found:
    code = False
    for block in markup.blocks(text):
        name, lang = block.tag.name, block.tag.values.get("lang", "")
        code = code or name in {"script", "template"}
        if not block.closed:
            return _line(text, block.tag.start), f"It is no valid component: the <{name}> is not closed."
        inner = None
        if name == "template" and lang in {"", "html"}:
            inner = markup.unbalanced(block.text)
        elif name == "style" and lang in {"", "css", "postcss"}:
            inner = unclosed_style(block.text)
        if inner is not None:
            return _line(text, block.start + inner[0]), f"It is no valid component: {inner[1]}"
    return None if code else (None, "It is no component: it has neither a <script> nor a <template>.")


def _css(text: str) -> Found:
    found = unclosed_style(text)
    return None if found is None else (_line(text, found[0]), f"It is not valid CSS: {found[1]}")


_STYLE = re.compile(r"/\*|[{}\"']|url\(\s*+(?![\s\"'])|\\.", re.DOTALL)


def unclosed_style(text: str) -> tuple[int, str] | None:
    """What a style sheet opens and does not close, or closes and did not open: where, and a sentence."""
    opened: list[int] = []
    position = 0
    while (found := _STYLE.search(text, position)) is not None:
        mark, position = found[0], found.end()
        if mark == "/*":
            end = text.find("*/", position)
            if end < 0:
                return found.start(), "the comment does not end."
            position = end + 2
        elif mark in "\"'":
            end_ = re.compile(rf"(?:[^{mark}\\\n]|\\.)*+{mark}", re.DOTALL).match(text, position)
            if end_ is None:
                return found.start(), "the text in quotes does not end on its line."
            position = end_.end()
        elif mark.startswith("url("):
            end = text.find(")", position)
            position = end + 1 if end >= 0 else len(text)
        elif mark == "{":
            opened.append(found.start())
        elif mark == "}":
            if not opened:
                return found.start(), "this } closes nothing."
            opened.pop()
    return (opened[-1], "this { is not closed.") if opened else None


# -- scripts ------------------------------------------------------------------------------------------------------------------------

_LABELS: Mapping[Dialect, str] = {"javascript": "JavaScript", "typescript": "TypeScript", "tsx": "TypeScript"}
_CLOSERS = {"(": ")", "[": "]", "{": "}", "${": "}"}


# The TypeScript grammar lags behind the language: types of imports, ``export type *``, variance, some generics. So what it does not know
# is masked, and of what it still complains about only that counts which no type can explain; the compiler in the build step says the rest.
_NEWER = re.compile(
    r"""\bimport\s*\(\s*["'][^"'\n]*["']\s*\)"""
    r"|(?<=\bexport )type(?=\s+\*\s)"
    r"|(?<=[<,])\s*(?:in|out|in\s+out)(?=\s+[A-Z]\w*\s*(?:=|extends|[,>]))"
)
_MAY_BE_A_TYPE = re.compile(
    r"[<>:&|]|\b(?:in|out)\s+[A-Z]|\b(?:type|infer|accessor|satisfies|keyof|unique)\b|^\s*(?:export )?default\b", re.MULTILINE
)


def script_error(script: Script) -> Found:
    """Where a script stops being one, and why."""
    if script.tree is None or not script.tree.root_node.has_error:
        return None
    typed = script.dialect != "javascript"
    if typed:
        text = _NEWER.sub(lambda found: re.sub(r"\S", "_", found[0]) if "(" in found[0] else " " * len(found[0]), script.text)
        tree = parse(text, script.dialect)
        if tree is None or not tree.root_node.has_error:
            return None
        script = Script(dialect=script.dialect, text=text, row=script.row, tree=tree)
    label = f"It is not valid {_LABELS[script.dialect]}"
    assert script.tree is not None
    first, odd = _first_error(script.tree.root_node)
    if odd is not None:
        node, why = odd
        return script.line(node), f"{label}: {why}"
    if first is None:
        return None
    if typed and (first.is_missing or _MAY_BE_A_TYPE.search(_around(script.text, first))):
        return None
    if first.is_missing:
        return script.line(first), f"{label}: here a {first.type!a} is missing."
    shown = " ".join((first.text or b"").decode(errors="replace").split())[:40]
    return script.line(first), f"{label}: {shown!a} is unexpected."


def _around(text: str, node: Node) -> str:
    """The node's lines."""
    return "\n".join(text.split("\n")[node.start_point.row : node.end_point.row + 1])


def _first_error(root: Node) -> tuple[Node | None, tuple[Node, str] | None]:
    """The first error that the parser saw, and the bracket without a partner that is likelier the cause. Without recursion."""
    first: Node | None = None
    opened: list[Node] = []
    odd: tuple[Node, str] | None = None
    cursor = root.walk()
    for _ in range(MAX_NODES):
        node = cursor.node
        assert node is not None
        if first is None and (node.is_missing or (node.is_error and node.id != root.id)):
            first = node
        if node.child_count == 0 and not node.is_missing and odd is None:
            if node.type in _CLOSERS:
                opened.append(node)
            elif node.type in {")", "]", "}"}:
                if not opened:
                    odd = node, f"this {node.type} closes nothing."
                elif _CLOSERS[opened[-1].type] != node.type:
                    odd = opened[-1], f"this {opened[-1].type} is not closed before the next {node.type}."
                else:
                    opened.pop()
        if cursor.goto_first_child() or cursor.goto_next_sibling():
            continue
        while cursor.goto_parent():
            if cursor.goto_next_sibling():
                break
        else:
            if odd is None and opened:
                odd = opened[-1], f"this {opened[-1].type} is not closed."
            break
    return first or (root if root.is_error else None), odd
