"""The one grammar of ``/nexus …``, for every chat platform, the page and the CLI: a table of commands, and what is made of it.

Called by the dialogue (`parse`), the page and Discord (`complete`), and whoever shows help. It refuses with `InvalidInput` and nothing
else, whatever is typed: the nearest match and its usage are in the message. A command that this Nexus cannot do is not in the table.

Quotes are optional: after ``build`` everything is the description, except the options before and after it. The words of a chat come
with smart quotes, non-breaking spaces and long dashes, which `core.conversation.words` takes care of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.conversation import commands as c
from core.conversation.commands import ParsedCommand
from core.conversation.names import app_name, features_of, framework_name, nearest, provider_name, quoted, setting_name
from core.conversation.words import Word, tidy, words
from core.errors import InvalidInput
from core.words.notifications import NOTIFICATIONS
from core.words.plan import FRAMEWORK_NAMES, slugify

MAX_LOG_LINES = 1000

_BUILD_OPTIONS = ("framework", "features", "styling", "provider", "name")
_ONE_WORD = {"framework", "provider"}
_ENV_SUBS = ("list", "set", "unset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One command of the table."""

    name: str
    usage: str
    summary: str
    example: str
    parse: Callable[[str, Sequence[Word]], ParsedCommand]
    takes_app: bool = True
    options: tuple[str, ...] = ()


# --- the parts that commands share ------------------------------------------------------------------------------------------------


def _wrong(verb: str, why: str) -> InvalidInput:
    return InvalidInput(f"{why} Usage: {VERBS[verb].usage}")


def _wrong_option(verb: str, word: Word) -> InvalidInput:
    options = VERBS[verb].options
    near = nearest(word.option or word.text.lstrip("-"), options)
    why = f"{quoted(word.text)} is not an option of {verb}."
    return _wrong(verb, f"{why} Did you mean --{near}?" if near else why)


def _app(verb: str, rest: Sequence[Word]) -> str | None:
    """The slug that was typed; a name in several words is taken as the slug that is made of it."""
    if not rest:
        return None
    for word in rest:
        if word.text.startswith("-") or word.option:
            raise _wrong_option(verb, word)
    typed = " ".join(word.text for word in rest)
    slug = slugify(typed)
    if slug == "app" and typed.casefold() != "app":  # nothing was left of it
        raise _wrong(verb, f"{quoted(typed)} is not the name of an app.")
    return slug


def _only_app(make: Callable[..., ParsedCommand], verb: str) -> Callable[[str, Sequence[Word]], ParsedCommand]:
    return lambda _line, rest: make(app=_app(verb, rest))


def _nothing(make: Callable[..., ParsedCommand], verb: str) -> Callable[[str, Sequence[Word]], ParsedCommand]:
    def parse_nothing(_line: str, rest: Sequence[Word]) -> ParsedCommand:
        if rest:
            raise _wrong(verb, f"{verb} takes no words after it.")
        return make()

    return parse_nothing


def _settings(_line: str, rest: Sequence[Word]) -> ParsedCommand:
    typed = [word.text.casefold() for word in rest]
    match typed:
        case [] | ["approvals"]:
            return c.Settings()
        case ["models"] | ["model"]:
            return c.Settings(part="models")
    raise _wrong("settings", f"There are settings of approvals and of models, not of {quoted(' '.join(typed))}.")


# --- build ------------------------------------------------------------------------------------------------------------------------


def _option_value(rest: Sequence[Word], at: int, described: bool) -> tuple[str, int]:
    """The value of the option at ``at``, and where the line goes on. Before the description a value is one word (or quoted, or a list
    joined by commas); after it, all words up to the next option."""
    word = rest[at]
    if word.option_value is not None:
        return word.option_value, at + 1
    following = at + 1
    if following == len(rest) or rest[following].option in _BUILD_OPTIONS:
        raise _wrong("build", f"--{word.option} needs a value.")
    taken = [rest[following]]
    following += 1
    if not taken[0].quoted and word.option not in _ONE_WORD:
        while following < len(rest) and rest[following].option not in _BUILD_OPTIONS:
            listed = word.option == "features" and (taken[-1].text.endswith(",") or rest[following].text.startswith(","))
            if not described and not listed:
                break
            taken.append(rest[following])
            following += 1
    return " ".join(t.text for t in taken), following


