"""The system calls that no app needs and that attacks like: refused by a seccomp filter, for good.

Called by the launcher, last of all. It is a deny list like Docker's default profile, not an allow list: a runtime must not
break with the next kernel. Numbers are from the kernel's syscall tables; on another architecture there is no filter, and the
other walls stand alone.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16

# Since 5.0 new calls have the same number everywhere: io_uring_*, open_tree … fspick, pidfd_getfd, mount_setattr.
_EVERYWHERE = (*range(425, 434), 438, 442)
_ABSENT = frozenset((*range(425, 428), 319, 279))  # io_uring, memfd_create: libraries look for ENOSYS and go without

_X86_64 = (
    # ptrace, mount, umount2, pivot_root, chroot, swapon, swapoff, reboot, sethostname, setdomainname
    *(101, 165, 166, 155, 161, 167, 168, 169, 170, 171),
    # init_module, delete_module, finit_module, kexec_load, kexec_file_load, add_key, request_key, keyctl
    *(175, 176, 313, 246, 320, 248, 249, 250),
    # unshare, setns, perf_event_open, bpf, userfaultfd, process_vm_readv, process_vm_writev
    *(272, 308, 298, 321, 323, 310, 311),
    # name_to_handle_at, open_by_handle_at, quotactl, acct, settimeofday, clock_settime, syslog, iopl, ioperm
    *(303, 304, 179, 163, 164, 227, 103, 172, 173),
    # memfd_create, shmget: memory that no process's size shows, so that nothing but a control group could bound it
    *(319, 29),
)
_AARCH64 = (
    *(117, 40, 39, 41, 51, 224, 225, 142, 161, 162),
    *(105, 106, 273, 104, 294, 217, 218, 219),
    *(97, 268, 241, 280, 282, 270, 271),
    *(264, 265, 60, 89, 170, 112, 116),
    *(279, 194),
)
#: machine: audit architecture, refused calls, clone, socket
_MACHINES = {
    "x86_64": (0xC000003E, _X86_64, 56, 41),
    "aarch64": (0xC00000B7, _AARCH64, 220, 198),
}
_CLONE3 = 435


def _instruction(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _refuse(number: int) -> bytes:
    return _instruction(_RETURN, _ERRNO | number)


def program(machine: str, *, internet: str) -> bytes:
    """The filter for ``machine``; empty where the machine is not known. ``internet`` is "all", "tcp" or "none"."""
    if machine not in _MACHINES:
        return b""
    architecture, refused, clone, socket = _MACHINES[machine]
    code = [
        _instruction(_LOAD, _ARCH),
        _instruction(_EQUAL, architecture, 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
    ]
    if machine == "x86_64":  # the x32 calls are the same doors under other numbers
        code += [_instruction(_AT_LEAST, 0x40000000, 0, 1), _refuse(errno.ENOSYS)]
    for number in (*refused, *_EVERYWHERE, _CLONE3):
        absent = number in _ABSENT or number == _CLONE3  # libc falls back from clone3 to clone, whose flags can be seen
        code += [_instruction(_EQUAL, number, 0, 1), _refuse(errno.ENOSYS if absent else errno.EPERM)]
    code += [
        _instruction(_EQUAL, clone, 0, 4),
        _instruction(_LOAD, _FIRST_ARGUMENT),
        _instruction(_ANY_BIT, _NEW_NAMESPACES, 0, 1),
        _refuse(errno.EPERM),
        _instruction(_RETURN, _ALLOW),
    ]
    families = [_instruction(_EQUAL, family, 0, 1) + _instruction(_RETURN, _ALLOW) for family in (_UNIX, _NETLINK)]
    if internet != "none":
        kinds = b""
        if internet == "tcp":  # a socket of another type is refused: the type is the second argument, without its flags
            kinds = (
                _instruction(_LOAD, _FIRST_ARGUMENT + 8)
                + _instruction(0x54, 0xF)
                + _instruction(_EQUAL, 1, 1, 0)
                + _refuse(errno.EACCES)
            )
        allow = kinds + _instruction(_RETURN, _ALLOW)
        for family in (_INET, _INET6):
            families.append(_instruction(_EQUAL, family, 0, len(allow) // 8) + allow)
    body = _instruction(_LOAD, _FIRST_ARGUMENT) + b"".join(families) + _refuse(errno.EACCES)
    code += [_instruction(_EQUAL, socket, 0, len(body) // 8), body, _instruction(_RETURN, _ALLOW)]
    return b"".join(code)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def enforce(*, internet: str) -> None:
    """Put the filter on this process, for good. Needs ``no_new_privs``."""
    code = program(os.uname().machine, internet=internet)
    if not code:
        return
    buffer = ctypes.create_string_buffer(code, len(code))
    filters = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_char_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(22, 2, ctypes.byref(filters), 0, 0):  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        code_number = ctypes.get_errno()
        if code_number not in (errno.EINVAL, errno.ENOSYS):  # a kernel built without seccomp
            raise OSError(code_number, "the system call filter was refused")
