"""A problem: one thing wrong with one file, found without running it.

Made by the parser and by validation, shown on the card and given back to the model, so the message is a sentence that says what to do.
``kind`` and ``subject`` say the same to a program, so that what has one certain answer is mended without asking a model.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class ProblemKind(enum.StrEnum):
    """What sort of thing is wrong, and what ``subject`` then holds."""

    OTHER = "other"  #: only the message says
    MISSING_FILE = "missing_file"  #: planned and not there, or empty; subject: its path
    ELIDED = "elided"  #: code was left out; no subject
    SYNTAX = "syntax"  #: it cannot be parsed; no subject
    MISSING_MODULE = "missing_module"  #: an import of a file that is not there; subject: the specifier as written
    MISSING_NAME = "missing_name"  #: a local module has no such export; subject: "module.py:name"
    MISSING_PACKAGE = "missing_package"  #: imported, not among the dependencies; subject: the package's name in its registry
    REFUSED_PACKAGE = "refused_package"  #: among the dependencies, not accepted; subject: its name
    INEXACT_VERSION = "inexact_version"  #: a dependency without one exact version; subject: its name
    KEY = "key"  #: a secret in a file; no subject, ever
    NO_HEALTH_ROUTE = "no_health_route"  #: nothing answers GET /healthz; no subject
    NO_MIGRATION = "no_migration"  #: a database and no table; no subject
    FIXED_PORT = "fixed_port"  #: listens on a port of its own choice; subject: the port
    SCRIPT = "script"  #: a lifecycle script in package.json; subject: its name
    SQL = "sql"  #: a migration that Postgres or the platform would refuse; no subject
    NO_TABLE = "no_table"  #: a resource without table or view; subject: its name


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """``path`` is empty when it is about the app as a whole; ``line`` counts from 1."""

    path: str
    line: int | None
    message: str
    kind: ProblemKind = ProblemKind.OTHER
    subject: str = ""

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.message}" if place else self.message
