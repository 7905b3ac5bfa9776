"""Chromium (or a browser made of it) behind the walls of the sandbox: opens the pages of an app that is tried, and photographs the first.

Called by wiring; through its port by try-outs. The sandbox gives it no network: the one thing that it can reach is the app's own socket,
linked into the folder that it shares with us, and `adapters.browsers.inside.driver` hands the browser's requests on to it. Chromium's own
sandbox is off in there: it would need what ours refuses, and ours is what holds.

It refuses to open a page where the walls do not have a network of their own. Nothing that comes out of the folder is believed: files are
opened only when they are files, read to a bound, and what they say is checked.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import stat
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from adapters.browsers import inside
from core.errors import InvalidInput, NexusError, NotHealthy
from core.hosting.host import Address, UnixAddress
from core.verification.browser import Browser, NotSeen, Seen, Sight, Tab, Visit
from core.verification.completion import in_thread
from core.verification.pictures import MAX_BYTES, Picture, picture_of
from core.verification.sandbox import Command, Ending, Outcome, Sandbox
from core.verification.untrusted import remove
from core.words.walls import Isolation, Limits, Mount

NO_BROWSER = "no browser on this machine (install chromium, or set NEXUS_BROWSER)"

_INSIDE = "/run/nexus/browser"
_LIMITS = Limits(cpus=2.0, memory_mb=1024, pids=512, open_files=4096, file_mb=64, seconds=3600.0)
_PATIENCE = 15.0  # seconds
_WHOLE_VISIT = 50.0  # seconds, the browser's start included
_HALF_MADE_SECONDS = 60.0
_MAX_JSON = 200_000  # bytes
_MAX_SIGHTS = 32
_MAX_ERRORS = 12
_MAX_TEXT = 400
#: What a browser looks for outside of the system's folders: its fonts, and the words that Debian's starting script adds.
_SETTINGS = ("/etc/fonts", "/var/cache/fontconfig", "/etc/chromium.d")
_ARGUMENTS = (
    *("--headless", "--remote-debugging-pipe", "--no-sandbox", "--no-zygote", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--user-data-dir=/tmp/profile", "--disk-cache-size=1048576", "--no-first-run", "--no-default-browser-check"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps"),
    *("--disable-extensions", "--disable-breakpad", "--disable-crash-reporter", "--disable-client-side-phishing-detection"),
    *("--disable-site-isolation-trials", "--enable-features=NetworkServiceInProcess2", "--mute-audio", "--hide-scrollbars"),
    "--disable-features=Translate,OptimizationHints,MediaRouter,DialMediaRouteProvider,IsolateOrigins,site-per-process,"
    "PreloadTopChromeWebUI,WebUIOmniboxPopup,WebUIOmniboxAimPopup",
    *("--force-color-profile=srgb", "--lang=en-US", "--window-size=1280,800", "--js-flags=--max-old-space-size=256"),
    *("--host-resolver-rules=MAP try-out.localhost 127.0.0.1, MAP * ~NOTFOUND", "about:blank"),
)


class Chromium(Browser):
    """Starts ``program`` in ``sandbox``. ``python`` runs the driver; ``folder`` must be on the disk of the instances' sockets; a page
    has ``patience`` seconds to load."""

    def __init__(
        self, program: Path | None, sandbox: Sandbox, *, python: Path, folder: Path, patience: float = _PATIENCE
    ) -> None:
        self._program = program
        self._sandbox = sandbox
        self._python = python
        self._folder = folder
        self._patience = patience
        if program is None:
            self.why_not = NO_BROWSER
        elif sandbox.isolation is not Isolation.NAMESPACES:
            self.why_not = "not opened in a browser: this sandbox cannot wall one in"

    @asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        if self.why_not or self._program is None:
            yield _NoTab(self.why_not)
            return
        shared, lock = _new_tab(self._folder)
        running = asyncio.create_task(self._sandbox.run(self._command(self._program, shared)), name="browser")
        try:
            yield _Tab(shared, running, self._patience)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await in_thread(remove, shared)
            os.close(lock)

    async def sweep(self) -> None:
        await in_thread(_sweep, self._folder)

    def _command(self, program: Path, shared: Path) -> Command:
        code = Path(inside.__file__).parent
        mounts = [Mount(source=code, target=_INSIDE)]
        mounts += [Mount(source=Path(path), target=path) for path in _SETTINGS if os.path.isdir(path)]
        home = Path(os.path.realpath(program)).parent
        if not home.is_relative_to("/usr") and home != Path("/bin"):
            mounts.append(Mount(source=home, target=str(home)))
            program = Path(os.path.realpath(program))
        return Command(
            argv=(str(self._python), "-I", "-S", f"{_INSIDE}/driver.py", str(program), *_ARGUMENTS),
            workdir=shared,
            mounts=mounts,
            limits=_LIMITS,
        )


class _NoTab(Tab):
    def __init__(self, why: str) -> None:
        self._why = why

    async def visit(self, address: Address, visit: Visit) -> Seen | NotSeen:
        return NotSeen(why=self._why)


class _Tab(Tab):
    def __init__(self, shared: Path, running: asyncio.Task[Outcome], patience: float) -> None:
        self._shared = shared
        self._running = running
        self._patience = patience

    async def visit(self, address: Address, visit: Visit) -> Seen | NotSeen:
        if not isinstance(address, UnixAddress):
            return NotSeen(why="not opened in a browser: the app has no socket of its own")
        try:
            os.link(address.path, self._shared / "app.sock")
        except OSError as error:
            return NotSeen(why=f"not opened in a browser: the app's socket cannot be linked ({error.strerror})")
        order = {
            "paths": list(visit.paths),
            "cookies": [asdict(one) for one in visit.cookies],
            "forgiven": list(visit.forgiven),
            "patience": self._patience,
        }
        new = self._shared / "order.new"
        new.write_text(json.dumps(order))
        new.chmod(0o644)
        new.rename(self._shared / "order.json")
        await asyncio.wait({self._running}, timeout=_WHOLE_VISIT)
        begun = _is_file(self._shared / "ready.json")
        if not self._running.done():
            return self._ended_badly(begun, f"was not done after {_WHOLE_VISIT:.0f} s")
        try:
            outcome = self._running.result()
        except (NexusError, OSError) as error:
            return NotSeen(why=f"the browser could not be started ({str(error)[:120]})")
        if outcome.ending is Ending.OUT_OF_MEMORY:
            return self._ended_badly(begun, f"needed more than {_LIMITS.memory_mb} MB of memory in a browser")
        seen = await asyncio.to_thread(_read_seen, self._shared)
        if seen is not None:
            return seen
        return self._ended_badly(begun, "brought the browser down")

    def _ended_badly(self, begun: bool, what: str) -> NotSeen:
        """Before the first page was opened it is the machine's fault, and from then on the page's."""
        if begun:
            raise NotHealthy(f"The page {what}.")
        return NotSeen(why="the browser of this machine does not start (`nexus doctor` says which it is)")


def _new_tab(folder: Path) -> tuple[Path, int]:
    """A folder for a tab, and the lock that says that somebody alive has it."""
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    hidden = Path(tempfile.mkdtemp(prefix=".b", dir=folder))  # what can be seen and is not locked looks abandoned
    lock = os.open(hidden, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return hidden.rename(folder / hidden.name.removeprefix(".")), lock


def _sweep(folder: Path) -> None:
    for tab in folder.iterdir() if folder.is_dir() else ():
        with suppress(OSError):
            if tab.name.startswith(".") and time.time() - tab.stat().st_mtime < _HALF_MADE_SECONDS:
                continue
            lock = os.open(tab, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(tab)
            finally:
                os.close(lock)


# -- what came out of the walls ------------------------------------------------------------------------------------


def _is_file(path: Path) -> bool:
    with suppress(OSError):
        return stat.S_ISREG(path.lstat().st_mode)
    return False


def _read(path: Path, most: int) -> bytes:
    """The file's content, empty when it is none or has more than ``most`` bytes."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return b""
        with open(fd, "rb", closefd=False) as file:
            content = file.read(most + 1)
    finally:
        os.close(fd)
    return content if len(content) <= most else b""


