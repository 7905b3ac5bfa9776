"""Fixers for Python files: imports that were forgotten, addresses of its own, a health route.

Pure, called by `core.generation.fixing`. It parses and never executes; a file that does not parse is left as it is.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections.abc import Iterator, Mapping
from itertools import chain


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MODULES = frozenset(
    [
        *("asyncio", "base64", "calendar", "collections", "contextlib", "csv", "decimal", "enum", "functools", "hashlib", "hmac"),
        *("html", "io", "itertools", "json", "logging", "math", "mimetypes", "os", "pathlib", "random", "re", "secrets"),
        *("statistics", "string", "sys", "textwrap", "time", "traceback", "typing", "unicodedata", "uuid", "zoneinfo"),
    ]
)  #: used as ``module.name`` they can mean nothing else
_FROM: Mapping[str, str] = dict(
    chain.from_iterable(
        ((name, module) for name in names.split())
        for module, names in {
            "collections": "Counter defaultdict deque",
            "collections.abc": "AsyncGenerator AsyncIterator Awaitable Callable Iterable Iterator Mapping Sequence",
            "contextlib": "asynccontextmanager contextmanager suppress",
            "dataclasses": "dataclass",
            "datetime": "timedelta timezone",
            "decimal": "Decimal",
            "enum": "Enum StrEnum",
            "functools": "lru_cache wraps",
            "io": "BytesIO StringIO",
            "pathlib": "Path",
            "typing": "Annotated Any Literal Optional TypedDict",
            "uuid": "UUID uuid4",
            "zoneinfo": "ZoneInfo",
        }.items()
    )
)
_FROM_WHERE_USED: Mapping[str, frozenset[str]] = {
    "fastapi": _words("APIRouter Body Cookie Depends File Form Header HTTPException Path Query Request Response UploadFile"),
    "pydantic": _words("BaseModel ConfigDict EmailStr Field field_validator model_validator"),
}  #: only in a file that imports from there already
_DATETIME_CLASS = _words("combine fromisoformat fromtimestamp max min now strptime today utcnow")
_DATETIME_MODULE = _words("UTC date datetime time timedelta timezone")
_PACKAGE_OF = {
    "PIL": "pillow",
    "argon2": "argon2-cffi",
    "bs4": "beautifulsoup4",
    "dateutil": "python-dateutil",
    "jwt": "pyjwt",
    "multipart": "python-multipart",
    "slugify": "python-slugify",
    "yaml": "pyyaml",
}
_MISSING = re.compile(r"No module named ['\"](?P<module>[\w.]+)['\"]")
_SAID_TO_BE_NEEDED = (
    (re.compile(r"requires? \"?python-multipart", re.I), "python-multipart"),
    (re.compile(r"email-validator is not installed", re.I), "email-validator"),
    (re.compile(r"jinja2 must be installed", re.I), "jinja2"),
)


def packages_named_in(log: str) -> list[str]:
    """The packages that a log says are not there."""
    modules = [match["module"].split(".")[0] for match in _MISSING.finditer(log)]
    return [_PACKAGE_OF.get(name, name) for name in modules] + [name for sign, name in _SAID_TO_BE_NEEDED if sign.search(log)]


def with_missing_imports(text: str) -> tuple[str, list[str]]:
    """The text with imports of well-known names that it uses and has from nowhere, and those names."""
    tree = _parsed(text)
    if tree is None:
        return text, []
    bound = set(_bound(tree))
    if "*" in bound:
        return text, []
    free: dict[str, set[str]] = {}  # a free name to the attributes that are taken of it; "" for a use by itself
    owners = {id(node.value): node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in bound:
            free.setdefault(node.id, set()).add(owners.get(id(node), ""))
    libraries = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    added = {name: line for name, uses in free.items() if (line := _import_of(name, uses, libraries))}
    return _with_lines(text, tree, sorted(set(added.values()))), sorted(added)


def _import_of(name: str, uses: set[str], libraries: set[str]) -> str:
    if hasattr(builtins, name):
        return ""
    if name == "datetime":
        if uses <= _DATETIME_CLASS | {""}:
            return "from datetime import datetime"
        return "import datetime" if uses <= _DATETIME_MODULE else ""
    for library, names in _FROM_WHERE_USED.items():
        if library in libraries and name in names:
            return f"from {library} import {name}"
    if name in _MODULES:
        return f"import {name}" if "" not in uses else ""
    return f"from {_FROM[name]} import {name}" if name in _FROM else ""


def with_environment(text: str) -> tuple[str, bool]:
    """The text with ``uvicorn.run`` at HOST and PORT, where it named others."""
    if "uvicorn.run(" not in text:
        return text, False
    before, call, after = text.partition("uvicorn.run(")
    changed = re.sub(r"\bport\s*=\s*(\d+)", r'port=int(os.environ.get("PORT", "\1"))', after, count=1)
    changed = re.sub(r"\bhost\s*=\s*(['\"])[\w.:]+\1", 'host=os.environ.get("HOST", "127.0.0.1")', changed, count=1)
    return before + call + changed, changed != after


def with_health_route(text: str) -> str | None:
    """The text with GET /healthz right after the app is made; None where no app is."""
    tree = _parsed(text)
    for node in tree.body if tree else ():
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name)
            and node.value.func.id == "FastAPI"
        ):
            lines = text.split("\n")
            end = node.end_lineno or node.lineno
            route = [
                "",
                "",
                f'@{node.targets[0].id}.get("/healthz")',
                "async def healthz() -> dict[str, str]:",
                '    return {"status": "ok"}',
            ]
            return "\n".join([*lines[:end], *route, *lines[end:]])
    return None


def _parsed(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _bound(tree: ast.Module) -> Iterator[str]:
    """Every name that is bound anywhere in the file, in whichever scope."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name.split(".")[0]
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case ast.MatchMapping(rest=str(name)):
                yield name
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                yield from names
    yield from ("__file__", "__name__", "__doc__")


def _with_lines(text: str, tree: ast.Module, imports: list[str]) -> str:
    if not imports:
        return text
    at = 0
    for node in tree.body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        if not docstring and not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            break
        at = node.end_lineno or node.lineno
    lines = text.split("\n")
    gap = [""] if at and lines[at - 1].strip() else []
    after = [] if at < len(lines) and not lines[at].strip() else [""]
    return "\n".join([*lines[:at], *gap, *imports, *after, *lines[at:]])
