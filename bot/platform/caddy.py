"""The embedded Caddy: the edge of a Nexus on one machine.

Started by `bot.wiring`. It is a process of its own, so that apps stay reachable while Nexus restarts. Whoever reaches its admin API
owns the routing: the API listens on a socket in a private folder. Nexus answers at ``hosts``; apps are added to the
running Caddy by `adapters.routers.caddy`.

The listening sockets are made here and inherited by Caddy. Caddy would make them itself, sharing the port with whoever has it, and anew at
every change of configuration, which resets the connections that wait in the old one. It also means that nobody is refused
while a killed Caddy comes back: they wait.

Every start, also one after a crash, uses our base configuration with the apps' routes of the last configuration that
Caddy saved by itself. ``caddy run --resume`` was the alternative: it would also resume yesterday's port.
"""

from __future__ import annotations

import contextlib
import errno
import json
import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp

from adapters.routers import caddy_config
from bot.platform.child import Child, Recipe
from bot.platform.data_folder import DataFolder, write_private
from core.errors import OperatorError, PortTaken
from core.hosting.host import Address

LOOPBACK: Final = ("127.0.0.1", "::1")
EVERYWHERE: Final = ("",)  #: all interfaces, both families
LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "::1")


class CaddyPlace:
    """Where a data folder's Caddy is reached."""

    def __init__(self, data: DataFolder, *, port: int) -> None:
        self._data = data
        self._port = port

    @property
    def admin_socket(self) -> Path:
        """For `adapters.routers.caddy.CaddyRouter`."""
        return self._data.runtime / "caddy" / "admin.sock"

    @property
    def targets(self) -> Path:
        """For `CaddyRouter` too: the folder of the routes' addresses."""
        return self._home / "targets"

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        """Where a person on this machine finds Nexus."""
        return "http://localhost" + ("" if self._port == 80 else f":{self._port}")

    @property
    def _home(self) -> Path:
        return self._data.folder("caddy", mode=0o700)


