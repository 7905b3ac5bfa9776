"""Every error that Nexus raises on purpose, in one tree.

An error says who acts on it, and its message names the next action::

    NexusError
    ├── UserError             the person who asked must act
    │   ├── InvalidInput      what was sent is not usable as it is
    │   ├── NotFound          no such thing, or not theirs to see
    │   ├── Forbidden         they may not do that
    │   ├── Conflict          it was true a moment ago, it is not now
    │   ├── TooLarge          over a stated limit
    │   └── Unauthenticated   nobody, or nobody any more, is signed in
    ├── OperatorError         whoever runs this Nexus must act
    │   ├── MissingPart       a program or setting is not there
    │   ├── PortTaken         another program listens on the wanted port
    │   ├── DataFolderError   the data folder cannot be used as it is
    │   └── DiskFull          no room left where Nexus keeps its data
    ├── AppError              the app's own code failed; carries its log tail
    │   ├── InstallFailed     its dependencies could not be installed
    │   ├── BuildFailed       it does not build
    │   ├── MigrationFailed   its SQL does not run
    │   └── NotHealthy        it does not start, or does not answer
    └── TemporaryError        nobody must act: the same call may succeed later

The docstring of a class is its default message. Adapters translate their vendor's errors into these with
``raise … from``.
"""

from __future__ import annotations

from typing import ClassVar


class NexusError(Exception):
    """Something went wrong in Nexus itself; the log has the details."""

    kind: ClassVar[str] = "error"  #: stable name, used as the last part of a problem document's ``type``
    retry: ClassVar[bool] = False  #: whether repeating the same call can succeed

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())

    @property
    def message(self) -> str:
        return str(self.args[0])


class UserError(NexusError):
    """That cannot be done as asked."""

    kind = "user-error"


class InvalidInput(UserError):
    """What was sent is not usable as it is."""

    kind = "invalid-input"


class NotFound(UserError):
    """There is no such thing here, or it is not yours to see."""

    kind = "not-found"


class Forbidden(UserError):
    """You may not do that here."""

    kind = "forbidden"


class Conflict(UserError):
    """Things have changed since; look at the newest card and try again."""

    kind = "conflict"


class TooLarge(UserError):
    """That is larger than Nexus accepts."""

    kind = "too-large"


class Unauthenticated(UserError):
    """Sign in first."""

    kind = "unauthenticated"


class OperatorError(NexusError):
    """This Nexus is not set up for that; ask whoever runs it."""

    kind = "operator-error"


class MissingPart(OperatorError):
    """A program or a setting that is needed is missing; `nexus doctor` says which."""

    kind = "missing-part"


class PortTaken(OperatorError):
    """The port is taken by another program; choose another with --port."""

    kind = "port-taken"


class DataFolderError(OperatorError):
    """The data folder cannot be used as it is; choose another with --data."""

    kind = "data-folder"


class DiskFull(OperatorError):
    """The disk is full; free some space and try again. Nothing was lost."""

    kind = "disk-full"


class AppError(NexusError):
    """The app failed."""

    kind = "app-failed"

    def __init__(self, message: str | None = None, *, log_tail: str = "") -> None:
        super().__init__(message)
        self.log_tail = log_tail  #: the last lines that the app or its tool printed; untrusted text


class InstallFailed(AppError):
    """The app's dependencies could not be installed."""

    kind = "install-failed"


class BuildFailed(AppError):
    """The app does not build."""

    kind = "build-failed"


class MigrationFailed(AppError):
    """A database migration of the app does not run."""

    kind = "migration-failed"


class NotHealthy(AppError):
    """The app does not answer as the platform asks of it."""

    kind = "not-healthy"


class TemporaryError(NexusError):
    """A passing fault; it is tried again by itself."""

    kind = "temporary"
    retry = True
