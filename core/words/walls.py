"""The walls around code that is not ours: how strong, what may be reached, how much may be used.

Spoken by frameworks (what a step needs), sandboxes and hosts (what they enforce) and cards (what was enforced).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path


class Isolation(enum.StrEnum):
    """How strong the walls are, strongest first; the card and `nexus doctor` say which."""

    NAMESPACES = "namespaces"  #: own user, pid, mount and network namespaces (bubblewrap), or a container
    USER = "user"  #: a separate unprivileged user, no_new_privs, limits, a scrubbed environment; Landlock where there
    PROCESS = "process"  #: same user; limits and a scrubbed environment alone: only code that Nexus wrote may run


class Network(enum.StrEnum):
    """What a sandboxed command may reach."""

    NONE = "none"  #: nothing but what is mounted in
    REGISTRIES = "registries"  #: the package registries, for the install step, which runs no code of the app


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Hard limits; exceeding memory or time ends the command."""

    cpus: float = 1.0
    memory_mb: int = 1024
    pids: int = 128
    open_files: int = 1024
    file_mb: int = 512  #: largest single file that may be written
    seconds: float | None = 120.0  #: wall clock; None for what keeps running


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A folder or a socket of the host that is visible inside, by default read-only."""

    source: Path
    target: str  #: absolute path inside
    writable: bool = False
