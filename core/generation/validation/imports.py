"""Imports of scripts: each must lead to a file of the app, to a package among its dependencies, or to Node.js itself.

And what is taken from a file of the app must be exported there, as far as that is certain: a file that re-exports everything of another,
or exports at run time, is not asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

from tree_sitter import Node

from core.files import FileTree
from core.generation import packages
from core.generation.problem import Problem, ProblemKind
from core.generation.validation.modules import Modules, package_of
from core.generation.validation.scripts import Script, Scripts
from core.words.plan import FrameworkName

_TEST = re.compile(r"(?:^|/)(?:__tests__|__mocks__|tests?|e2e|cypress)/|\.(?:test|spec|stories|cy)\.\w+$")
_LISTS = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")


class Imports:
    """Checks the imports of one app's scripts."""

    def __init__(self, tree: FileTree, scripts: Scripts, framework: FrameworkName, dependencies: Collection[str]) -> None:
        self._tree = tree
        self._scripts = scripts
        self._framework = framework
        self._modules = Modules(tree)
        self._installed = {*dependencies, *_named_in(tree)}
        self._mapped = _import_maps(tree)
        self._exports: dict[str, frozenset[str] | None] = {}

    def check(self, path: str) -> Iterator[Problem]:
        """The imports of one file that lead nowhere."""
        for script in self._scripts.of(path):
            for node in script.nodes("import_statement", "export_statement", "import_require_clause", "call_expression"):
                if node.type == "call_expression":
                    source = _loaded(node)
                    if source is not None and not _guarded(node):
                        yield from self._specifier(path, script, node, source, types_only=False)
                    continue
                source = _text(node.child_by_field_name("source"))
                if source is not None:
                    yield from self._specifier(path, script, node, source, types_only=_types_only(node))
                    yield from self._names(path, script, node, source)

    def _specifier(self, path: str, script: Script, node: Node, source: str, *, types_only: bool) -> Iterator[Problem]:
        if self._modules.is_local(source):
            if self._modules.file(path, source) is None:
                message = f"It imports {source[:120]!a}, and there is no such file; write it, or correct the path."
                yield Problem(path=path, line=script.line(node), message=message, kind=ProblemKind.MISSING_MODULE, subject=source)
            return
        name = package_of(source)
        if name is None or types_only or name in self._installed or name in self._mapped or _TEST.search(path):
            return
        yield Problem(
            path=path,
            line=script.line(node),
            message=_missing(self._framework, name),
            kind=ProblemKind.MISSING_PACKAGE,
            subject=name,
        )

    def _names(self, path: str, script: Script, node: Node, source: str) -> Iterator[Problem]:
        if not self._modules.is_local(source):
            return
        target = self._modules.file(path, source)
        if not target or target == path or "?" in source:
            return
        exported = self._exported(target)
        if exported is None:
            return
        for name in _imported(node):
            if name not in exported:
                what = "default export" if name == "default" else f"export {name[:80]!a}"
                message = f"It imports the {what} of {target}, which has none; add it there, or import what is there."
                if name != "default" and "default" in exported and len(exported) == 1:
                    message = f"It imports {name[:80]!a} of {target}, which has a default export alone; import that, or export the name."
                line = script.line(node)
                yield Problem(path=path, line=line, message=message, kind=ProblemKind.MISSING_NAME, subject=f"{target}:{name}")

    def _exported(self, path: str) -> frozenset[str] | None:
        """What a file exports; None when that cannot be told."""
        if path not in self._exports:
            scripts = self._scripts.of(path) if path.endswith((".js", ".jsx", ".mjs", ".ts", ".tsx", ".mts")) else ()
            self._exports[path] = _exports(scripts[0]) if len(scripts) == 1 and not path.endswith(".d.ts") else None
        return self._exports[path]


def _missing(framework: FrameworkName, name: str) -> str:
    if name in packages.allowed(framework):
        return f"It imports the package {name[:80]!a}, which is not among the dependencies; add it there."
    return (
        f"It imports the package {name[:80]!a}, which is not among the dependencies; add it there if it exists, or do it without."
    )


def _named_in(tree: FileTree) -> Iterator[str]:
    """The packages that any package.json of the app names, and the app's own name."""
    for path, text in tree.items():
        if path.rpartition("/")[2] != "package.json":
            continue
        try:
            package = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(package, dict):
            for key in _LISTS:
                names = package.get(key)
                if isinstance(names, dict):
                    yield from map(str, names)
            if isinstance(package.get("name"), str):
                yield package["name"]


def _import_maps(tree: FileTree) -> frozenset[str]:
    """Bare names that a page's import map explains."""
    return frozenset(
        found
        for path, text in tree.items()
        if path.endswith(".html") and "importmap" in text
        for found in re.findall(r'"([^"\s:]{1,100})/?"\s*:', text)
    )


