"""Cards: what a thread shows, as a small tree of frozen values that any platform can render.

Made by the presenter from events; rendered by each chat adapter's pure ``render`` and by the terminal. A card holds no markup and
no secret; every text in it is plain and may be untrusted: renderers escape, neutralise mentions and split at their platform's limits.
"""

from __future__ import annotations

import enum
from typing import Annotated, Literal

from pydantic import Field as Attr

from core.words.plan import Value


class Tone(enum.StrEnum):
    """The colour of a card's edge, and the word beside its title."""

    WORKING = "working"  #: something is running
    WAITING = "waiting"  #: a person must act
    GOOD = "good"  #: done, live
    BAD = "bad"  #: failed
    QUIET = "quiet"  #: over: superseded, cancelled, stopped


class Text(Value):
    """A paragraph; line breaks are kept. ``code`` text is set in a fixed-width font and wraps nowhere."""

    type: Literal["text"] = "text"
    text: str
    style: Literal["body", "muted", "code", "warning"] = "body"


class Fact(Value):
    """A labelled value; ``link`` values are URLs."""

    label: str
    value: str
    style: Literal["text", "code", "link"] = "text"


class Facts(Value):
    """A list of labelled values, two columns where there is room."""

    type: Literal["facts"] = "facts"
    facts: list[Fact]


class StepState(enum.StrEnum):
    """Where a step is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"  #: could not be made; the detail says why


class Step(Value):
    """One line of progress or one check of the evidence."""

    name: str
    state: StepState
    detail: str = ""
    seconds: float | None = None


class Steps(Value):
    """Progress, or evidence, in order."""

    type: Literal["steps"] = "steps"
    title: str = ""
    steps: list[Step]


class FileEntry(Value):
    """One file of a revision."""

    path: str
    size: int  #: bytes
    purpose: str = ""
    change: Literal["", "added", "changed", "removed"] = ""


class Files(Value):
    """A revision's files; a platform that can shows their contents on demand (`Engine.file`)."""

    type: Literal["files"] = "files"
    build: str
    files: list[FileEntry]


class Log(Value):
    """The last lines of an app or a tool, untrusted. ``live_app`` is the slug whose log may be followed, or empty: a platform that cannot
    do that inside a card offers the actions ``follow`` and ``logfile`` with the slug."""

    type: Literal["log"] = "log"
    title: str = ""
    lines: list[str]
    live_app: str = ""


class Table(Value):
    """Rows of plain text."""

    type: Literal["table"] = "table"
    columns: list[str]
    rows: list[list[str]]


class Image(Value):
    """A picture served by Nexus, path relative to its address."""

    type: Literal["image"] = "image"
    path: str
    alt: str
    width: int = 0  #: pixels, 0 when not known
    height: int = 0


class Section(Value):
    """A named part. A platform with tabs shows the sections of a card as tabs; others one below the other, or behind buttons."""

    type: Literal["section"] = "section"
    id: str
    title: str
    children: list[Annotated[Text | Facts | Steps | Files | Log | Table | Image, Attr(discriminator="type")]]


class Confirm(Value):
    """Ask again before doing it."""

    title: str
    text: str
    yes: str = "Yes"


class Button(Value):
    """Sends ``action`` and ``value`` back as an `Action`. Together at most 100 characters."""

    type: Literal["button"] = "button"
    action: Annotated[str, Attr(max_length=30)]
    value: Annotated[str, Attr(max_length=69)]
    label: str
    style: Literal["plain", "primary", "danger"] = "plain"
    confirm: Confirm | None = None


class Link(Value):
    """Opens a URL. One that begins with a slash is a path of the page; where the page is not at hand, ``action`` and ``value`` are sent
    back instead, as a `Button` would."""

    type: Literal["link"] = "link"
    label: str
    url: str
    style: Literal["plain", "primary"] = "plain"
    action: Annotated[str, Attr(max_length=30)] = ""
    value: Annotated[str, Attr(max_length=69)] = ""


Child = Annotated[Text | Facts | Steps | Files | Log | Table | Image | Section, Attr(discriminator="type")]


class Card(Value):
    """One message in a thread. Edited in place: the message's key stays, the card changes."""

    kind: Literal["build", "deploy", "notice"]
    title: str
    subtitle: str = ""
    tone: Tone = Tone.QUIET
    status: str = ""  #: one or two words beside the title: "Building", "Ready for review", "Live"
    children: list[Child] = []
    actions: list[Annotated[Button | Link, Attr(discriminator="type")]] = []


class Input(Value):
    """One input of a form. ``people`` are members and groups of the workspace, their platform's ids with commas between; ``channel`` is
    one channel's id. A platform that can offers them by name."""

    name: str
    label: str
    kind: Literal["text", "multiline", "select", "checkbox", "secret", "people", "channel", "file"] = "text"
    options: list[tuple[str, str]] = []  #: value and label, for select
    value: str = ""
    required: bool = False
    hint: str = ""
    max_length: int = 2000


class Form(Value):
    """A modal. Its submission comes back as a `FormSubmit` with ``form`` and ``value``. ``more`` is asked for too where there is room for
    more than five inputs, and ``file`` (one file) where the platform takes files in forms, if need be in place of the last input; whoever
    reads the form lives without either."""

    form: Annotated[str, Attr(max_length=30)]
    value: Annotated[str, Attr(max_length=69)] = ""
    title: Annotated[str, Attr(max_length=24)]
    submit: Annotated[str, Attr(max_length=24)] = "Send"
    text: str = ""
    inputs: list[Input]
    more: list[Input] = []
    file: Input | None = None
