"""The last thing of ours that runs inside the walls: gives up everything, then becomes the untrusted program.

Run as ``python -I -S``, by bubblewrap as its first inner program, or by the warden in a forked child where there is no
bubblewrap. Reads one payload from standard input; secrets thus stand in no command line and in no environment but
the program's own. Refuses to start the program with less than it was told to give up: any failure ends it with `REFUSED`.
"""

from __future__ import annotations

import ctypes
import marshal
import os
import resource
import signal
import sys

from adapters.sandboxes.inside import landlock, seccomp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from adapters.sandboxes.orders import Payload

REFUSED = 125  #: exit code when the walls could not be made
READY_FD = 9  #: a byte is written here when the walls stand and the program is about to start


def _prctl(option: int, value: int) -> int:
    return int(ctypes.CDLL(None).prctl(option, value, 0, 0, 0))


def _drop_bounding_set() -> None:
    for capability in range(64):
        if _prctl(24, capability):  # PR_CAPBSET_DROP; fails past the last capability, or without CAP_SETPCAP
            break


def _drop_inheritable() -> None:
    """The other sets went with the user id; this one stays unless it is told to go."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    nothing = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None).capset(header, nothing):
        raise OSError("the capabilities could not be dropped")


def _limit(limits: dict[str, int]) -> None:
    for name, value in limits.items():
        which = getattr(resource, name)
        hard = resource.getrlimit(which)[1]
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(which, (value, value))


def _home(payload: Payload) -> None:
    os.makedirs(payload["home"], mode=0o700, exist_ok=True)
    for path, text in payload["files"].items():
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        os.write(fd, text.encode())
        os.close(fd)


def launch(payload: Payload) -> None:
    """Give up everything and become the program. Does not return."""
    try:
        wanted = payload["rules"]
        rules = None
        if wanted is not None:
            rules = landlock.Rules(
                handled=wanted["handled"], bind_ports=wanted["bind_ports"], connect_ports=wanted["connect_ports"]
            )
            for path, access in wanted["paths"]:
                rules.path(path, access)
        for number in range(1, signal.NSIG):
            try:
                signal.signal(number, signal.SIG_DFL)
            except (OSError, ValueError):  # the two that cannot be handled, and the C library's own
                continue
        if payload["uid"] is not None:
            _drop_bounding_set()
            os.setgroups(payload["groups"])
            os.setresgid(payload["uid"], payload["uid"], payload["uid"])
            os.setresuid(payload["uid"], payload["uid"], payload["uid"])
            _drop_inheritable()
        os.chdir(payload["folder"])
        _limit(payload["limits"])
        os.nice(payload["nice"])
        os.umask(0o077)
        _home(payload)
        os.umask(payload["umask"])
        if _prctl(38, 1):  # PR_SET_NO_NEW_PRIVS
            raise OSError("no_new_privs was refused")
        if rules is not None:
            rules.enforce()
        seccomp.enforce(internet=payload["internet"])
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.write(READY_FD, b"r")
        os.closerange(3, 65536)
    except BaseException as error:
        os.write(2, f"The sandbox could not be made: {type(error).__name__}: {error}\n".encode())
        os._exit(REFUSED)
    try:
        os.execve(payload["argv"][0], payload["argv"], payload["env"])  # noqa: S606
    except OSError as error:
        os.write(2, f"cannot start {payload['argv'][0]!r}: {error.strerror}\n".encode())
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


def read_all(fd: int) -> bytes:
    pieces = []
    while piece := os.read(fd, 65536):
        pieces.append(piece)
    return b"".join(pieces)


def main() -> None:
    launch(marshal.loads(read_all(0)))  # noqa: S302 - written by the warden, not by anybody outside
    sys.exit(REFUSED)