# -- what one statement says --------------------------------------------------------------------------------------------------------


def _text(string: Node | None) -> str | None:
    """The value of a string without escapes."""
    if string is None or string.type != "string" or string.named_child_count != 1:
        return None
    fragment = string.named_children[0]
    if fragment.type != "string_fragment" or fragment.text is None:
        return None
    return fragment.text.decode()


def _loaded(call: Node) -> str | None:
    """What ``require("…")`` or ``import("…")`` loads; None of any other call."""
    function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if function is None or arguments is None or arguments.named_child_count == 0:
        return None
    if function.type == "import" or (function.type == "identifier" and function.text == b"require"):
        return _text(arguments.named_children[0])
    return None


def _types_only(statement: Node) -> bool:
    return any(child.type == "type" for child in statement.children)


def _guarded(node: Node) -> bool:
    """Whether it stands in a ``try``: then it may fail."""
    parent = node.parent
    while parent is not None and parent.type != "try_statement":
        parent = parent.parent
    return parent is not None


def _imported(statement: Node) -> Iterator[str]:
    """The names that an import, or an export from elsewhere, takes; "default" for the default."""
    if statement.type == "import_statement":
        clause = next((child for child in statement.named_children if child.type == "import_clause"), None)
        for part in clause.named_children if clause is not None else ():
            if part.type == "identifier":
                yield "default"
            elif part.type == "named_imports":
                yield from _specifiers(part)
    else:
        for part in statement.named_children:
            if part.type == "export_clause":
                yield from _specifiers(part)


def _specifiers(clause: Node) -> Iterator[str]:
    for specifier in clause.named_children:
        name = specifier.child_by_field_name("name")
        if name is not None and name.type == "identifier" and name.text:
            yield name.text.decode()
        elif any(child.type == "default" for child in specifier.children):
            yield "default"


_NAMED = frozenset(
    {
        *("function_declaration", "generator_function_declaration", "class_declaration", "abstract_class_declaration"),
        *(
            "interface_declaration",
            "type_alias_declaration",
            "enum_declaration",
            "internal_module",
            "module",
            "function_signature",
        ),
        *("import_alias",),
    }
)


def _exports(script: Script) -> frozenset[str] | None:
    """The names that a module exports; None when it is no plain module, or says so only at run time."""
    if not script.sound:
        return None
    found: set[str] = set()
    statements = list(script.nodes("export_statement"))
    if not statements:
        return frozenset() if re.search(r"^\s*import\b", script.text, re.MULTILINE) and "exports" not in script.text else None
    for statement in statements:
        if statement.parent is None or statement.parent.type != "program":
            continue
        names = _export(statement)
        if names is None:
            return None
        found |= names
    return frozenset(found)


def _export(statement: Node) -> set[str] | None:
    if any(child.type == "default" for child in statement.children):
        return {"default"}
    declaration = statement.child_by_field_name("declaration")
    if declaration is not None:
        if declaration.type == "ambient_declaration":
            declaration = _first(declaration)
        return _declared(declaration) if declaration is not None else None
    names: set[str] = set()
    for child in statement.named_children:
        if child.type == "export_clause":
            for specifier in child.named_children:
                name = specifier.child_by_field_name("alias") or specifier.child_by_field_name("name")
                if name is None:
                    names.add("default")
                elif name.type == "identifier" and name.text:
                    names.add(name.text.decode())
                elif name.type == "default":
                    names.add("default")
                else:
                    return None
        elif child.type == "namespace_export":
            name = _first(child)
            if name is None or name.text is None:
                return None
            names.add(name.text.decode())
        elif child.type not in {"string", "comment"}:
            return None
    return names or None


def _first(node: Node) -> Node | None:
    return next(iter(node.named_children), None)


def _declared(declaration: Node) -> set[str] | None:
    if declaration.type in _NAMED:
        name = declaration.child_by_field_name("name") or _first(declaration)
        return {name.text.decode()} if name is not None and name.text else None
    if declaration.type not in {"lexical_declaration", "variable_declaration"}:
        return None
    names: set[str] = set()
    for declarator in declaration.named_children:
        if declarator.type == "variable_declarator":
            target = declarator.child_by_field_name("name")
            if target is not None:
                names |= _bound(target)
    return names


def _bound(pattern: Node) -> set[str]:
    """The names that a pattern binds; one too many does no harm."""
    names: set[str] = set()
    left = [pattern]
    while left:
        node = left.pop()
        if node.type in {"identifier", "shorthand_property_identifier_pattern"} and node.text:
            names.add(node.text.decode())
        left += node.named_children
    return names
