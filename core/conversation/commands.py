"""What the grammar makes of a typed line: one frozen value per command.

Made by `core.conversation.grammar`; read by the dialogue and the CLI. ``app`` is a slug, or None where none was typed: then the app of
the thread is meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.words.plan import FrameworkName


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Make an app. Without a description it asks with a form that starts with the rest."""

    description: str = ""
    framework: FrameworkName | None = None
    features: tuple[str, ...] = ()
    styling: str = ""
    provider: str = "auto"
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListApps:
    """The apps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """One app: state, address, releases."""

    app: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """What it printed; ``follow`` goes on printing, where there is a terminal to print on."""

    app: str | None = None
    lines: int = 100
    follow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files of the newest build, or the text of one."""

    app: str | None = None
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvList:
    """The names of its settings."""

    app: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvSet:
    """Set settings. The values are secret and kept out of the representation."""

    app: str | None = None
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvUnset:
    """Remove settings."""

    app: str | None = None
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Db:
    """Facts of its database."""

    app: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """Approve what waits for approval."""

    app: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """Bring a release back. Without a number it asks with a form; ``with_data`` is None where it was not said."""

    app: str | None = None
    number: int | None = None
    with_data: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Stop it; its data stay."""

    app: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Start it again."""

    app: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """Start a fresh instance of the same release."""

    app: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Remove it, after a confirmation."""

    app: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the apps use; one app where one was typed."""

    app: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the workspace decides: about approvals, or about the models that write."""

    part: Literal["approvals", "models"] = "approvals"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Tell this channel of what happens to an app, or to all; nothing typed opens the form."""

    app: str | None = None
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyOff:
    """Tell this channel no more."""

    app: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyList:
    """Which channels are told of what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """The commands, or one of them."""

    verb: str = ""


ParsedCommand = (
    Build
    | ListApps
    | Show
    | Logs
    | Files
    | EnvList
    | EnvSet
    | EnvUnset
    | Db
    | Deploy
    | Rollback
    | Stop
    | Start
    | Restart
    | Delete
    | Usage
    | Settings
    | Notify
    | NotifyOff
    | NotifyList
    | Help
)
