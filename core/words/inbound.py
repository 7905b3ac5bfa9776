"""What people do, the same from every platform: a command, a reply, a press on a button, a submitted form.

Made by each chat adapter's ``inbound``, handled by `core.conversation.dialogue`. Each carries an idempotency key made from what the
platform says is unique about it, so that a redelivery or a double click has one effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.ids import PrincipalId, ThreadId, WorkspaceId
from core.words.attachment import Attachment
from core.words.cards import Card, Form
from core.words.thread_ref import ThreadRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """The principal who acts, already authenticated by the adapter."""

    principal: PrincipalId
    workspace: WorkspaceId
    name: str
    groups: frozenset[str] = frozenset()  #: the platform's user groups or roles that they are in at this moment, by external id


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """``/nexus …`` as typed, without the slash word. ``thread`` is where it was typed, if in a thread that is known here; ``place``
    is where a new app's thread belongs, None for one of the page."""

    who: Who
    key: str
    text: str
    thread: ThreadId | None = None
    place: ThreadRef | None = None
    attachments: Sequence[Attachment] = ()  #: context for a build or a change; other commands need none
    hidden: bool = False  #: nobody else saw it typed


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Plain words in a thread: a change request."""

    who: Who
    key: str
    text: str
    thread: ThreadId
    attachments: Sequence[Attachment] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A press on a `Button`."""

    who: Who
    key: str
    action: str
    value: str
    thread: ThreadId | None = None
    place: ThreadRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSubmit:
    """A submitted `Form`."""

    who: Who
    key: str
    form: str
    value: str
    values: Mapping[str, str] = field(default_factory=dict)
    thread: ThreadId | None = None
    place: ThreadRef | None = None
    attachments: Sequence[Attachment] = ()


Inbound = Command | Reply | Action | FormSubmit


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file for the person who asked for it."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back to the one person who acted, at once and privately; everything else reaches the thread through events.

    ``text`` is a sentence (a refusal, a help text), ``card`` something to look at (a list, a log, a revealed password), ``form`` a
    modal to open, ``thread`` where to go and look, ``file`` something to keep, ``follow`` the slug of an app whose log they want to
    watch for some minutes. ``error`` tells a refusal from an answer. ``secret`` says that it shows one: it is private, or not shown.
    """

    text: str = ""
    card: Card | None = None
    form: Form | None = None
    thread: ThreadId | None = None
    file: Download | None = None
    follow: str = ""
    error: bool = False
    secret: bool = False
