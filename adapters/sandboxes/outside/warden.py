"""The warden: a small process that stands over one confined program, from its start to the last of its children.

Started by `adapters.sandboxes.confined` for a run that ends with Nexus (leashed: when the pipe on its standard input
closes, everything dies), and by `adapters.hosts.process` for an instance that must outlive Nexus (detached: it leaves a
record of the ending on disk). It makes the control group, starts the program, keeps time and memory limits, trims the log,
and at the end kills, reaps and removes whatever is left. SIGTERM is handed on to the program; SIGUSR1 ends it at once.

Its memory is paid for once per running app: standard library only, and no more of it than needed.
"""

from __future__ import annotations

import ctypes
import fcntl
import marshal
import os
import select
import signal
import sys
import time

from adapters.sandboxes.outside import cgroups, processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from adapters.sandboxes.orders import Ended, Orders

FIRST_INPUT_FD = 20  #: ``inputs`` stand at this descriptor and the next ones when ``argv`` starts
_READY_FD = 9  # `adapters.sandboxes.inside.launcher.READY_FD`, which is loaded in the child alone


class _Watch:
    """One program and everything below it."""

    def __init__(self, orders: Orders, *, leash: int | None) -> None:
        self.orders = orders
        self.leash = leash
        self.group = cgroups.make(
            orders["group"],
            memory_mb=orders["memory_mb"],
            pids=orders["pids"] + orders["wrappers"] + 2,
            cpus=orders["cpus"],
        )
        self.started = time.monotonic()
        self.status: int | None = None
        self.verdict: str | None = None
        self.stopping = False
        self.wake, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        os.set_blocking(self.wake, False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, self._signalled)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        # PR_SET_CHILD_SUBREAPER: whoever is orphaned below comes to us. bubblewrap does not wait for its own first process,
        # and where the container's first process does not wait either, every run would leave one behind.
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
        self.ready, ready_write = os.pipe()
        self.main = os.fork()
        if self.main == 0:
            self._become(ready_write)
        os.close(ready_write)

    def _signalled(self, number: int, _frame: object) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self.stopping = True
            processes.signal_all(self.inner(), signal.SIGTERM)
        elif number == signal.SIGUSR1:
            self.verdict = self.verdict or "signalled"

    def _become(self, ready: int) -> None:
        try:
            signal.set_wakeup_fd(-1)
            self.group.join()
            os.setsid()
            # Away from the low numbers first, so that none of the wanted numbers is taken by another of these.
            ready = fcntl.fcntl(ready, fcntl.F_DUPFD_CLOEXEC, 64)
            orders = self.orders
            if orders["argv"] is None:
                from adapters.sandboxes.inside import launcher

                os.dup2(ready, _READY_FD)
                launcher.launch(orders["payload"])
                return
            texts = [_memory_file(marshal.dumps(dict(orders["payload"])))]
            texts += [_memory_file(text.encode()) for text in orders["inputs"]]
            os.dup2(ready, _READY_FD)
            os.dup2(texts[0], 0)
            for offset, fd in enumerate(texts[1:]):
                os.dup2(fd, FIRST_INPUT_FD + offset)
            os.execve(orders["argv"][0], orders["argv"], orders["env"])  # noqa: S606
        except BaseException as error:
            os.write(2, f"The sandbox could not be started: {error}\n".encode())
        finally:
            os._exit(125)

    def everything(self) -> set[int]:
        found = set(processes.descendants(os.getpid())) | self.group.members()
        if self.orders["uid"] is not None:
            found |= processes.owned_by(self.orders["uid"])
        return found

    def inner(self) -> set[int]:
        """The program's own processes, without the walls around them."""
        outer = self.orders["wrappers"]
        return {pid for pid, depth in processes.descendants(os.getpid()).items() if depth > outer} | (
            processes.owned_by(self.orders["uid"]) if self.orders["uid"] is not None else set()
        )

    def reap(self) -> bool:
        """Take the status of whatever has ended; True when no child is left at all."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if pid == 0:
                return False
            if pid == self.main:
                self.status = status

    def wait_until_started(self) -> bool:
        """Whether the walls stand and the program runs (or has run already)."""
        return bool(os.read(self.ready, 1))

    def run(self, log: BinaryIO | None) -> None:
        """Until the program ends, or must end."""
        orders = self.orders
        measure = "memory" not in self.group.limited
        limit = orders["memory_mb"] * 1024 * 1024
        poll = select.poll()
        poll.register(self.wake, select.POLLIN)
        if self.leash is not None:
            poll.register(self.leash, select.POLLIN)
        pause = 0.05
        while True:
            self.reap()
            if self.status is not None or self.verdict is not None:
                return
            left = float("inf")
            if orders["seconds"] is not None:
                left = self.started + orders["seconds"] - time.monotonic()
                if left <= 0:
                    self.verdict = "timed out"
                    return
            if measure:
                used = processes.memory_bytes(self.inner())
                if used > limit:
                    self.verdict = "out of memory"
                    return
                pause = 0.05 if log is None or used > limit // 2 else 0.25
            elif self.group.out_of_memory():
                self.verdict = "out of memory"
                return
            else:
                pause = 0.25
            if log is not None:
                trim(log, orders["log_bytes"])
            for fd, _ in poll.poll(min(pause, left) * 1000):
                if fd == self.leash and not os.read(fd, 4096):
                    self.verdict = "signalled"
                    return
                if fd == self.wake:
                    os.read(fd, 4096)

    def clear(self) -> Ended:
        """End all that is left, remove all that was made, and say how it went."""
        uid = self.orders["uid"]
        deadline = time.monotonic() + 20
        while True:
            if self.status is None:
                processes.signal_all((self.main,), signal.SIGKILL)
            if uid is not None:
                processes.kill_user(uid)
            left = self.everything()
            processes.signal_all(left, signal.SIGKILL)
            if (self.reap() and not left) or time.monotonic() > deadline:
                break
            time.sleep(0.002)
        seconds = time.monotonic() - self.started
        oom = self.group.out_of_memory()
        self.group.remove()
        if self.orders["remove"]:
            import shutil

            for folder in self.orders["remove"]:
                shutil.rmtree(folder, ignore_errors=True)
        code = os.waitstatus_to_exitcode(self.status) if self.status is not None else -signal.SIGKILL
        code = 128 - code if code < 0 else code
        ending = self.verdict or ("out of memory" if oom else "signalled" if code > 128 else "exited")
        return {"ending": ending, "code": code, "seconds": seconds}


def _memory_file(content: bytes) -> int:
    fd = os.memfd_create("input")
    with open(fd, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 64)


def trim(log: BinaryIO, most: int) -> None:
    """Cut the log to its last half when it has grown over ``most`` bytes. The writers append, so they need not know."""
    size = os.fstat(log.fileno()).st_size
    if size <= most:
        return
    log.seek(size - most // 2)
    kept = log.read().partition(b"\n")[2]
    log.seek(0)
    log.write(kept)
    log.flush()
    log.truncate(len(kept))


def _read_orders() -> Orders:
    """A length of 8 bytes, and as many of ``marshal``."""
    content = bytearray()
    while len(content) < 8 or len(content) < 8 + int.from_bytes(content[:8], "big"):
        piece = os.read(0, 65536)
        if not piece:
            sys.exit(2)
        content += piece
    orders: Orders = marshal.loads(content[8:])  # noqa: S302 - from Nexus, over a pipe of its own
    return orders


def written(orders: Orders) -> bytes:
    """Orders as a warden reads them."""
    content = marshal.dumps(dict(orders))
    return len(content).to_bytes(8, "big") + content


def _record(ended: Ended) -> bytes:
    return b'{"ending": "%s", "code": %d, "seconds": %.3f}' % (ended["ending"].encode(), ended["code"], ended["seconds"])


def _keep_to_ourselves() -> None:
    """Nothing that Nexus handed to us may reach the program."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            try:
                os.set_inheritable(int(name), False)
            except OSError:  # the descriptor of the listing itself
                continue