def _build(line: str, rest: Sequence[Word]) -> c.Build:
    described: list[list[Word]] = []  # runs of words, so that the line breaks and spaces inside a description stay
    values: dict[str, str] = {}
    at, in_run = 0, False
    while at < len(rest):
        word = rest[at]
        if word.option in _BUILD_OPTIONS:
            values[word.option], at = _option_value(rest, at, bool(described))
            in_run = False
            continue
        if word.option and nearest(word.option, _BUILD_OPTIONS, cutoff=0.75):
            raise _wrong_option("build", word)
        if in_run:
            described[-1].append(word)
        else:
            described.append([word])
        in_run, at = True, at + 1
    if len(described) == 1 and len(described[0]) == 1:
        description = described[0][0].text
    else:
        description = " ".join(line[run[0].start : run[-1].end] for run in described)
    return c.Build(
        description=description.strip(),
        framework=framework_name(values["framework"]) if "framework" in values else None,
        features=features_of(values.get("features", "")),
        styling=values.get("styling", "").strip(),
        provider=provider_name(values.get("provider", "auto")),
        name=app_name(values.get("name", "")),
    )


# --- the others -------------------------------------------------------------------------------------------------------------------


def _logs(_line: str, rest: Sequence[Word]) -> c.Logs:
    lines, follow, names, at = 100, False, [], 0
    while at < len(rest):
        word = rest[at]
        if (word.text == "-f" and not word.quoted) or word.option == "follow":
            follow = True
        elif (word.text == "-n" and not word.quoted) or word.option == "lines":
            typed = word.option_value
            if typed is None:
                at += 1
                typed = rest[at].text if at < len(rest) else ""
            if not re.fullmatch(r"[0-9]{1,6}", typed) or not 1 <= int(typed) <= MAX_LOG_LINES:
                raise _wrong("logs", f"--lines takes a number from 1 to {MAX_LOG_LINES:,}.")
            lines = int(typed)
        else:
            names.append(word)
        at += 1
    return c.Logs(app=_app("logs", names), lines=lines, follow=follow)


def _files(_line: str, rest: Sequence[Word]) -> c.Files:
    if len(rest) > 2:
        raise _wrong("files", "files takes an app and one path.")
    if len(rest) == 2:
        return c.Files(app=_app("files", rest[:1]) if rest[0].text else None, path=rest[1].text)  # "" PATH: the app of the thread
    if rest and (re.search(r"[./A-Z_]", rest[0].text) and not rest[0].text.startswith("-")):
        return c.Files(path=rest[0].text)  # a slug has none of these: in an app's thread a path may stand alone
    return c.Files(app=_app("files", rest))


def _env(_line: str, rest: Sequence[Word]) -> ParsedCommand:
    names = [word.text.lower() for word in rest[:2]]
    app: str | None = None
    if names and names[0] in _ENV_SUBS:
        sub, args = names[0], list(rest[1:])
    elif len(names) == 2 and names[1] in _ENV_SUBS:
        app, sub, args = _app("env", rest[:1]), names[1], list(rest[2:])
    elif len(rest) == 1 and "=" not in rest[0].text:
        sub, args = "list", list(rest)
    elif not rest:
        sub, args = "list", []
    else:
        near = next((n for n in (nearest(name, _ENV_SUBS, cutoff=0.7) for name in names) if n), "set")
        raise _wrong("env", f"env does one of list, set and unset. Did you mean env {near}?")
    if sub == "list":
        if app is not None and args:
            raise _wrong("env", "env list takes an app and nothing else.")
        return c.EnvList(app=app if app is not None else _app("env", args))
    if app is None and args and re.fullmatch(r"[a-z][a-z0-9-]*", args[0].text):
        app, args = args[0].text, args[1:]
    if sub == "set":
        return c.EnvSet(app=app, values=dict(_assignment(word) for word in args) or _no_assignment())
    if not args:
        raise _wrong("env", "Say which settings to remove.")
    return c.EnvUnset(app=app, names=tuple(setting_name(word.text.strip(",")) for word in args))


def _assignment(word: Word) -> tuple[str, str]:
    name, equals, value = word.text.partition("=")
    if not equals:
        # Not repeated in the message: it may be the second half of a secret.
        raise _wrong("env", "A word has no NAME= in front. Put a value with spaces in quotes.")
    return setting_name(name), value


def _no_assignment() -> dict[str, str]:
    raise _wrong("env", "Say what to set, as NAME=value.")


