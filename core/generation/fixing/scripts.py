"""Fixers for JavaScript, TypeScript and Vue files: hooks that were not imported, addresses of its own, a health route, require
in a project of modules.

Pure, called by `core.generation.fixing`. It goes by patterns that mean one thing only, and leaves alone whatever looks otherwise.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection, Sequence

from core.files import FileTree


def _words(text: str) -> Sequence[str]:
    return text.split()


_REACT = _words(
    "createContext useActionState useCallback useContext useDeferredValue useEffect useId useLayoutEffect useMemo useOptimistic "
    "useReducer useRef useState useTransition"
)
_VUE = _words("computed nextTick onBeforeUnmount onMounted onUnmounted reactive ref watch watchEffect")
_BUILTINS = _words(
    "assert buffer child_process cluster crypto dns events fs http http2 https net os path perf_hooks process querystring readline "
    "stream string_decoder timers tls tty url util v8 vm worker_threads zlib"
)
_NOT_FOUND = re.compile(
    r"(?:Cannot find (?:module|package)|Can't resolve|failed to resolve import|Could not resolve)\s+"
    r"""["'](?P<name>@?[A-Za-z0-9][^"']*)["']""",
    re.IGNORECASE,
)


def packages_named_in(log: str) -> list[str]:
    """The packages that a log says are not there."""
    names = [match["name"] for match in _NOT_FOUND.finditer(log)]
    return ["/".join(name.split("/")[: 2 if name.startswith("@") else 1]) for name in names]


# -- imports ------------------------------------------------------------------------------------------------------------------------


def with_missing_imports(path: str, text: str, dependencies: Collection[str]) -> tuple[str, list[str]]:
    """The text with imports of React's hooks, or Vue's functions in a setup script, that it calls and has from nowhere."""
    if path.endswith(".vue"):
        script = re.search(r"<script\b[^>]*\bsetup\b[^>]*>\n?", text)
        end = text.find("</script>", script.end()) if script else -1
        if script is None or end < 0:
            return text, []
        inside, names = _with_imports(text[script.end() : end], "vue", _VUE)
        return text[: script.end()] + inside + text[end:], names
    if "react" not in dependencies or not path.endswith((".js", ".jsx", ".ts", ".tsx")):
        return text, []
    return _with_imports(text, "react", _REACT)


def _with_imports(text: str, library: str, known: Collection[str]) -> tuple[str, list[str]]:
    missing = [name for name in known if _called(name, text) and not _declared(name, text)]
    if not missing:
        return text, []
    names = ", ".join(missing)
    braces = re.search(rf"\bimport\s+(?!type\b)(?:\w+\s*,\s*)?\{{(?P<names>[^}}]*)\}}\s*from\s*['\"]{library}['\"]", text)
    if braces:
        listed = braces["names"].rstrip().rstrip(",")
        inside = f"{listed}, {names} " if listed.strip() else f" {names} "
        return text[: braces.start("names")] + inside + text[braces.end("names") :], missing
    alone = re.search(rf"\bimport\s+(?!type\b)(?P<default>\w+)(?P<after>\s+from\s*['\"]{library}['\"])", text)
    if alone:
        return text[: alone.end("default")] + f", {{ {names} }}" + text[alone.end("default") :], missing
    directive = re.match(r"(?:\s*['\"]use \w+['\"];?[ \t]*\n)+", text)
    at = directive.end() if directive else 0
    return f"{text[:at]}import {{ {names} }} from '{library}';\n{text[at:]}", missing


def _called(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w.$'\"]){name}\s*(?:<[^<>()]*>)?\(", text) is not None


def _declared(name: str, text: str) -> bool:
    if re.search(rf"\b(?:function|const|let|var|class)\s+{name}\b", text):
        return True
    lists = re.finditer(
        r"\bimport\b(?P<a>[^;'\"]*)['\"]|\b(?:const|let|var)\s*\{(?P<b>[^}]*)\}\s*=|\bfunction\b[^(]*\((?P<c>[^)]*)\)", text
    )
    return any(re.search(rf"\b{name}\b", match["a"] or match["b"] or match["c"] or "") for match in lists)


# -- addresses ----------------------------------------------------------------------------------------------------------------------

_HOST = "process.env.HOST ?? '127.0.0.1'"
_LISTEN = re.compile(
    r"\.listen\(\s*(?P<port>\d{2,5}|\w+)(?P<host>\s*,\s*(['\"])(?:0\.0\.0\.0|localhost|127\.0\.0\.1|::)\3)?(?=\s*[,)])"
)
_PORT = re.compile(
    r"^(?P<before>[ \t]*(?:const|let|var)\s+(?:PORT|port)\s*=\s*)(?P<port>\d{2,5})(?P<after>\s*;?[ \t]*)$", re.MULTILINE
)
_OWN_ORIGIN = re.compile(r"(?P<quote>['\"`])https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d{2,5})?(?=/|(?P=quote))")


def with_environment(path: str, text: str) -> tuple[str, bool]:
    """The text with HOST and PORT where it listens, and with addresses relative to the page where it runs in a browser."""
    if _in_browser(path):
        changed = _OWN_ORIGIN.sub(lambda match: match["quote"], text)
        return changed, changed != text
    if ".listen(" not in text:
        return text, False
    changed = text
    if "process.env.PORT" not in text:
        changed = _PORT.sub(r"\g<before>Number(process.env.PORT ?? \g<port>)\g<after>", changed)

    def listening(match: re.Match[str]) -> str:
        port, host = match["port"], match["host"]
        if port.isdigit():
            return f".listen(Number(process.env.PORT ?? {port}), {_HOST}"
        return f".listen({port}, {_HOST}" if host else match[0]

    changed = _LISTEN.sub(listening, changed)
    return changed, changed != text


def _in_browser(path: str) -> bool:
    if path.startswith(("server/", "app/api/", "src/app/api/")) or path == "server.js":
        return False
    return path.startswith(("public/", "static/")) or path.endswith((".jsx", ".tsx", ".vue", ".html"))


def with_health_route(text: str) -> str | None:
    """The text with GET /healthz right after the Express app is made; None where none is."""
    made = re.search(r"^(?:const|let|var)\s+(?P<app>\w+)\s*=\s*express\(\)\s*;?[ \t]*$", text, re.MULTILINE)
    if made is None:
        return None
    route = f"\n{made['app']}.get('/healthz', (request, response) => response.json({{ status: 'ok' }}));"
    return text[: made.end()] + route + text[made.end() :]


# -- require and import -------------------------------------------------------------------------------------------------------------

_REQUIRE = re.compile(
    r"^(?:const|let|var)\s+(?P<what>\w+|\{[\w\s,:]*\})\s*=\s*require\(\s*(['\"])(?P<from>[^'\"]+)\2\s*\)[ \t]*;?[ \t]*$",
    re.MULTILINE,
)
_EXPORT_ONE = re.compile(r"^module\.exports\s*=\s*(?P<what>\w+)[ \t]*;?[ \t]*$", re.MULTILINE)
_EXPORT_MANY = re.compile(r"^module\.exports\s*=\s*\{(?P<what>[\w\s,]*)\}[ \t]*;?[ \t]*$", re.MULTILINE)
_LOCAL = re.compile(
    r"(?P<before>^(?:import|export)\b[^'\"\n;]*?['\"]|^\}\s*from\s*['\"])(?P<from>\.{1,2}/[^'\"\n]+)(?=['\"])", re.MULTILINE
)


def as_module(tree: FileTree, path: str) -> str | None:
    """A server file as the module that its package.json says it is: require as import, local files with their extension. None
    where nothing is to be done, or where it is not plain how."""
    if not path.endswith(".js") or _in_browser(path) or not _of_modules(tree):
        return None
    text = tree[path]
    if re.search(r"\brequire\(|\bmodule\.exports\b|^exports\.", text, re.MULTILINE) and "createRequire" not in text:
        converted = _converted(tree, path)
        if converted is None:
            return None
        text = converted
    if not (path.startswith("server/") or "express" in tree.get("package.json", "")):
        return None if text == tree[path] else text
    text = _LOCAL.sub(lambda match: match["before"] + (_local(tree, path, match["from"]) or match["from"]), text)
    return None if text == tree[path] else text


def _of_modules(tree: FileTree) -> bool:
    try:
        package = json.loads(tree.get("package.json", "{}"))
    except (ValueError, RecursionError):
        return False
    return isinstance(package, dict) and package.get("type") == "module"


def _converted(tree: FileTree, path: str) -> str | None:
    unclear = False

    def importing(match: re.Match[str]) -> str:
        nonlocal unclear
        line = _import_line(tree, path, match["what"], match["from"])
        unclear = unclear or line is None
        return line or match[0]

    text = _REQUIRE.sub(importing, tree[path])
    text = _EXPORT_ONE.sub(r"export default \g<what>;", text)
    text = _EXPORT_MANY.sub(lambda match: f"export {{{match['what']}}};", text)
    left = re.search(r"\brequire\(|\bmodule\.exports\b|^exports\.", text, re.MULTILINE)
    return None if unclear or left else text


def _import_line(tree: FileTree, path: str, what: str, source: str) -> str | None:
    names = re.sub(r"\s*:\s*", " as ", what)
    if source.startswith("."):
        place = _local(tree, path, source)
        if place is None:
            return None
        if what.startswith("{"):
            return f"import {names} from '{place}';"
        target = tree[posixpath.normpath(posixpath.join(posixpath.dirname(path), place))]
        default = re.search(r"^export default\b", target, re.MULTILINE) or _EXPORT_ONE.search(target)
        return f"import {what} from '{place}';" if default else f"import * as {what} from '{place}';"
    if not what.startswith("{") or source.removeprefix("node:").split("/")[0] in _BUILTINS:
        return f"import {names} from '{source}';"
    whole = "its" + "".join(
        part.capitalize() for part in re.split(r"\W+", source)
    )  # a CommonJS package has a default and nothing else
    return f"import {whole} from '{source}';\nconst {what} = {whole};"


def _local(tree: FileTree, path: str, source: str) -> str | None:
    """A local specifier with the extension that Node asks for; None when there is no such file."""
    base = posixpath.normpath(posixpath.join(posixpath.dirname(path), source))
    for suffix in ("", ".js", "/index.js"):
        if base + suffix in tree:
            return source.rstrip("/") + suffix
    return None