def _watch_leashed(orders: Orders) -> None:
    leash = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 64)
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    watch = _Watch(orders, leash=leash)
    watch.run(None)
    ended = watch.clear()
    os.set_blocking(watch.ready, False)
    try:
        if not watch.wait_until_started() and ended["ending"] == "exited":
            ended["ending"] = "no walls"
    except BlockingIOError:
        pass
    if orders["report_fd"] is not None:
        os.write(orders["report_fd"], _record(ended))
    os._exit(0)  # taking the interpreter down in order would take as long as bringing it up


def _watch_detached(orders: Orders, folder: str) -> None:
    """Fork away from Nexus; the first process answers with exit code 0 once the program has been started."""
    told, tell = os.pipe()
    if os.fork():
        os.close(tell)
        os._exit(0 if os.read(told, 1) else 1)
    os.setsid()
    os.umask(0o077)
    os.chdir("/")
    # A lock of this process, which anybody can see without taking it, and which tells who holds it.
    lock = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # a warden stands there already
        os._exit(1)
    path = os.path.join(folder, "output.log")
    output = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    watch = _Watch(orders, leash=None)
    started = watch.wait_until_started()
    if started:
        os.write(tell, b"s")
    with open(path, "rb+") as log:
        watch.run(log)
        ended = watch.clear()
        trim(log, orders["log_bytes"])
    if not started:
        ended["ending"] = "no walls"
    record = os.path.join(folder, "ending.json")
    with open(record + ".new", "wb") as file:
        file.write(_record(ended))
    os.replace(record + ".new", record)
    os._exit(0)  # the lock goes with us: from now on the record speaks


def main() -> None:
    orders = _read_orders()
    _keep_to_ourselves()
    if orders["folder"] is None:
        _watch_leashed(orders)
    else:
        _watch_detached(orders, orders["folder"])


def command(python: str, root: str) -> list[str]:
    """How a warden is started: isolated from every setting and package but this one."""
    start = f"import sys; sys.path.insert(0, {root!r}); from adapters.sandboxes.outside.warden import main; main()"
    return [python, "-I", "-S", "-c", start]