def _rollback(_line: str, rest: Sequence[Word]) -> c.Rollback:
    with_data: bool | None = None
    names: list[Word] = []
    for word in rest:
        if word.option in {"with-data", "code-only"} and word.option_value is None:
            wanted = word.option == "with-data"
            if with_data is not None and with_data != wanted:
                raise _wrong("rollback", "Choose one of --with-data and --code-only.")
            with_data = wanted
        else:
            names.append(word)
    number: int | None = None
    if names and not names[-1].quoted and (match := re.fullmatch(r"[vV]?([0-9]{1,6})", names[-1].text)):
        number, names = int(match[1]), names[:-1]
        if number < 1:
            raise _wrong("rollback", "Releases are numbered from v1.")
    return c.Rollback(app=_app("rollback", names), number=number, with_data=with_data)


def _notify(_line: str, rest: Sequence[Word]) -> c.Notify | c.NotifyOff | c.NotifyList:
    # In quotes it is an app, whatever else has that name.
    typed = ["" if word.quoted else word.text.casefold() for word in rest]
    if typed == ["list"]:
        return c.NotifyList()
    if typed[:1] == ["off"]:
        return c.NotifyOff(app=_app("notify", rest[1:]))
    kinds = [name.strip(",") for name in typed if name.strip(",") in {*NOTIFICATIONS, "all"}]
    named = [word for word, name in zip(rest, typed, strict=True) if name.strip(",") not in {*NOTIFICATIONS, "all"}]
    chosen = tuple(NOTIFICATIONS) if "all" in kinds else tuple(name for name in NOTIFICATIONS if name in kinds)
    for word in named[1:]:
        if near := nearest(word.text, NOTIFICATIONS):
            raise _wrong("notify", f"{quoted(word.text)} is no kind of news. Did you mean {near}?")
    for word in named:
        if word.text.startswith(("#", "<#")):
            raise _wrong("notify", f"{quoted(word.text)} is a channel. Type notify in the channel that is to be told.")
    return c.Notify(app=_app("notify", named), kinds=chosen or (tuple(NOTIFICATIONS) if named else ()))


def _help(_line: str, rest: Sequence[Word]) -> c.Help:
    if not rest:
        return c.Help()
    verb = rest[0].text.casefold()
    if verb not in VERBS:
        raise _unknown(verb, typed_words=1)
    return c.Help(verb=verb)


# --- the table --------------------------------------------------------------------------------------------------------------------

_FRAMEWORKS = "|".join(FRAMEWORK_NAMES)
_TABLE = (
    Verb(
        name="build",
        usage=f"build DESCRIPTION [--framework {_FRAMEWORKS}] [--features A,B] [--styling WORDS] [--provider NAME] [--name NAME]",
        summary="make an app from a description",
        example="build a todo app with due dates --framework fastapi",
        parse=_build,
        takes_app=False,
        options=_BUILD_OPTIONS,
    ),
    Verb(name="list", usage="list", summary="your apps", example="list", parse=_nothing(c.ListApps, "list"), takes_app=False),
    Verb(
        name="show",
        usage="show [APP]",
        summary="an app's state, address and releases",
        example="show todo",
        parse=_only_app(c.Show, "show"),
    ),
    Verb(
        name="logs",
        usage="logs [APP] [--lines N]",
        summary="the last lines that an app printed",
        example="logs todo --lines 50",
        parse=_logs,
        options=("lines", "follow"),
    ),
    Verb(
        name="files",
        usage="files [APP] [PATH]",
        summary="the files of the newest build, or the text of one",
        example="files todo README.md",
        parse=_files,
    ),
    Verb(
        name="env",
        usage="env [APP] list | set NAME=value … | unset NAME …",
        summary="an app's settings; values are kept encrypted",
        example="env todo set SMTP_URL=smtp://mail.example.com",
        parse=_env,
    ),
    Verb(
        name="db",
        usage="db [APP]",
        summary="an app's database, and how to reach it",
        example="db todo",
        parse=_only_app(c.Db, "db"),
    ),
    Verb(
        name="deploy",
        usage="deploy [APP]",
        summary="approve what waits for review, and deploy it",
        example="deploy todo",
        parse=_only_app(c.Deploy, "deploy"),
    ),
    Verb(
        name="rollback",
        usage="rollback [APP] [vN] [--with-data | --code-only]",
        summary="bring an earlier release back",
        example="rollback todo v2 --with-data",
        parse=_rollback,
        options=("with-data", "code-only"),
    ),
    Verb(
        name="stop",
        usage="stop [APP]",
        summary="stop an app; its data stay",
        example="stop todo",
        parse=_only_app(c.Stop, "stop"),
    ),
    Verb(
        name="start", usage="start [APP]", summary="start a stopped app", example="start todo", parse=_only_app(c.Start, "start")
    ),
    Verb(
        name="restart",
        usage="restart [APP]",
        summary="start a fresh copy of what is live",
        example="restart todo",
        parse=_only_app(c.Restart, "restart"),
    ),
    Verb(
        name="delete",
        usage="delete [APP]",
        summary="remove an app, after asking again",
        example="delete todo",
        parse=_only_app(c.Delete, "delete"),
    ),
    Verb(
        name="notify",
        usage=f"notify [APP] [{' | '.join(NOTIFICATIONS)} …] | notify off [APP] | notify list",
        summary="tell this channel what happens to an app, or to all",
        example="notify todo live failed",
        parse=_notify,
    ),
    Verb(
        name="usage",
        usage="usage [APP]",
        summary="what apps use: database, connections, builds",
        example="usage",
        parse=_only_app(c.Usage, "usage"),
    ),
    Verb(
        name="settings",
        usage="settings [approvals | models]",
        summary="who may approve and for how long; which model writes, and its budget",
        example="settings models",
        parse=_settings,
        takes_app=False,
    ),
    Verb(
        name="help",
        usage="help [COMMAND]",
        summary="the commands, or one of them",
        example="help build",
        parse=_help,
        takes_app=False,
    ),
)
VERBS: dict[str, Verb] = {verb.name: verb for verb in _TABLE}

