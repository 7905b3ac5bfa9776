"""Starts a FastAPI (or any ASGI) app, for the platform. Run by the app's own interpreter, in the app's folder.

``launch_fastapi.py`` serves on the unix socket ``NEXUS_SOCKET``, or at ``HOST``:``PORT``. ``launch_fastapi.py check`` compiles
every file and imports the app, which must need neither database nor network. One worker; at most 3 seconds to finish on SIGTERM.

The interpreter that starts this file is any Python: it hands over to ``.venv/bin/python`` of the folder it is started in, so that
the folder may lie anywhere. Nothing of Nexus is imported here.
"""

from __future__ import annotations

import compileall
import contextlib
import importlib
import logging
import os
import py_compile
import re
import socket
import sys
from pathlib import Path
from typing import Any

MODULES = ("app.main", "main", "app.app", "app", "src.main", "src.app", "server", "api", "asgi")
NAMES = ("app", "application", "api", "create_app")


def enter_venv() -> None:
    """Replace this process by the app's own interpreter, once."""
    python = Path.cwd() / ".venv" / "bin" / "python"
    if Path(sys.prefix) == Path.cwd() / ".venv" or not python.exists():
        return
    os.execv(python, [str(python), os.path.abspath(__file__), *sys.argv[1:]])  # noqa: S606 (our own file)


def load() -> Any:
    """Import the app object of the folder."""
    sys.path[0] = os.getcwd()  # in place of the launchers' folder
    for module in MODULES:
        file = Path(*module.split("."))
        if not file.with_suffix(".py").is_file() and not (file / "__init__.py").is_file():
            continue
        loaded = importlib.import_module(module)
        for name in NAMES:
            found = getattr(loaded, name, None)
            if callable(found):
                return found() if name == "create_app" else found
    sys.exit("No app was found: define `app = FastAPI()` in app/main.py or main.py.")


def check() -> None:
    """Compile and import; a message that names file and line, and exit code 1, when that fails.

    Byte code is trusted without looking at file times (the artifact never changes, and is moved about)."""
    own = re.compile(r"[/\\](\.venv|node_modules)[/\\]")
    if not compileall.compile_dir(".", quiet=1, rx=own, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH):
        sys.exit(1)
    os.environ.pop("DATABASE_URL", None)
    load()
    print("The app compiles and imports.")


class Lines(logging.Formatter):
    """Short lines: ``GET /api/todos 200``."""

    def format(self, record: logging.LogRecord) -> str:
        if record.name == "uvicorn.access" and isinstance(record.args, tuple) and len(record.args) == 5:
            _, method, path, _, status = record.args
            return f"{method} {path} {status}"
        return super().format(record)


def not_health(record: logging.LogRecord) -> bool:
    """Health checks come every few seconds; only the ones that fail are worth a line."""
    return not (
        record.name == "uvicorn.access"
        and isinstance(record.args, tuple)
        and len(record.args) == 5
        and str(record.args[2]).startswith("/healthz")
        and record.args[4] == 200
    )


def unix_socket(path: str) -> socket.socket:
    """Listen on a socket file that the proxy, another user, may connect to; a stale one is replaced."""
    Path(path).unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o111)
    try:
        listening.bind(path)
    finally:
        os.umask(before)
    return listening


def serve() -> None:
    app = load()
    config_of, server_of = (importlib.import_module(name) for name in ("uvicorn.config", "uvicorn.server"))
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Lines("%(message)s"))
    handler.addFilter(not_health)
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    path = os.environ.get("NEXUS_SOCKET", "")
    config = config_of.Config(
        app,
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "8000")),
        log_config=None,
        log_level="info",
        timeout_graceful_shutdown=3,
        proxy_headers=True,
        forwarded_allow_ips="*" if path else "127.0.0.1",
        server_header=False,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    listening = [unix_socket(path)] if path else None

    server = server_of.Server(config)
    finish = server.shutdown

    async def shutdown(sockets: list[socket.socket] | None = None) -> None:
        await finish(sockets)
        if path:  # here, because uvicorn then ends the process by raising the signal again
            Path(path).unlink(missing_ok=True)

    server.shutdown = shutdown
    print(f"Listening on {path or f'{config.host}:{config.port}'}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=listening)
    if not server.started:
        sys.exit(3)


if __name__ == "__main__":
    enter_venv()
    check() if sys.argv[1:] == ["check"] else serve()
