"""What is put into the options of a command is read back by the grammar as just that, or refused by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord.lines import NEWS, line
from core.conversation import commands as c
from core.conversation.grammar import VERBS, parse
from core.conversation.names import PROVIDERS, app_name, features_of, framework_name, provider_name, setting_name
from core.conversation.words import quote, words
from core.errors import InvalidInput
from core.words.notifications import NOTIFICATIONS
from core.words.plan import FRAMEWORK_NAMES, slugify

_TRICKY = st.sampled_from(
    [
        '"', "'", "“", "’", " ", "\n", "=", "--name", "--framework", "-f", "-n", "-h", "--help", "list", "set", "off", "all", "live",
        "v2", "todo", "App", "A=b", 'a" b', "it's ", "' ", '" ', "\u00a0", "\u200b", "\x02", "\x03", "README.md", "\\", "—lines", ",", "☃",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=20), _TRICKY, st.lists(_TRICKY, max_size=6).map("".join), st.lists(_TRICKY, max_size=5).map(" ".join)
)
SOME = TEXTS.filter(lambda text: bool(text.strip("\x02\x03")))


def kept(text: str) -> str:
    """The text as Nexus reads all text: with one kind of space."""
    plain = text.replace("\x02", "").replace("\x03", "").replace("\r\n", "\n")
    return "".join(" " if one.isspace() and one not in "\n\r\t" else one for one in plain)


def app_of(typed: str | None) -> str | None:
    """The app that is meant by an option."""
    name = (typed or "").replace("\x02", "").replace("\x03", "").strip()
    if not name:
        return None
    if name.startswith("-") or (slugify(name) == "app" and name.casefold() != "app"):
        raise InvalidInput("no app")
    return slugify(name)


def outcome(meant: Callable[[], c.ParsedCommand]) -> c.ParsedCommand | None:
    """What is meant, or None where that is refused."""
    try:
        return meant()
    except InvalidInput:
        return None


def read(path: tuple[str, ...], options: Mapping[str, Any]) -> c.ParsedCommand | None:
    """What the grammar makes of the options, or None where it refuses them."""
    return outcome(lambda: parse(line(path, options)))


def options(**given: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=given)


@given(TEXTS, TEXTS)
def test_a_quoted_word_is_that_text_whatever_follows(text: str, after: str) -> None:
    plain = text.replace("\x02", "").replace("\x03", "")
    found = words(f"{quote(text)} {after}")
    assert (found[0].text, found[0].quoted, found[0].option) == (plain, True, "")


@given(options(description=SOME, framework=st.one_of(SOME, st.sampled_from(FRAMEWORK_NAMES)), features=SOME, styling=SOME,
               provider=st.one_of(SOME, st.sampled_from(PROVIDERS)), name=SOME))  # fmt: skip
def test_build(given: dict[str, str]) -> None:
    def meant() -> c.Build:
        seen = {name: kept(value) for name, value in given.items()}
        return c.Build(
            description=seen.get("description", "").strip(),
            framework=framework_name(seen["framework"]) if "framework" in seen else None,
            features=features_of(seen.get("features", "")),
            styling=seen.get("styling", "").strip(),
            provider=provider_name(seen.get("provider", "auto")),
            name=app_name(seen.get("name", "")),
        )

    assert read(("build",), given) == outcome(meant)


@pytest.mark.parametrize(
    ("verb", "kind"),
    [
        ("show", c.Show),
        ("db", c.Db),
        ("deploy", c.Deploy),
        ("stop", c.Stop),
        ("start", c.Start),
        ("restart", c.Restart),
        ("delete", c.Delete),
        ("usage", c.Usage),
        ("logs", c.Logs),
        ("files", c.Files),
        ("rollback", c.Rollback),
    ],
)
@given(app=TEXTS)
def test_commands_about_an_app_mean_the_one_that_was_given(verb: str, kind: Callable[..., c.ParsedCommand], app: str) -> None:
    assert read((verb,), {"app": app}) == outcome(lambda: kind(app=app_of(app)))


@given(options(app=TEXTS, lines=st.integers(-5, 2000)))
def test_logs(given: dict[str, Any]) -> None:
    def meant() -> c.Logs:
        number = given.get("lines", 100)
        if not 1 <= number <= 1000:
            raise InvalidInput("too many")
        return c.Logs(app=app_of(given.get("app")), lines=number)

    assert read(("logs",), given) == outcome(meant)


@given(options(app=TEXTS, path=SOME))
def test_files(given: dict[str, str]) -> None:
    assert read(("files",), given) == outcome(lambda: c.Files(app=app_of(given.get("app")), path=kept(given.get("path", ""))))


@given(options(app=TEXTS, release=st.integers(0, 1_200_000), data=st.sampled_from(["with-data", "code-only"])))
def test_rollback(given: dict[str, Any]) -> None:
    def meant() -> c.Rollback:
        number = given.get("release")
        if number is not None and not 1 <= number <= 999_999:
            raise InvalidInput("no release")
        with_data = {"with-data": True, "code-only": False}.get(given.get("data", ""))
        return c.Rollback(app=app_of(given.get("app")), number=number, with_data=with_data)

    assert read(("rollback",), given) == outcome(meant)


@given(options(app=TEXTS))
def test_env_list(given: dict[str, str]) -> None:
    assert read(("env", "list"), given) == outcome(lambda: c.EnvList(app=app_of(given.get("app"))))


@given(options(app=TEXTS), st.one_of(SOME, st.from_regex(r"[A-Z][A-Z0-9_]{0,9}", fullmatch=True)), TEXTS)
def test_env_set(given: dict[str, str], name: str, value: str) -> None:
    def meant() -> c.EnvSet:
        return c.EnvSet(app=app_of(given.get("app")), values={setting_name(kept(name).strip()): kept(value)})

    assert read(("env", "set"), given | {"name": name, "value": value}) == outcome(meant)


@given(options(app=TEXTS), st.one_of(SOME, st.from_regex(r"[A-Z][A-Z0-9_]{0,9}", fullmatch=True)))
def test_env_unset(given: dict[str, str], name: str) -> None:
    def meant() -> c.EnvUnset:
        return c.EnvUnset(app=app_of(given.get("app")), names=(setting_name(kept(name).strip()),))

    assert read(("env", "unset"), given | {"name": name}) == outcome(meant)


@given(options(app=TEXTS, **{name: st.sampled_from([*NOTIFICATIONS, "all"]) for name in NEWS}))
def test_notify_on(given: dict[str, str]) -> None:
    def meant() -> c.Notify:
        app = app_of(given.get("app"))
        chosen = {given[name] for name in NEWS if name in given}
        every = "all" in chosen or (app is not None and not chosen)
        return c.Notify(app=app, kinds=tuple(name for name in NOTIFICATIONS if every or name in chosen))

    assert read(("notify", "on"), given) == outcome(meant)


@given(options(app=TEXTS))
def test_notify_off(given: dict[str, str]) -> None:
    assert read(("notify", "off"), given) == outcome(lambda: c.NotifyOff(app=app_of(given.get("app"))))


@pytest.mark.parametrize(
    ("path", "given", "meant"),
    [
        (("list",), {}, c.ListApps()),
        (("notify", "list"), {}, c.NotifyList()),
        (("notify", "on"), {}, c.Notify()),
        (("settings",), {}, c.Settings()),
        (("settings",), {"part": "approvals"}, c.Settings()),
        (("settings",), {"part": "models"}, c.Settings(part="models")),
        (("help",), {}, c.Help()),
        (("build",), {}, c.Build()),
        ((), {}, c.Help()),
    ],
)
def test_commands_without_words(path: tuple[str, ...], given: dict[str, str], meant: c.ParsedCommand) -> None:
    assert parse(line(path, given)) == meant


@pytest.mark.parametrize("verb", VERBS)
def test_help_about_each(verb: str) -> None:
    assert parse(line(("help",), {"command": verb})) == c.Help(verb=verb)


def test_the_line_reads_as_somebody_would_type_it() -> None:
    given = {"description": "a shop", "framework": "vue", "features": "cart, search"}
    assert line(("build",), given) == 'build "a shop" --framework "vue" --features "cart, search"'
    assert line(("rollback",), {"app": "Todo List", "release": 3, "data": "with-data"}) == "rollback todo-list v3 --with-data"
    assert line(("settings",), {}) == "settings"


def test_an_app_that_is_named_like_a_part_of_a_command_is_an_app() -> None:
    assert parse(line(("notify", "on"), {"app": "live"})) == c.Notify(app="live", kinds=tuple(NOTIFICATIONS))
    assert parse(line(("notify", "off"), {"app": "list"})) == c.NotifyOff(app="list")
    assert parse(line(("env", "set"), {"app": "unset", "name": "A", "value": "b"})) == c.EnvSet(app="unset", values={"A": "b"})
    assert parse(line(("rollback",), {"app": "v2"})) == c.Rollback(app="v2")
    assert parse(line(("files",), {"path": "licence"})) == c.Files(path="licence")