class EmbeddedCaddy(CaddyPlace):
    """A supervised Caddy on a data folder. One at a time per folder: the caller has claimed the folder.

    ``nexus`` is where Nexus's own HTTP server listens; ``hosts`` lead there.
    """

    def __init__(
        self,
        data: DataFolder,
        *,
        program: Path,
        port: int,
        nexus: Address,
        bind: Sequence[str] = LOOPBACK,
        hosts: Sequence[str] = LOCAL_HOSTS,
    ) -> None:
        super().__init__(data, port=port)
        self._program = program
        self._bind = tuple(bind)
        self._nexus = nexus
        self._hosts = tuple(hosts)
        self._sockets: list[socket.socket] = []
        self._child = Child(
            name="caddy",
            run=data.run,
            logs=data.logs,
            prepare=self._prepare,
            ready=self._answers,
            ready_seconds=15.0,
            stop_signals=((signal.SIGTERM, 3.0),),
        )

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def restarts(self) -> int:
        """How often it was brought back since `start`."""
        return self._child.restarts

    def tail(self, lines: int = 20) -> str:
        """The last lines of its log."""
        return self._child.tail(lines)

    async def start(self) -> bool:
        """Start it, or adopt the one that survived and give it today's port and address; returns whether it was adopted.

        Raises:
            PortTaken: another program listens on the port.
            ChildFailed: it does not start for another reason.
        """
        if self._child.survivor() and self._told() != self._wish():
            await self._child.stop()  # it listens elsewhere
        try:
            adopted = await self._child.start()
            if adopted:
                await self._renew()
        except BaseException:
            await self.stop()
            raise
        return adopted

    async def stop(self) -> None:
        """Stop it; requests in flight get three seconds."""
        await self._child.stop()
        self._close()

    # -- steps -----------------------------------------------------------------------------------------------------

    @property
    def _saved(self) -> Path:
        return self._home / "caddy" / "autosave.json"  # below XDG_CONFIG_HOME, written by Caddy at every change

    async def _prepare(self) -> Recipe:
        if not self._sockets:
            self._sockets = self._listen()
        folder = self.admin_socket.parent
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)
        self.targets.mkdir(mode=0o700, exist_ok=True)
        apps = self._kept()
        self._sweep(apps)
        config = self._config([f"fd/{s.fileno()}" for s in self._sockets], apps)
        file = self._home / "start.json"
        write_private(file, json.dumps(config, indent=1).encode())
        write_private(self._data.run / "caddy.listen", json.dumps(self._wish()).encode())
        home = str(self._home)
        return Recipe(
            argv=[str(self._program), "run", "--config", str(file)],
            env={"PATH": "/usr/bin:/bin", "HOME": home, "XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home, "LANG": "C.UTF-8"},
            cwd=self._home,
            fds=[s.fileno() for s in self._sockets],
        )

    def _wish(self) -> list[Any]:
        return [self._port, *self._bind]

    def _told(self) -> Any:
        """Where the surviving Caddy listens: its sockets have numbers alone."""
        with contextlib.suppress(OSError, ValueError):
            return json.loads((self._data.run / "caddy.listen").read_text())
        return None

    def _config(self, listen: Sequence[str], apps: Sequence[Any]) -> dict[str, Any]:
        return caddy_config.edge(
            admin_socket=self.admin_socket,
            storage=self._home / "storage",
            listen=listen,
            hosts=self._hosts,
            nexus=self._nexus,
            apps=apps,
        )

    def _kept(self) -> list[Any]:
        """The apps' routes that Caddy saved; a file that a crash cut short counts as none, and the reconciler adds them."""
        with contextlib.suppress(OSError, ValueError):
            return caddy_config.app_routes(json.loads(self._saved.read_text()))
        return []

    def _sweep(self, apps: Sequence[Any]) -> None:
        """Remove the address files that no route uses."""
        used = {caddy_config.target_file_of(route) for route in apps}
        for file in self.targets.iterdir():
            if file not in used:
                file.unlink(missing_ok=True)

    def _listen(self) -> list[socket.socket]:
        found: list[socket.socket] = []
        try:
            for host in self._bind:
                if (made := self._listen_on(host)) is not None:
                    found.append(made)
        except BaseException:
            for made in found:
                made.close()
            raise
        if not found:
            raise OperatorError(f"Nexus cannot listen on any of {', '.join(self._bind)}; check the bind addresses.")
        return found

    def _listen_on(self, host: str) -> socket.socket | None:
        """A listening socket; None for an IPv6 address on a machine without IPv6."""
        both = not host and socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if both or ":" in host else socket.AF_INET
        try:
            return socket.create_server((host, self._port), family=family, backlog=1024, dualstack_ipv6=both)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(self._taken()) from error
            if error.errno == errno.EACCES:
                raise OperatorError(f"Port {self._port} is for root alone. Choose one above 1023 with --port.") from error
            if family == socket.AF_INET6 and not both:
                return None
            raise OperatorError(f"Nexus cannot listen on {host}:{self._port}: {error.strerror}.") from error

    def _close(self) -> None:
        while self._sockets:
            self._sockets.pop().close()

    def _taken(self) -> str:
        return (
            f"Port {self._port} is taken by another program. Stop it (`ss -ltnp 'sport = :{self._port}'` shows which), or choose "
            "another port with --port."
        )

    async def _renew(self) -> None:
        """Give an adopted Caddy today's base configuration; the apps' routes stay, and no request is lost."""
        async with self._admin() as session:
            async with session.get("http://localhost/config/") as response:
                present = await response.json()
            try:
                listen = present["apps"]["http"]["servers"][caddy_config.SERVER]["listen"]
            except (KeyError, TypeError) as error:
                raise OperatorError("The Caddy that runs on this data folder is not set up by Nexus; stop it.") from error
            wanted = self._config(listen, caddy_config.app_routes(present))
            if wanted == present:
                return
            async with session.post("http://localhost/load", json=wanted) as response:
                if response.status != 200:
                    raise OperatorError(f"Caddy refused its configuration: {(await response.text())[:300]}")

    async def _answers(self) -> bool:
        try:
            async with self._admin() as session, session.get(f"http://localhost/id/{caddy_config.APPS}/routes") as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    def _admin(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path=str(self.admin_socket), force_close=True),
            timeout=aiohttp.ClientTimeout(total=10),
        )
