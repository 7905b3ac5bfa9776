"""Which walls this machine can make: tried, not guessed.

Called by wiring at start, and by `nexus doctor`. Starts a real command inside each kind of walls, strongest first, and keeps the
reason why a stronger one did not work.
"""

from __future__ import annotations

import asyncio
import compileall
import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from adapters.sandboxes import bubblewrap, inside
from adapters.sandboxes.bubblewrap import Bubblewrap
from adapters.sandboxes.confined import ConfinedSandbox
from adapters.sandboxes.confinement import Confinement
from adapters.sandboxes.registries import Registries
from adapters.sandboxes.restricted import Restricted
from core.errors import MissingPart, NexusError
from core.verification.sandbox import Command
from core.words.walls import Isolation, Limits

_LIMITS = Limits(seconds=20.0, memory_mb=256, pids=16)


async def detect(
    *,
    programs: Sequence[Path] = (),
    registries: Registries | None = None,
    forced: str | None = None,
    bwraps: Sequence[Path] | None = None,
) -> Confinement:
    """The strongest walls that work here. ``forced`` ("bubblewrap" or "restricted", the setting ``NEXUS_SANDBOX``) allows one
    kind alone; ``bwraps`` replaces the bubblewraps of this machine.

    Raises:
        MissingPart: the forced kind does not work, or is not known; the message says what was tried.
    """
    if forced not in (None, "", "bubblewrap", "restricted"):
        raise MissingPart(f"NEXUS_SANDBOX is {forced!r}; it can be 'bubblewrap' or 'restricted', or be left out.")
    await asyncio.to_thread(_compile)
    registries = registries or Registries.of_this_machine()
    reasons: list[str] = []
    if forced != "restricted":
        ways = (False, True) if os.geteuid() == 0 else (True,)
        for program in bubblewrap.candidates() if bwraps is None else bwraps:
            for own in ways:
                walls = Bubblewrap(programs=programs, registries=registries, program=program, own_user_namespace=own)
                reason = await _reason_against(walls)
                if reason is None:
                    return walls
                reason = reason.removeprefix("bwrap: ").partition(", likely because")[0]  # the remedy is the doctor's to name
                reasons.append(f"with a user namespace: {reason}" if own and len(ways) > 1 else f"{program}: {reason}")
        if not reasons:
            reasons.append("no bwrap was found")
    if forced == "bubblewrap":
        raise MissingPart(f"bubblewrap does not work here: {'; '.join(reasons)}. Leave NEXUS_SANDBOX out for the weaker sandbox.")
    note = "as NEXUS_SANDBOX asks" if forced else f"bubblewrap does not work here ({'; '.join(reasons)})"
    kinds = (Isolation.USER, Isolation.PROCESS) if os.geteuid() == 0 else (Isolation.PROCESS,)
    for isolation in kinds:
        weak = Restricted(programs=programs, registries=registries, isolation=isolation, note=note)
        reason = await _reason_against(weak)
        if reason is None:
            return weak
        note += f"; {isolation.value}: {reason}"
    raise MissingPart(f"No sandbox works here: {note}")


def _compile() -> None:
    """What runs inside is mounted read-only: it cannot keep what the interpreter compiled, and each run would do it again."""
    with contextlib.suppress(OSError):
        compileall.compile_dir(Path(inside.__file__).parent, quiet=2)


async def _reason_against(confinement: Confinement) -> str | None:
    """Why these walls cannot be had, None when a command ran inside them."""
    with tempfile.TemporaryDirectory(prefix="nexus-") as folder:
        try:
            outcome = await ConfinedSandbox(confinement).run(
                Command(argv=("/bin/sh", "-c", "exit 0"), workdir=Path(folder), limits=_LIMITS)
            )
        except (NexusError, OSError) as error:
            text = error.message if isinstance(error, NexusError) else str(error)
            return text.partition("It said: ")[2] or text
    return None if outcome.ok else f"{outcome.ending.value}, {outcome.exit_code}: {outcome.output.strip()[-300:]}"
