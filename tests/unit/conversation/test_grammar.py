"""The grammar: what is typed, in which way people and their phones type it, becomes one command, or a refusal that helps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.conversation import commands as c
from core.conversation.commands import ParsedCommand
from core.conversation.completion import complete
from core.conversation.grammar import VERBS, help_text, parse
from core.conversation.words import quote, words
from core.errors import InvalidInput
from core.words.notifications import NOTIFICATIONS
from core.words.plan import FRAMEWORK_NAMES

TYPED: list[tuple[str, ParsedCommand]] = [
    ("build a todo app with due dates", c.Build(description="a todo app with due dates")),
    ("/nexus build a todo app", c.Build(description="a todo app")),
    ("BUILD a todo app", c.Build(description="a todo app")),
    ('build "a todo app"', c.Build(description="a todo app")),
    ("build “a todo app”", c.Build(description="a todo app")),
    ("build „a todo app“ --framework express", c.Build(description="a todo app", framework="express")),
    ("build Ann’s list of 'good' films", c.Build(description="Ann’s list of 'good' films")),
    ("build it's Ben's", c.Build(description="it's Ben's")),
    ('build an app that says "hi --name x" to all', c.Build(description='an app that says "hi --name x" to all')),
    ("build a\u00a0todo\u202fapp", c.Build(description="a todo app")),
    ("build a todo app\n- due dates\n- people", c.Build(description="a todo app\n- due dates\n- people")),
    ("build --framework fastapi a todo app", c.Build(description="a todo app", framework="fastapi")),
    ("build a todo app —framework Express.js", c.Build(description="a todo app", framework="express")),
    ("build a todo app --framework=FastAPI", c.Build(description="a todo app", framework="fastapi")),
    ("build a todo app --framework React.js", c.Build(description="a todo app", framework="react")),
    ("build a todo app --framework node", c.Build(description="a todo app", framework="express")),
    ("build a todo app — simple and fast", c.Build(description="a todo app — simple and fast")),
    ("build a viewer for --verbose logs", c.Build(description="a viewer for --verbose logs")),
    (
        "build a todo app --features due dates, priorities --styling calm and dark --name todo --provider OpenAI",
        c.Build(
            description="a todo app",
            features=("due dates", "priorities"),
            styling="calm and dark",
            name="todo",
            provider="openai",
        ),
    ),
    ("build --features a, b --name todo do a thing", c.Build(description="do a thing", features=("a", "b"), name="todo")),
    (
        "build a todo app --framework express with due dates",
        c.Build(description="a todo app with due dates", framework="express"),
    ),
    ("build", c.Build()),
    ("build --framework express", c.Build(framework="express")),
    ("list", c.ListApps()),
    ("show", c.Show()),
    ("show todo", c.Show(app="todo")),
    ("show My Todo List", c.Show(app="my-todo-list")),
    ("logs", c.Logs()),
    ("logs todo --lines 20 -f", c.Logs(app="todo", lines=20, follow=True)),
    ("logs -n 5", c.Logs(lines=5)),
    ("files", c.Files()),
    ("files todo", c.Files(app="todo")),
    ("files todo app/main.py", c.Files(app="todo", path="app/main.py")),
    ("files README.md", c.Files(path="README.md")),
    ('files "" licence', c.Files(path="licence")),
    ("env", c.EnvList()),
    ("env list", c.EnvList()),
    ("env todo", c.EnvList(app="todo")),
    ("env todo list", c.EnvList(app="todo")),
    ("env list todo", c.EnvList(app="todo")),
    ("env set A=1 B_2=two=three", c.EnvSet(values={"A": "1", "B_2": "two=three"})),
    ("env todo set A=1", c.EnvSet(app="todo", values={"A": "1"})),
    ("env set todo A=1", c.EnvSet(app="todo", values={"A": "1"})),
    ("env set GREETING=“good morning”", c.EnvSet(values={"GREETING": "good morning"})),
    ('env set "GREETING=good morning" EMPTY=', c.EnvSet(values={"GREETING": "good morning", "EMPTY": ""})),
    ("env unset A, B", c.EnvUnset(names=("A", "B"))),
    ("env todo unset A", c.EnvUnset(app="todo", names=("A",))),
    ("db todo", c.Db(app="todo")),
    ("deploy", c.Deploy()),
    ("rollback", c.Rollback()),
    ("rollback v3", c.Rollback(number=3)),
    ("rollback todo", c.Rollback(app="todo")),
    ("rollback todo 3 --with-data", c.Rollback(app="todo", number=3, with_data=True)),
    ("rollback todo V12 —code-only", c.Rollback(app="todo", number=12, with_data=False)),
    ("stop todo", c.Stop(app="todo")),
    ("start todo", c.Start(app="todo")),
    ("restart", c.Restart()),
    ("delete todo", c.Delete(app="todo")),
    ("usage", c.Usage()),
    ("settings", c.Settings()),
    ("settings approvals", c.Settings()),
    ("settings models", c.Settings(part="models")),
    ("notify", c.Notify()),
    ('notify "live"', c.Notify(app="live", kinds=tuple(NOTIFICATIONS))),
    ('notify off "list"', c.NotifyOff(app="list")),
    ('rollback "v2"', c.Rollback(app="v2")),
    ("notify all", c.Notify(kinds=tuple(NOTIFICATIONS))),
    ("notify todo", c.Notify(app="todo", kinds=tuple(NOTIFICATIONS))),
    ("notify todo failed, live", c.Notify(app="todo", kinds=("live", "failed"))),
    ("notify CRASHED recovered", c.Notify(kinds=("crashed", "recovered"))),
    ('notify live "My Todo List"', c.Notify(app="my-todo-list", kinds=("live",))),
    ("notify off", c.NotifyOff()),
    ("notify off todo", c.NotifyOff(app="todo")),
    ("notify list", c.NotifyList()),
    ("", c.Help()),
    ("  \u200b ", c.Help()),
    ("help", c.Help()),
    ("?", c.Help()),
    ("help build", c.Help(verb="build")),
    ("rollback --help", c.Help(verb="rollback")),
]


@pytest.mark.parametrize(("typed", "meant"), TYPED)
def test_what_is_typed_becomes_the_command_that_is_meant(typed: str, meant: ParsedCommand) -> None:
    assert parse(typed) == meant


REFUSED: list[tuple[str, tuple[str, ...]]] = [
    ("biuld a todo app", ("“biuld”", "Did you mean build?", "Usage: build DESCRIPTION")),
    ("remove todo", ("Did you mean delete?", "delete [APP]")),
    ("a todo app with due dates", ("type build in front",)),
    ("domain todo example.com", ("not a command", "help")),
    ("notify #general", ("is a channel", "in the channel that is to be told")),
    ("notify todo livee", ("“livee” is no kind of news", "Did you mean live?", "notify off [APP]")),
    ("signin", ("not a command",)),
    ("help rolback", ("Did you mean rollback?",)),
    ("build a todo app --framework flask", ("“flask”", ", ".join(FRAMEWORK_NAMES), "nearest is fastapi")),
    ("build a todo app --framework fast", ("nearest is fastapi",)),
    ("build a todo app --provider opnai", ("nearest is openai", "starter")),
    ("build a todo app --framewrok express", ("“--framewrok”", "Did you mean --framework?")),
    ("build a todo app --framework", ("--framework needs a value", "Usage: build")),
    ("build --name --framework express x", ("--name needs a value",)),
    ("list everything", ("Usage: list",)),
    ("logs todo --lines many", ("1 to 1,000",)),
    ("logs todo --lines 0", ("1 to 1,000",)),
    ("logs todo --line 3", ("Did you mean --lines?",)),
    ("files todo a.py b.py", ("one path",)),
    ("env todo add A=1", ("list, set and unset",)),
    ("env A=1", ("Did you mean env set?",)),
    ("env set", ("NAME=value",)),
    ("env unset", ("which settings",)),
    ("env set smtp_url=x", ("Did you mean SMTP_URL?",)),
    ("env set 9LIVES=x", ("capital letters",)),
    ("env set A=one two", ("in quotes",)),
    ("rollback todo v0", ("from v1",)),
    ("rollback todo v1 --with-data --code-only", ("Choose one",)),
    ("rollback todo v1 --with-date", ("Did you mean --with-data?",)),
    ("stop --force", ("“--force”", "Usage: stop")),
    ("show ！！！", ("not the name of an app",)),
]


@pytest.mark.parametrize(("typed", "said"), REFUSED)
def test_a_refusal_names_the_nearest_match_and_the_usage(typed: str, said: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(typed)
    for one in said:
        assert one in refused.value.message


@pytest.mark.parametrize(
    "typed", ["env set A=1 hunter2", "env set hunter2", "env set TOKEN hunter2", "env set pass-word=hunter2"]
)
def test_no_refusal_repeats_what_may_be_a_secret(typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(typed)
    assert "hunter2" not in refused.value.message


def test_the_values_of_settings_are_not_in_the_representation() -> None:
    assert "hunter2" not in repr(parse("env set TOKEN=hunter2"))


_PIECES = st.sampled_from(
    [
        *VERBS,
        "--framework",
        "--features",
        "--lines",
        "--with-data",
        "—name",
        "set",
        "unset",
        "A=1",
        "v2",
        "todo",
        '"',
        "“",
        "'",
        "=",
        ",",
        "-f",
    ]
)


@given(st.one_of(st.text(), st.lists(st.one_of(_PIECES, st.text(max_size=8)), max_size=12).map(" ".join)))
def test_parsing_never_raises_anything_but_invalid_input(text: str) -> None:
    message = "fine"
    try:
        parse(text)
    except InvalidInput as refused:
        message = refused.message
    assert 0 < len(message) < 600


@given(st.one_of(st.text(), st.lists(_PIECES, max_size=8).map("".join)), st.text(max_size=8))
def test_a_quoted_text_is_one_word_that_reads_as_that_text(text: str, after: str) -> None:
    first = words(f"{quote(text)} {after}")[0]
    assert (first.text, first.quoted) == (text.replace("\x02", "").replace("\x03", ""), True)


@given(st.text())
def test_a_description_without_options_and_quotes_is_kept_as_it_was_written(text: str) -> None:
    if any(c in text for c in "-—–‒―\"'“”„‟«»‘’‚‛=?"):
        return
    parsed = parse("build x" + text + "x")
    assert isinstance(parsed, c.Build)
    assert parsed.description.split() == ("x" + text + "x").split()


@pytest.mark.parametrize("description", ['"x ' * 7000, "=' " * 7000, "--a " * 5000], ids=["quotes", "equals", "options"])
def test_a_long_line_that_is_no_words_in_quotes_and_no_options_is_kept_as_it_was_written(description: str) -> None:
    assert parse("build " + description) == c.Build(description=description.strip())


def test_a_long_line_of_dashes_is_no_command() -> None:
    with pytest.raises(InvalidInput, match="is not a command"):
        parse("--" * 10_000)


def test_every_example_in_the_table_is_a_valid_command_of_its_verb() -> None:
    for verb in VERBS.values():
        assert verb.usage.split()[0] == verb.name
        assert verb.example.split()[0] == verb.name
        parse(verb.example)


def test_the_help_is_made_from_the_table() -> None:
    text = help_text(prefix="/nexus ")
    assert [line.split()[1] for line in text.splitlines()] == list(VERBS)
    one = help_text("rollback")
    assert "rollback [APP] [vN]" in one
    assert "rollback todo v2 --with-data" in one


APPS = ["todo", "tracker", "blog"]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("", [f"{verb} " if verb != "list" else verb for verb in VERBS]),
        ("st", ["stop ", "start "]),
        ("/nexus st", ["/nexus stop ", "/nexus start "]),
        ("/nex", [f"/nexus {verb} " if verb != "list" else f"/nexus {verb}" for verb in VERBS]),
        ("/sto", ["/nexus stop "]),
        ("show t", ["show todo ", "show tracker "]),
        ("show todo ", []),
        ("rollback b", ["rollback blog "]),
        ("rollback blog ", ["rollback blog --with-data ", "rollback blog --code-only "]),
        ("rollback blog --w", ["rollback blog --with-data "]),
        ("env ", ["env list ", "env set ", "env unset ", "env todo ", "env tracker ", "env blog "]),
        ("env todo u", ["env todo unset "]),
        ("env set ", ["env set todo ", "env set tracker ", "env set blog "]),
        ("build a todo app ", []),
        ("build a todo app --fr", ["build a todo app --framework "]),
        ("build x --framework ", [f"build x --framework {name} " for name in FRAMEWORK_NAMES]),
        ("build x --provider op", ["build x --provider openai "]),
        ("help de", ["help deploy", "help delete"]),
        ("nonsense ", []),
    ],
)
def test_completion_offers_what_can_stand_there(typed: str, offered: list[str]) -> None:
    assert [completion.text.rstrip() for completion in complete(typed, APPS)] == [text.rstrip() for text in offered]


def test_completion_offers_only_the_verbs_that_it_is_given() -> None:
    assert [completion.label for completion in complete("s", APPS, ["show", "stop"])] == ["show", "stop"]
    assert complete("start ", APPS, ["show", "stop"]) == []


@given(st.text(max_size=40))
def test_completion_answers_any_text(text: str) -> None:
    for completion in complete(text, APPS):
        assert completion.text
        assert completion.label
