"""Validation: what can be said about an app's files without running anything.

Called by the pipeline on what a model wrote, and by the API on what is pushed. It finds elisions, syntax errors (Python and JSON;
JavaScript is left to ``node --check`` in the build step, which parses it truly), missing files, gaps in the platform contract, packages
that are not on the list, and secrets. Paths and sizes are `core.files.FileTree`'s business. It never executes, imports or fetches, and
its messages never repeat a secret.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Callable, Collection, Iterator

from core.errors import InvalidInput
from core.files import FileTree
from core.frameworks.framework import Framework
from core.generation import packages
from core.generation.problem import Problem
from core.words.plan import Plan

MAX_PROBLEMS = 50
_PROSE_SUFFIXES = (".md", ".mdx", ".txt", ".rst")


def validate(
    tree: FileTree,
    plan: Plan,
    framework: Framework,
    written: Collection[str] | None = None,
    *,
    accepted: Collection[str] = (),
) -> tuple[Problem, ...]:
    """The problems of an app, at most `MAX_PROBLEMS`. ``written`` are the paths to look into; None looks into every file. ``accepted``
    are packages that the policy has let in beyond the list."""
    looked_into = [path for path in tree if written is None or path in written]
    problems: list[Problem] = []
    for path in looked_into:
        for check in _FILE_CHECKS:
            problems += check(path, tree[path])
    problems += _missing_files(tree, plan)
    problems += _contract(tree, plan)
    problems += _dependencies(tree, framework, accepted)
    return tuple(problems[:MAX_PROBLEMS])


# -- elisions -----------------------------------------------------------------------------------------------------------------------

_COMMENT = re.compile(r"^\s*(?:#+|//+|/\*+|\*+|<!--|\{/\*|--)\s*(?P<text>.*?)\s*(?:\*/\}?|-->)?\s*$")
_BARE = re.compile(
    r"^\s*(?P<text>(?:\.{3}|…)\s+\w.*|[\[(<]\s*(?:\.{3}|…)?\s*(?:the\s+)?(?:rest|remainder|existing|previous)\b.*[\])>])\s*$",
    re.I,
)
_PART = (
    r"(?:code|files?|functions?|implementation|component|class|methods?|module|routes?|imports?|content|styles?|script|markup|html|css|logic"
    r"|endpoints?|handlers?|models?)"
)
_KEPT = r"(?:unchanged|the same|same as (?:before|above)|as (?:before|is|above)|stays?|remains?|here|goes here|omitted|untouched|\.{3}|…)"
_LEAD = r"(?:the\s+|your\s+|all\s+)*"
_ELISIONS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"^(?:\.{3}|…)$",
        rf"^(?:\.\.\.|…)\s*[(\[]?\s*{_LEAD}(?:rest|remainder|remaining|existing|previous|other|same|more|unchanged|omitted|keep)\b",
        rf"\b(?:rest|remainder)\b(?: of)?(?: the| your| this)?(?: \w+)?? ?{_PART}?\b.*{_KEPT}(?:\W|$)",
        rf"^\W*{_LEAD}(?:existing|previous|other|original|remaining) (?:\w+ )?{_PART}\b\W*(?:\w+ )?{_KEPT}\W*$",
        r"\b(?:omitted|truncated) for brevity\b|\bfor brevity\b.*\b(?:omitted|unchanged|skipped)\b",
        r"^\W*(?:code |everything else |no changes? |file )?(?:is |remains |stays )?unchanged\W*$",
        r"^\W*(?:same as (?:before|above)|no changes?(?: needed| here)?|keep (?:the )?(?:existing|rest)\b.*)\W*$",
        r"^\W*(?:existing|your|previous) code(?: here| goes here)?\W*$",
    )
)


def elisions(path: str, text: str) -> Iterator[Problem]:
    """Lines that stand for code that was left out."""
    if path.lower().endswith(_PROSE_SUFFIXES):
        return
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > 300:
            continue
        found = _BARE.match(line)
        if found is None or not any(p.search(found["text"].strip("[]()<> ")) for p in _ELISIONS):
            found = _COMMENT.match(line)
            if found is None or not found["text"] or not any(p.search(found["text"]) for p in _ELISIONS):
                continue
        yield Problem(path=path, line=number, message="It leaves code out; write the whole file, with nothing elided.")


# -- syntax -------------------------------------------------------------------------------------------------------------------------


def syntax(path: str, text: str) -> Iterator[Problem]:
    """Syntax errors of Python and JSON files."""
    if path.endswith(".py"):
        yield from _python(path, text)
    elif path.endswith(".json"):
        yield from _json(path, text)


def _python(path: str, text: str) -> Iterator[Problem]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            ast.parse(text, filename=path)
    except SyntaxError as error:
        yield Problem(path=path, line=error.lineno, message=f"It is not valid Python: {error.msg}.")
    except (RecursionError, MemoryError):
        yield Problem(path=path, line=None, message="It is nested too deeply to be read; make it simpler.")
    except ValueError as error:
        yield Problem(path=path, line=None, message=f"It is not valid Python: {error}.")


def _json(path: str, text: str) -> Iterator[Problem]:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        yield Problem(path=path, line=error.lineno, message=f"It is not valid JSON: {error.msg}.")
    except (RecursionError, ValueError):
        yield Problem(
            path=path, line=None, message="It is nested too deeply, or has too large a number, to be read; make it simpler."
        )


# -- secrets ------------------------------------------------------------------------------------------------------------------------

_SECRETS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("an API key", re.compile(r"\bsk-(?:proj-|ant-|svcacct-|or-)[\w-]{16,}|\bsk-[A-Za-z0-9]{20,}")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22,})")),
    ("a Slack token", re.compile(r"\bxox[abeprs]-[\w-]{10,}")),
    ("a Stripe key", re.compile(r"\b[rs]k_live_[0-9A-Za-z]{20,}")),
    ("a Google API key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}")),
)


def secrets(path: str, text: str) -> Iterator[Problem]:
    """Strings that look like keys. The message says where and what kind, never the string."""
    for label, pattern in _SECRETS:
        if found := pattern.search(text):
            line = text.count("\n", 0, found.start()) + 1
            message = f"It holds what looks like {label}; read it from a setting of the app instead."
            yield Problem(path=path, line=line, message=message)


_FILE_CHECKS: tuple[Callable[[str, str], Iterator[Problem]], ...] = (elisions, syntax, secrets)


# -- the whole app ------------------------------------------------------------------------------------------------------------------


def _missing_files(tree: FileTree, plan: Plan) -> Iterator[Problem]:
    for file in plan.files:
        if file.path not in tree:
            yield Problem(path=file.path, line=None, message="It was planned and is missing; write it.")
        elif not tree[file.path].strip() and not file.path.endswith("__init__.py"):
            yield Problem(path=file.path, line=None, message="It is empty; write the whole file.")


_MIGRATION = re.compile(r"migrations/[^/]+\.sql")


def _contract(tree: FileTree, plan: Plan) -> Iterator[Problem]:
    if plan.requires_database and not any(_MIGRATION.fullmatch(path) for path in tree):
        message = "The app needs a database and has no migrations/*.sql file; write its tables there."
        yield Problem(path="migrations/0001_init.sql", line=None, message=message)
    if not any("/healthz" in text for path, text in tree.items() if not path.lower().endswith(_PROSE_SUFFIXES)):
        yield Problem(
            path="", line=None, message="No file answers GET /healthz; add the route, answering 200 when the app can serve."
        )


def _dependencies(tree: FileTree, framework: Framework, beyond: Collection[str]) -> Iterator[Problem]:
    try:
        wanted = framework.dependencies(tree)
        own = framework.dependencies(framework.scaffold())
    except InvalidInput as error:
        yield Problem(path="", line=None, message=error.message)
        return
    accepted = {packages.normal_name(framework.name, name) for name in (*own, *beyond)} | set(packages.allowed(framework.name))
    for name, version in wanted.items():
        if packages.normal_name(framework.name, name) not in accepted:
            yield Problem(path="", line=None, message=packages.refusal(framework.name, name))
        elif own.get(name) != version and not packages.is_exact(version):
            yield Problem(path="", line=None, message=f"The package {name!a} asks for {version[:60]!a}; name one exact version.")