def _read_seen(shared: Path) -> Seen | None:
    try:
        told = json.loads(_read(shared / "seen.json", _MAX_JSON))
        sights = [_sight(one) for one in told["sights"][:_MAX_SIGHTS]]
        pictures = told["pictures"]
        return Seen(
            sights=sights,
            wide=_picture(shared, "wide", pictures),
            narrow=_picture(shared, "narrow", pictures),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _sight(told: Mapping[str, Any]) -> Sight:
    return Sight(
        path=str(told["path"])[:_MAX_TEXT],
        trouble=str(told["trouble"])[:_MAX_TEXT],
        errors=_texts(told["errors"]),
        error_count=max(0, int(told["error_count"])),
        requests=max(0, int(told["requests"])),
        elsewhere=_texts(told["elsewhere"]),
        empty=bool(told["empty"]),
        fits_phone=bool(told["fits"]),
        seconds=min(_WHOLE_VISIT, max(0.0, float(told["seconds"]))),
    )


def _texts(told: Sequence[Any]) -> Sequence[str]:
    return tuple(str(one)[:_MAX_TEXT] for one in told[:_MAX_ERRORS])


def _picture(shared: Path, name: str, pictures: Mapping[str, Any]) -> Picture | None:
    ending = str(pictures.get(name, "")).rpartition(".")[2]
    if ending not in ("png", "jpeg"):
        return None
    try:
        return picture_of(_read(shared / f"{name}.{ending}", MAX_BYTES))
    except InvalidInput:
        return None
