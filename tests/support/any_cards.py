"""Any card at all, and every text of one: for the properties of the renderers, which are the same on every platform."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from core.conversation.measuring import JOINER
from core.conversation.redaction import plain
from core.words.cards import (
    Button,
    Card,
    Confirm,
    Fact,
    Facts,
    FileEntry,
    Files,
    Image,
    Link,
    Log,
    Section,
    Step,
    Steps,
    StepState,
    Table,
    Text,
    Tone,
)

HOSTILE = [
    "<!channel>",
    "<!here|here>",
    "<@U012ABCDEF>",
    "<#C012ABCDEF>",
    "<!subteam^S012ABCDEF>",
    "@channel @here @everyone",
    "<https://evil.example|Sign in>",
    "<@123456789012345678> <@&123456789012345678> </nexus help:123456789012345678> <t:1700000000:R> <:ok:123456789012345678>",
    "[Sign in](https://evil.example) ||spoiler|| __under__ # title",
    "- item\n1. item\n> quote\n-# small\n# title",
    "javascript:alert(1)",
    "slack://open",
    "*bold* _italic_ ~struck~ `code` ```pre```",
    "&amp; &lt;!channel&gt;",
    ":tada: :+1:",
    "> quoted\n>>> all",
    "\u202eevil\u200b\x1b[31m\x00\ud83d",
    "see https://todo.example/a?b=c&d=e. And http://x.example/<!channel>",
    "Grüße 🎉👩‍👩‍👧 日本語",
    "",
    " ",
    "\n\n",
]
_WORDS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30))
_LONG = st.builds(lambda text, times: (text + " ") * times, _WORDS, st.sampled_from([20, 200, 800]))
texts = st.one_of(_WORDS, _WORDS, _WORDS, _LONG)
lines = st.builds(lambda text: " ".join(plain(text).split()), texts)
names = st.from_regex(r"[\w.-]{1,12}(/[\w.-]{1,12}){0,3}", fullmatch=True)
ids = st.from_regex(r"[a-z]{1,10}_[0-9a-f]{1,16}", fullmatch=True)


def several(of: st.SearchStrategy[Any], most: int = 4) -> st.SearchStrategy[list[Any]]:
    """A few of them, or very many of the same: as many as make some ten thousand characters."""
    many = st.builds(lambda one, times: [one] * min(times, 1 + 50_000 // (1 + len(str(one)))), of, st.sampled_from([30, 300]))
    return st.one_of(st.lists(of, max_size=most), st.lists(of, max_size=most), many)


_facts = st.builds(Fact, label=texts, value=texts, style=st.sampled_from(["text", "code", "link"]))
_steps = st.builds(Step, name=texts, state=st.sampled_from(list(StepState)), detail=texts, seconds=st.none() | st.floats(0, 9999))
_files = st.builds(
    FileEntry, path=names, size=st.integers(0, 10**7), purpose=lines, change=st.sampled_from(["", "added", "changed", "removed"])
)
_numbered = st.integers(0, 400).map(lambda n: [FileEntry(path=f"src/part{k % 7}/module_{k}.py", size=k) for k in range(n)])
parts = st.one_of(
    st.builds(Text, text=texts, style=st.sampled_from(["body", "muted", "code", "warning"])),
    st.builds(Facts, facts=several(_facts, 12)),
    st.builds(Steps, title=texts, steps=several(_steps)),
    st.builds(Files, build=ids, files=st.lists(_files, max_size=5) | _numbered),
    st.builds(Log, title=texts, lines=several(lines, 12), live_app=st.sampled_from(["", "todo"])),
    st.builds(Table, columns=st.lists(lines, max_size=4), rows=several(st.lists(lines, max_size=4))),
    st.builds(Image, path=st.sampled_from(["/here.png", "/gone.png"]), alt=texts),
)
_sections = st.builds(
    Section, id=st.sampled_from(["files", "deploy", "other"]), title=texts, children=st.lists(parts, max_size=3)
)
_confirms = st.builds(Confirm, title=texts, text=texts, yes=texts)
_actions = st.one_of(
    st.builds(
        Button,
        action=st.sampled_from(["approve", "logs", "a:2", ""]),
        value=st.text("ab1 ", max_size=69),
        label=texts,
        style=st.sampled_from(["plain", "primary", "danger"]),
        confirm=st.none() | _confirms,
    ),
    st.builds(
        Link,
        label=texts,
        url=st.sampled_from(
            ["http://todo.localhost:8080", "/builds/b_1.zip", "javascript:alert(1)", "https://x.example/" + "y" * 4000]
        ),
        style=st.sampled_from(["plain", "primary"]),
        action=st.sampled_from(["", "zip"]),
        value=st.just("b_1"),
    ),
)
cards = st.builds(
    Card,
    kind=st.sampled_from(["build", "deploy", "notice"]),
    title=texts,
    subtitle=texts,
    tone=st.sampled_from(list(Tone)),
    status=texts,
    children=st.one_of(st.lists(st.one_of(parts, _sections), max_size=6), several(parts, 3)),
    actions=several(_actions),
)


# -- what is in a card, and what is shown ----------------------------------------------------------------------------------


def bare(text: str) -> str:
    """The characters that matter: without white space, what formats, what was added and what is taken away from any text."""
    return "".join(c for c in plain(text) if not c.isspace() and c not in f"{JOINER}`#")


def told(card: Card, *, questions: bool = True) -> Iterator[str]:
    """Every text of a card that a person is to see; ``questions`` are those that are asked before a button does something."""
    yield from (card.title, card.subtitle, card.status)
    for child in card.children:
        yield from _told(child)
    for action in card.actions:
        yield action.label
        if questions and isinstance(action, Button) and action.confirm is not None:
            yield from (action.confirm.title, action.confirm.text, action.confirm.yes)


def _told(child: Any) -> Iterator[str]:
    match child:
        case Text(text=text):
            yield from text.split("\n")
        case Facts(facts=facts):
            for fact in facts:
                yield from (fact.label, *fact.value.split("\n"))
        case Steps(title=title, steps=steps):
            yield title
            for step in steps:
                yield from (step.name, step.detail)
        case Files(files=files):
            for file in files:
                yield from (*file.path.split("/"), file.purpose)
        case Log(title=title, lines=logged, live_app=live):
            yield from (title, *logged) if logged or live else ()  # a log of nothing is no part
        case Table(columns=columns, rows=rows):
            for at, column in enumerate(columns):
                if at == 0 or any(row[at].strip() not in ("", "–") for row in rows if at < len(row)):
                    yield column  # of one that says nothing in any row, the name may be left out
            for row in rows:
                yield from row
        case Image(alt=alt):
            yield alt
        case Section(title=title, children=children):
            yield title
            for inner in children:
                yield from _told(inner)


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a payload, outside in."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)
