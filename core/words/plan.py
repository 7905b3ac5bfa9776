"""The plan: what an app will be, before a line of it is written.

Made by a `Model` (by the API's structured output, or by the starter), validated here again, kept on the build, shown on the
card, and given back to the model with every later change. Kept shallow and small on purpose: vendors refuse complex schemas.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

FrameworkName = Literal["fastapi", "express", "react", "nextjs", "vue"]
FRAMEWORK_NAMES: tuple[FrameworkName, ...] = ("fastapi", "express", "react", "nextjs", "vue")
FRAMEWORK_LABELS: Mapping[FrameworkName, str] = MappingProxyType(
    {"fastapi": "FastAPI", "express": "Express", "react": "React", "nextjs": "Next.js", "vue": "Vue"}
)
Feature = Literal["authentication", "search", "file_upload", "charts", "realtime", "admin"]
FEATURES: tuple[Feature, ...] = ("authentication", "search", "file_upload", "charts", "realtime", "admin")

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Value(BaseModel):
    """A frozen pydantic value that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldType(enum.StrEnum):
    """What a field of a resource holds, and its Postgres type."""

    TEXT = "text"  #: one line; text
    LONG_TEXT = "long_text"  #: many lines; text
    INTEGER = "integer"  #: bigint
    NUMBER = "number"  #: numeric
    MONEY = "money"  #: numeric(14,2)
    BOOLEAN = "boolean"  #: boolean, default false
    DATE = "date"  #: date
    DATETIME = "datetime"  #: timestamptz
    EMAIL = "email"  #: text, checked
    URL = "url"  #: text, checked
    CHOICE = "choice"  #: text, one of ``choices``
    REFERENCE = "reference"  #: bigint, the id of a row of ``references``


class ResourceField(Value):
    """One field of a resource."""

    name: Name
    type: FieldType
    required: bool = False
    choices: list[str] = []
    references: str = ""  #: the resource that a reference points to, else empty
    label: str = ""


class Resource(Value):
    """A kind of thing that the app keeps, served as JSON CRUD under ``/api/<name>``."""

    name: Name  #: plural, snake_case: the table and the path
    singular: Name
    label: str = ""
    fields: list[ResourceField] = Field(min_length=1, max_length=30)


class Setting(Value):
    """A setting that the app reads from its environment; the name only, never a value."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
    purpose: str = ""
    required: bool = False


class PlannedFile(Value):
    """A file that the model will write. What it exports is told to those that import it, so that files can be written apart."""

    path: str
    purpose: str = ""
    exports: list[str] = []  #: names with their signatures, as other files use them
    imports: list[str] = []  #: paths of planned files that it uses; they are written first


class Plan(Value):
    """What the app will be. ``dependencies`` are names of packages beyond the scaffold's own."""

    name: str = Field(max_length=60)  #: a title for people; the slug is made from it
    framework: FrameworkName
    why: str = Field(default="", max_length=300)  #: why this framework, where nobody named one
    summary: str = Field(max_length=600)
    features: list[Feature] = []  #: of those that Nexus knows by name
    pages: list[str] = Field(default=[], max_length=20)  #: path and purpose: "/reports: totals per month"
    resources: list[Resource] = Field(default=[], max_length=12)
    settings: list[Setting] = Field(default=[], max_length=20)
    dependencies: list[str] = Field(default=[], max_length=30)
    files: list[PlannedFile] = Field(default=[], max_length=50)
    requires_database: bool = True
    assumptions: list[str] = []  #: what was decided where the description was silent; shown to the person


#: other words for a framework; what its name is not, letter by letter
_CALLED: Mapping[str, FrameworkName] = MappingProxyType(
    {"next": "nextjs", "node": "express", "nodejs": "express", "reactvite": "react", "vitereact": "react", "vitevue": "vue"}
)


def framework_called(typed: str) -> FrameworkName | None:
    """The framework that is meant, however it is written: "FastAPI", "express.js", "Next"; None where there is no such one here."""
    words = typed.strip().casefold()
    if not re.fullmatch(r"[a-z0-9]+(?:[ ._-][a-z0-9]+)*", words):
        return None
    plain = re.sub(r"[ ._-]", "", words)
    meant = _CALLED.get(plain, plain)
    return next((name for name in FRAMEWORK_NAMES if meant in {name, name + "js"}), None)


def slugify(title: str) -> str:
    """A host-name label from any text: lower-case ASCII letters, digits and single hyphens, 1 to 40 characters, starting with a
    letter. Text without any such character gives "app"."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if slug and not slug[0].isalpha():
        slug = "app-" + slug
    return slug[:40].rstrip("-") or "app"
