"""Remarks: what a person should know of an app's files, and what nobody has to mend.

Told on the card, beside what validation has found nothing wrong with: settings that are read and named nowhere, and writing to a disk that
an app does not have for long.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection, Iterator

from core.files import FileTree
from core.generation.validation.prose import is_prose
from core.generation.validation.scripts import Scripts
from core.words.plan import Plan

MAX_REMARKS = 8

_ENVIRONMENT = re.compile(
    r"""\bprocess\.env\.([A-Z][A-Z0-9_]{0,63})\b|\bimport\.meta\.env\.(VITE_[A-Z0-9_]{1,60})\b"""
    r"""|\b(?:os\.)?(?:getenv\(|environ(?:\.get\(|\[))\s*["']([A-Z][A-Z0-9_]{0,63})["']"""
)
_PLATFORM = frozenset(
    {
        *(
            "PORT",
            "HOST",
            "DATABASE_URL",
            "PLATFORM_API_URL",
            "NODE_ENV",
            "NEXUS_SOCKET",
            "HOME",
            "PATH",
            "TZ",
            "TMPDIR",
            "LANG",
            "CI",
        ),
        *("NEXT_RUNTIME", "NEXT_PHASE", "PYTHONPATH", "HOSTNAME", "DEBUG", "LOG_LEVEL"),
    }
)
_NODE_WRITER = re.compile(r"(?:writeFile|appendFile|copyFile|mkdir)(?:Sync)?|createWriteStream")
_WRITERS = {"write_text", "write_bytes", "makedirs", "mkdir", "copyfile", "copy2", "copyfileobj"}


def remarks(tree: FileTree, plan: Plan, written: Collection[str]) -> tuple[str, ...]:
    """Sentences about the written files, at most `MAX_REMARKS`."""
    named = _PLATFORM | {setting.name for setting in plan.settings}
    for path, text in tree.items():
        if path.rpartition("/")[2].startswith(".env"):
            named |= set(re.findall(r"^#?\s*(?:export\s+)?([A-Z][A-Z0-9_]*)\s*=", text, re.MULTILINE))
        elif path not in written:
            named |= _read(text)
    scripts = Scripts(tree)
    found: list[str] = []
    for path in tree:
        if path in written and not is_prose(path):
            for name in sorted(_read(tree[path]) - named):
                named |= {name}
                found.append(
                    f"{path} reads the setting {name}, which neither the plan nor .env.example names; it is empty until you set it."
                )
            if any(_writes(path, tree[path], scripts)):
                found.append(f"{path} writes to the disk, which does not last; what should last belongs into the database.")
    return tuple(found[:MAX_REMARKS])


def _read(text: str) -> set[str]:
    return {name for match in _ENVIRONMENT.finditer(text) for name in match.groups() if name}


def _writes(path: str, text: str, scripts: Scripts) -> Iterator[bool]:
    if path.endswith(".py"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        for node in nodes:
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            modes = (*node.args[1:2], *(key.value for key in node.keywords if key.arg == "mode"))
            texts = [mode.value for mode in modes if isinstance(mode, ast.Constant) and isinstance(mode.value, str)]
            yield name in _WRITERS or (name == "open" and any(set(text) & set("wax+") for text in texts))
        return
    for script in scripts.of(path):
        for call in script.nodes("call_expression") if _NODE_WRITER.search(script.text) else ():
            function = call.child_by_field_name("function")
            name = function.child_by_field_name("property") or function if function is not None else None
            yield name is not None and _NODE_WRITER.fullmatch((name.text or b"").decode()) is not None
