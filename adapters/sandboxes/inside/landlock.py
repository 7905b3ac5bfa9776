"""Landlock: the kernel's file, port and signal rules that a process puts on itself.

Called by the launcher, just before it becomes the untrusted program. Refuses nothing by itself: a kernel without Landlock
gets fewer rules, and `version` says so. Numbers are from ``linux/landlock.h``.
"""

from __future__ import annotations

import ctypes
import os
import stat

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_RULE_PATH, _RULE_PORT = 1, 2

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE = 1 << 4, 1 << 5
MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK = 1 << 6, 1 << 7, 1 << 8, 1 << 9
MAKE_FIFO, MAKE_BLOCK, MAKE_SYM = 1 << 10, 1 << 11, 1 << 12
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15

READ = EXECUTE | READ_FILE | READ_DIR
WRITE = WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM | REFER | TRUNCATE
DEVICE = READ_FILE | WRITE_FILE | IOCTL_DEV
SOCKETS = READ_DIR | REMOVE_FILE | MAKE_SOCK  #: a folder where sockets may be made, and nothing else
ALL = (1 << 16) - 1
CREATE = MAKE_CHAR | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_BLOCK | MAKE_SYM | REFER
_ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

_BIND_TCP, _CONNECT_TCP = 1 << 0, 1 << 1
_NO_ABSTRACT_SOCKETS, _NO_SIGNALS = 1 << 0, 1 << 1

_KNOWN_SINCE = ((1, REFER - 1), (2, REFER), (3, TRUNCATE), (5, IOCTL_DEV))


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("ports", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("access", ctypes.c_uint64), ("folder", ctypes.c_int32))


class _PortRule(ctypes.Structure):
    _fields_ = (("access", ctypes.c_uint64), ("port", ctypes.c_uint64))


def _call(number: int, *args: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.syscall(ctypes.c_long(number), *args))


def version() -> int:
    """Landlock's version in this kernel, 0 where there is none or it is switched off."""
    return max(0, _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))


class Rules:
    """A set of rules under construction. Folders are opened when they are added, so add them while still privileged."""

    def __init__(self, *, handled: int, bind_ports: list[int] | None = None, connect_ports: list[int] | None = None) -> None:
        self._version = version()
        self._fd = -1
        if not self._version:
            return
        known = 0
        for since, rights in _KNOWN_SINCE:
            if self._version >= since:
                known |= rights
        self._handled = handled & known
        ports = 0
        if self._version >= 4:
            ports |= _BIND_TCP if bind_ports is not None else 0
            ports |= _CONNECT_TCP if connect_ports is not None else 0
        scoped = _NO_ABSTRACT_SOCKETS | _NO_SIGNALS if self._version >= 6 else 0
        size = 24 if self._version >= 6 else 16 if self._version >= 4 else 8
        attributes = _Ruleset(self._handled, ports, scoped)
        self._fd = _call(_CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), ctypes.c_uint32(0))
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
        for port in bind_ports or ():
            self._port(port, _BIND_TCP & ports)
        for port in connect_ports or ():
            self._port(port, _CONNECT_TCP & ports)

    def _port(self, port: int, access: int) -> None:
        if access:
            rule = _PortRule(access, port)
            self._add(_RULE_PORT, ctypes.byref(rule), f"port {port}")

    def path(self, path: str, access: int) -> None:
        """Allow ``access`` beneath ``path``; a path that is not there is passed over."""
        if self._fd < 0:
            return
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        try:
            access &= self._handled
            if not stat.S_ISDIR(os.fstat(fd).st_mode):
                access &= _ON_FILES
            if access:
                rule = _PathRule(access, fd)
                self._add(_RULE_PATH, ctypes.byref(rule), path)
        finally:
            os.close(fd)

    def _add(self, kind: int, rule: object, what: str) -> None:
        if _call(_ADD_RULE, ctypes.c_int(self._fd), ctypes.c_int(kind), rule, ctypes.c_uint32(0)):
            raise OSError(ctypes.get_errno(), f"landlock_add_rule for {what}")

    def enforce(self) -> None:
        """Put the rules on this process, for good. Needs ``no_new_privs``."""
        if self._fd < 0:
            return
        if _call(_RESTRICT_SELF, ctypes.c_int(self._fd), ctypes.c_uint32(0)):
            raise OSError(ctypes.get_errno(), "landlock_restrict_self")
        os.close(self._fd)