_MEANT = {
    **dict.fromkeys(("create", "make", "new", "generate"), "build"),
    **dict.fromkeys(("ls", "apps"), "list"),
    **dict.fromkeys(("status", "info", "open"), "show"),
    **dict.fromkeys(("log", "tail"), "logs"),
    **dict.fromkeys(("code", "source", "cat"), "files"),
    **dict.fromkeys(("vars", "secrets", "config"), "env"),
    **dict.fromkeys(("database", "psql"), "db"),
    **dict.fromkeys(("approve", "ship", "publish"), "deploy"),
    **dict.fromkeys(("undo", "revert"), "rollback"),
    **dict.fromkeys(("remove", "rm", "destroy"), "delete"),
    **dict.fromkeys(("subscribe", "alerts", "watch"), "notify"),
}


def _unknown(typed: str, *, typed_words: int) -> InvalidInput:
    meant = nearest(typed, VERBS) or _MEANT.get(typed.casefold(), "")
    if meant:
        return InvalidInput(f"{quoted(typed)} is not a command. Did you mean {meant}? Usage: {VERBS[meant].usage}")
    if typed_words > 3:
        return InvalidInput(
            f"{quoted(typed)} is not a command. To make an app of these words, type build in front of them; help shows the commands."
        )
    return InvalidInput(f"{quoted(typed)} is not a command. Type help to see the commands.")


def parse(text: str) -> ParsedCommand:
    """What was typed after the slash word (which is forgiven when it is there).

    Raises:
        InvalidInput: with the nearest match and its usage.
    """
    line = tidy(text)
    typed = words(line)
    if typed and typed[0].text.casefold() == "/nexus":
        typed = typed[1:]
    if not typed or typed[0].text in {"?", "-h"} or typed[0].option == "help":
        return c.Help()
    name = typed[0].text.casefold().lstrip("/")
    verb = VERBS.get(name)
    if verb is None:
        raise _unknown(typed[0].text, typed_words=len(typed))
    rest = typed[1:]
    if len(rest) == 1 and (rest[0].option == "help" or (rest[0].text == "-h" and not rest[0].quoted)):
        return c.Help(verb=name)
    return verb.parse(line, rest)


def help_text(verb: str = "", *, prefix: str = "") -> str:
    """The help for one command, or a line for each. ``prefix`` goes before each: "/nexus " in a chat."""
    if one := VERBS.get(verb):
        lines = [f"{prefix}{one.usage}", one.summary[0].upper() + one.summary[1:] + ".", f"For example: {prefix}{one.example}"]
        if one.takes_app:
            lines.append("In an app's thread, APP can be left out.")
        return "\n".join(lines)
    return "\n".join(f"{prefix}{v.usage} — {v.summary}" for v in _TABLE)
