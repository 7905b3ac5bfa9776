"""The way in: lets the pool users pass through the private folders above the one that is theirs.

Called by the restricted sandbox, as root, where nothing can be mounted elsewhere: Nexus's data, or the Python that runs an
app, may be in a home folder that only its owner can enter. An access rule for one group, to pass through and not to look,
is added to such a folder (what ``setfacl -m g:60900:--x`` does). Refuses where Landlock does not see to it that passing
through is all that can be done.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from pathlib import Path

from adapters.sandboxes.users import GATE
from core.errors import DataFolderError

_ACL = "system.posix_acl_access"
_OWNER, _USER, _GROUP_OF_FILE, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NOBODY = 0xFFFFFFFF
_VERSION = struct.pack("<I", 2)

_Entry = tuple[int, int, int]  # tag, permissions, id


def _rules(folder: Path) -> list[_Entry]:
    try:
        raw = os.getxattr(folder, _ACL, follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        mode = folder.stat().st_mode
        return [
            (_OWNER, mode >> 6 & 7, _NOBODY),
            (_GROUP_OF_FILE, mode >> 3 & 7, _NOBODY),
            (_OTHER, mode & 7, _NOBODY),
        ]
    return [(tag, permissions, who) for tag, permissions, who in struct.iter_unpack("<HHI", raw[4:])]


def _may_pass(rules: list[_Entry]) -> bool:
    mask = next((permissions for tag, permissions, _ in rules if tag == _MASK), 7)
    for tag, permissions, who in rules:
        if tag == _GROUP and who == GATE:
            return bool(permissions & mask & 1)
    return any(tag == _OTHER and permissions & 1 for tag, permissions, _ in rules)


def _let_pass(folder: Path, rules: list[_Entry]) -> None:
    rules = [rule for rule in rules if not (rule[0] == _GROUP and rule[2] == GATE)]
    # The mask bounds what named groups get and must not take from them what they had; without one the file's group was it.
    mask = next((permissions for tag, permissions, _ in rules if tag == _MASK), None)
    if mask is None:
        mask = next(permissions for tag, permissions, _ in rules if tag == _GROUP_OF_FILE)
    rules = [rule for rule in rules if rule[0] != _MASK]
    rules += [(_GROUP, 1, GATE), (_MASK, mask | 1, _NOBODY)]
    raw = _VERSION + b"".join(struct.pack("<HHI", *rule) for rule in sorted(rules, key=lambda rule: (rule[0], rule[2])))
    os.setxattr(folder, _ACL, raw, follow_symlinks=False)


def open_way(path: Path, *, allowed: bool) -> None:
    """See to it that pool users can pass through every folder above ``path``. ``allowed`` is whether rules may be added.

    Raises:
        DataFolderError: they cannot, and no rule may or can be added.
    """
    for folder in reversed(Path(os.path.realpath(path)).parents):
        if folder.stat().st_mode & stat.S_IXOTH:
            continue
        try:
            rules = _rules(folder)
            if _may_pass(rules):
                continue
            if not allowed:
                raise PermissionError(errno.EACCES, "no Landlock here")
            _let_pass(folder, rules)
        except OSError as error:
            raise DataFolderError(
                f"The sandbox's users cannot pass through {str(folder)!r} ({error.strerror}): keep Nexus's data and its programs "
                f"in folders that others may enter, as with --data /var/lib/nexus, or allow it with chmod o+x {str(folder)!r}."
            ) from error
