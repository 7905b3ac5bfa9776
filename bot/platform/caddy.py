"""The embedded Caddy: the edge of a Nexus on one machine.

Started by `bot.wiring`. It is a process of its own, so that apps stay reachable while Nexus restarts. Whoever reaches its admin API
owns the routing: the API listens on a socket in a private folder. Nexus answers at ``hosts``; apps are added to the
running Caddy by `adapters.routers.caddy`.

Every start, also one after a crash, uses our base configuration with the apps' routes of the last configuration that
Caddy saved by itself. ``caddy run --resume`` was the alternative: it would also resume yesterday's port.
"""

from __future__ import annotations

import contextlib
import errno
import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp

from adapters.routers import caddy_config
from bot.platform.child import Child, ChildFailed, Recipe
from bot.platform.data_folder import DataFolder, write_private
from core.errors import OperatorError, PortTaken
from core.hosting.host import Address

LOOPBACK: Final = ("127.0.0.1", "::1")
EVERYWHERE: Final = ("",)  #: all interfaces, both families
LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "::1")


class EmbeddedCaddy:
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
        self._data = data
        self._program = program
        self._port = port
        self._bind = tuple(bind)
        self._nexus = nexus
        self._hosts = tuple(hosts)
        self._child = Child(
            name="caddy", run=data.run, logs=data.logs, prepare=self._prepare, ready=self._answers, ready_seconds=15.0
        )

    @property
    def admin_socket(self) -> Path:
        """For `adapters.routers.caddy.CaddyRouter`."""
        return self._data.runtime / "caddy" / "admin.sock"

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        """Where a person on this machine finds Nexus."""
        return "http://localhost" + ("" if self._port == 80 else f":{self._port}")

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
        try:
            adopted = await self._child.start()
        except ChildFailed as error:
            if "address already in use" in error.log_tail:  # taken between our look and Caddy's
                raise PortTaken(self._taken()) from error
            raise
        if adopted:
            try:
                await self._renew()
            except BaseException:
                await self._child.stop()
                raise
        return adopted

    async def stop(self) -> None:
        """Stop it; requests in flight get ten seconds."""
        await self._child.stop()

    # -- steps -----------------------------------------------------------------------------------------------------

    @property
    def _home(self) -> Path:
        return self._data.folder("caddy", mode=0o700)

    @property
    def _saved(self) -> Path:
        return self._home / "caddy" / "autosave.json"  # below XDG_CONFIG_HOME, written by Caddy at every change

    async def _prepare(self) -> Recipe:
        listen = self._listen()
        folder = self.admin_socket.parent
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)
        config = self._config(listen, self._kept())
        file = self._home / "start.json"
        write_private(file, json.dumps(config, indent=1).encode())
        home = str(self._home)
        return Recipe(
            argv=[str(self._program), "run", "--config", str(file)],
            env={"PATH": "/usr/bin:/bin", "HOME": home, "XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home, "LANG": "C.UTF-8"},
            cwd=self._home,
        )

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

    def _listen(self, *, ours: frozenset[str] = frozenset()) -> list[str]:
        """The addresses to listen on, each tried first: Caddy shares ports, and would share one with a foreign Caddy."""
        found = []
        for host in self._bind:
            address = f"[{host}]:{self._port}" if ":" in host else f"{host}:{self._port}"
            family = socket.AF_INET6 if ":" in host or not host else socket.AF_INET
            try:
                if address not in ours:
                    _try_bind(family, host, self._port)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise PortTaken(self._taken()) from error
                if error.errno == errno.EACCES:
                    raise OperatorError(
                        f"Port {self._port} may only be used by root. Choose one above 1023 with --port."
                    ) from error
                if (host and family == socket.AF_INET6) or error.errno == errno.EAFNOSUPPORT:
                    if not host:
                        found.append(address)
                    continue  # no IPv6 on this machine
                raise OperatorError(f"Nexus cannot listen on {address}: {error.strerror}.") from error
            found.append(address)
        if not found:
            raise OperatorError(f"Nexus cannot listen on any of {', '.join(self._bind)}; check the bind addresses.")
        return found

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
                ours = frozenset(present["apps"]["http"]["servers"][caddy_config.SERVER]["listen"])
            except (KeyError, TypeError):
                ours = frozenset()
            wanted = self._config(self._listen(ours=ours), caddy_config.app_routes(present or {}))
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


def _try_bind(family: socket.AddressFamily, host: str, port: int) -> None:
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if not host else 1)
        probe.bind((host, port))
