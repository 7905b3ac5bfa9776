"""A Sandbox in memory: says how commands end, and runs none.

Used by tests of whatever calls a `Sandbox`. The script decides each outcome; what was asked for is kept in ``commands``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from core.verification.sandbox import Command, Ending, Outcome, Sandbox
from core.words.walls import Isolation

Script = Callable[[Command], Outcome | None]

_TAIL = 64 * 1024


def ends_well(command: Command) -> Outcome:
    """The script of a sandbox in which everything works and nothing is printed."""
    return Outcome(ending=Ending.EXITED, exit_code=0, output="", seconds=0.01)


class FakeSandbox(Sandbox):
    """Ends every command as ``script`` says; None from the script is a command that goes on for its whole time limit, or until
    it is cancelled where it has none."""

    def __init__(self, script: Script = ends_well, *, isolation: Isolation = Isolation.NAMESPACES) -> None:
        self.isolation = isolation
        self.commands: list[Command] = []
        self.running: list[Command] = []
        self._script = script

    def ran(self) -> Sequence[str]:
        """The commands that were asked for, as one line each."""
        return [" ".join(command.argv) for command in self.commands]

    async def run(self, command: Command, *, on_output: Callable[[str], None] | None = None) -> Outcome:
        self.commands.append(command)
        self.running.append(command)
        try:
            await asyncio.sleep(0)
            outcome = self._script(command)
            if outcome is None:
                if command.limits.seconds is None:
                    await asyncio.Event().wait()
                return Outcome(ending=Ending.TIMED_OUT, exit_code=137, output="", seconds=command.limits.seconds or 0.0)
            if on_output is not None and outcome.output:
                on_output(outcome.output)
            tail = outcome.output.encode()[-_TAIL:].decode("utf-8", "replace")
            return Outcome(ending=outcome.ending, exit_code=outcome.exit_code, output=tail, seconds=outcome.seconds)
        finally:
            self.running.remove(command)
