"""What Nexus tells a warden and a launcher: plain values, sent by ``marshal`` from this interpreter to the same one.

Types alone: the warden and the launcher import this for the type checker only, because every import there is paid for in
milliseconds of each run and in memory of each running app.
"""

from __future__ import annotations

from typing import TypedDict


class FileRules(TypedDict):
    """Landlock rules; the numbers are those of `adapters.sandboxes.inside.landlock`."""

    handled: int
    paths: list[tuple[str, int]]
    bind_ports: list[int] | None
    connect_ports: list[int] | None


class Payload(TypedDict):
    """For the launcher: what to give up, and what to become."""

    argv: list[str]
    env: dict[str, str]
    folder: str  #: working directory
    home: str  #: made when missing
    files: dict[str, str]  #: small text files to write, as the inner user
    uid: int | None  #: become this user; None when already an ordinary one
    groups: list[int]
    umask: int
    limits: dict[str, int]  #: resource name to soft and hard limit
    nice: int
    rules: FileRules | None
    internet: str  #: "all", "tcp" or "none": what `inside.seccomp` lets a socket be


class Orders(TypedDict):
    """For the warden: what to start, how long to let it run, what to remove at the end."""

    argv: list[str] | None  #: the wall-making program and the launcher inside; None to launch in a forked child
    env: dict[str, str]  #: environment of ``argv``, never the app's
    inputs: list[str]  #: texts that ``argv`` reads from descriptors
    payload: Payload
    uid: int | None  #: the pool user that only this run has
    wrappers: int  #: how many generations of processes below the warden are ours
    group: str  #: name of the control group
    memory_mb: int
    pids: int
    cpus: float
    seconds: float | None
    remove: list[str]  #: folders to remove at the end
    report_fd: int | None  #: leashed: where the ending is written
    folder: str | None  #: detached: state folder of the instance, with ``lock``, ``output.log`` and ``ending.json``
    log_bytes: int


class Ended(TypedDict):
    """How it ended; the warden writes it as JSON."""

    ending: str  #: a value of `core.verification.sandbox.Ending`, or "no walls" when the program was never started
    code: int
    seconds: float
