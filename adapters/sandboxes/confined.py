"""The sandbox of this machine: runs one command inside a confinement, watched by a warden.

Called by wiring, and through its port by the install and build steps. The warden (a process of its own) keeps the limits and
kills everything at the end; here the output is read and the outcome told. If Nexus dies, the warden's standard input
closes, and it ends the run.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import errno
import json
import os
import time
from collections.abc import Callable

from adapters.sandboxes.confinement import CODE, PYTHON, Confinement, Request, Walls
from adapters.sandboxes.orders import Ended
from adapters.sandboxes.outside import warden
from core.errors import DiskFull, MissingPart
from core.verification.sandbox import Command, Ending, Outcome, Sandbox

_TAIL = 64 * 1024
_PIECE = 64 * 1024
_PATIENCE = 30.0  # seconds past a deadline, or after the leash was let go, before the warden itself is given up


class ConfinedSandbox(Sandbox):
    """Runs commands inside ``confinement``."""

    def __init__(self, confinement: Confinement) -> None:
        self.confinement = confinement
        self.isolation = confinement.isolation

    async def run(self, command: Command, *, on_output: Callable[[str], None] | None = None) -> Outcome:
        request = Request(
            argv=command.argv,
            env=command.env,
            folder=command.workdir,
            folder_writable=True,
            mounts=command.mounts,
            network=command.network,
            limits=command.limits,
        )
        started = time.monotonic()
        try:
            walls = await self.confinement.enclose(request)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise DiskFull from error
            raise
        output = _Output(on_output)
        try:
            ended = await self._watched(walls, command, output)
        except BaseException:
            await asyncio.shield(walls.open())
            raise
        settled = await walls.open()
        text = output.text()
        if ended["ending"] == "no walls":
            raise MissingPart(f"The sandbox could not be made; see `nexus doctor`. It said: {text.strip()[-500:]}")
        ending, code = Ending(ended["ending"]), ended["code"]
        if not settled:
            ending, code = Ending.EXITED, code or 1
            text += "\nFolders are nested too deep here; the result cannot be used.\n"
        return Outcome(ending=ending, exit_code=code, output=text, seconds=time.monotonic() - started)

    async def _watched(self, walls: Walls, command: Command, output: _Output) -> Ended:
        report, report_write = os.pipe()
        try:
            walls.orders["report_fd"] = report_write
            try:
                process = await asyncio.create_subprocess_exec(
                    *warden.command(str(PYTHON), str(CODE)),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.STDOUT,
                    env={"PATH": "/usr/bin:/bin"},
                    cwd="/",
                    pass_fds=(report_write, *walls.keep_fds),
                    start_new_session=True,  # Ctrl-C is for Nexus, which then lets go of the leash
                )
            finally:
                os.close(report_write)
            try:
                await self._listen(process, walls, command, output)
            finally:
                await _finish(process)
            told = os.read(report, 65536)
        finally:
            os.close(report)
        if not told:
            raise MissingPart(f"The sandbox's warden died; see `nexus doctor`. It said: {output.text().strip()[-500:]}")
        ended: Ended = json.loads(told)
        return ended

    async def _listen(self, process: asyncio.subprocess.Process, walls: Walls, command: Command, output: _Output) -> None:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("a process started with pipes has pipes")
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(warden.written(walls.orders))
            await process.stdin.drain()
        longest = None if command.limits.seconds is None else command.limits.seconds + _PATIENCE
        with contextlib.suppress(TimeoutError):  # a warden that does not keep its own deadline is killed by `_finish`
            async with asyncio.timeout(longest):
                while piece := await process.stdout.read(_PIECE):
                    output.add(piece)
                await process.wait()


class _Output:
    """The tail of what was printed, and a stream of all of it."""

    def __init__(self, on_output: Callable[[str], None] | None) -> None:
        self._tail = bytearray()
        self._on_output = on_output
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, piece: bytes) -> None:
        self._tail += piece
        if len(self._tail) > 2 * _TAIL:
            del self._tail[:-_TAIL]
        if self._on_output is not None and (text := self._decoder.decode(piece)):
            self._on_output(text)

    def text(self) -> str:
        return bytes(self._tail[-_TAIL:]).decode("utf-8", "replace")


async def _finish(process: asyncio.subprocess.Process) -> None:
    """Let go of the leash and see the warden end, whatever happens to us meanwhile."""
    if process.stdin is not None:
        process.stdin.close()

    async def end() -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                if process.stdout is not None:
                    while await process.stdout.read(_PIECE):
                        pass
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    task = asyncio.ensure_future(end())
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
