"""What Discord is told that Nexus is, as data: its commands, and what it asks servers and Discord for.

Registered by `adapters.discord.registering`, asked for by `adapters.discord.inviting` and `adapters.discord.app`, and compared by
`nexus doctor` with what there is. A command is here for each verb of the one grammar, with an option for each of its parts;
`adapters.discord.lines` makes the line of the grammar again. A permission or an intent is here because something in this folder needs it,
and for no other reason; a test compares them with the code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from adapters.discord.lines import MAX_RELEASE, NEWS, PICTURES
from core.conversation.grammar import MAX_LOG_LINES, VERBS
from core.conversation.names import PROVIDERS
from core.words.notifications import NOTIFICATIONS
from core.words.plan import FRAMEWORK_NAMES

COMMAND: Final = "nexus"
MENU_COMMAND: Final = "Build this"  #: in the menu of a message

#: Each permission that is asked for in a server, by its name in discord.py, and what it is for.
PERMISSIONS: Final[Mapping[str, str]] = {
    "view_channel": "see the channels that it is used in",
    "send_messages": "messages that app threads begin with, posts in forums, and news",
    "create_public_threads": "a thread for each app",
    "send_messages_in_threads": "cards, progress and answers in the threads of apps",
    "read_message_history": "reply to people, and post nothing twice",
    "attach_files": "screenshots, logs and zips",
}

#: Each gateway intent, by its name in discord.py, and what it is for.
INTENTS: Final[Mapping[str, str]] = {
    "guilds": "which servers, channels and threads there are",
    "guild_messages": "messages that mention the bot, and replies in the threads of apps",
    "dm_messages": "what people write to the bot",
}
#: And the privileged one, which has to be allowed in the developer portal.
MESSAGE_CONTENT: Final[Mapping[str, str]] = {"message_content": "the words of replies that do not mention the bot"}

#: Each OAuth2 scope of an installation in a server.
SCOPES: Final[Mapping[str, str]] = {
    "bot": "takes part in the server",
    "applications.commands": "the slash command and the one in the menu of messages",
}

_SUBCOMMAND, _GROUP, _TEXT, _INTEGER, _ATTACHMENT = 1, 2, 3, 4, 11  # types of options
_TYPED, _IN_MENU = 1, 3  # types of commands
_EVERYWHERE: Final = {
    "integration_types": [0, 1],  # in servers, and for people
    "contexts": [0, 1, 2],  # in servers, with the bot, and between people
}
_LONGEST = 6000  # characters of a text; Discord takes no more


def commands() -> list[dict[str, Any]]:
    """The commands, as Discord's API takes them."""
    return [
        {
            "type": _TYPED,
            "name": COMMAND,
            "description": "Build, change and run web apps",
            "options": [_subcommand(verb) for verb in VERBS],
            **_EVERYWHERE,
        },
        {"type": _IN_MENU, "name": MENU_COMMAND, **_EVERYWHERE},
    ]


def _subcommand(verb: str) -> dict[str, Any]:
    about = _sentence(VERBS[verb].summary)
    if verb in _PARTS:
        parts = [_option(_SUBCOMMAND, name, said, options=options) for name, (said, options) in _PARTS[verb].items()]
        return _option(_GROUP, verb, about, options=parts)
    options = _OPTIONS.get(verb, [_APP] if VERBS[verb].takes_app else [])
    return _option(_SUBCOMMAND, verb, about, options=options)


def _option(kind: int, name: str, about: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, "description": _sentence(about)} | more


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]


def _choices(choices: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": _sentence(name), "value": value} for value, name in choices]


_APP = _option(_TEXT, "app", "the app; its own thread knows it", autocomplete=True, max_length=100)
_APPS = _option(_TEXT, "app", "the app; left out, it is all of them", autocomplete=True, max_length=100)
_SETTING = _option(_TEXT, "name", "its name, as in SMTP_URL", autocomplete=True, required=True, min_length=1, max_length=64)

#: The parts of a verb that has some, each with its options.
_PARTS: Mapping[str, Mapping[str, tuple[str, list[dict[str, Any]]]]] = {
    "env": {
        "list": ("the names of an app's settings", [_APP]),
        "set": (
            "set one; only its name is ever shown",
            [_SETTING, _option(_TEXT, "value", "its value, kept encrypted", required=True, max_length=_LONGEST), _APP],
        ),
        "unset": ("remove one", [_SETTING, _APP]),
    },
    "notify": {
        "on": (
            "tell this channel what happens to an app, or to all",
            [
                _APPS,
                *(
                    _option(
                        _TEXT,
                        name,
                        "which news" if name == NEWS[0] else "and which too",
                        choices=_choices([*NOTIFICATIONS.items(), ("all", "all of that")]),
                    )
                    for name in NEWS
                ),
            ],
        ),
        "off": ("tell this channel no more", [_APPS]),
        "list": ("which channels are told of what", []),
    },
}

#: The options of the other verbs, where there are others than the app.
_OPTIONS: Mapping[str, list[dict[str, Any]]] = {
    "build": [
        _option(_TEXT, "description", "what it should do; leave it out for a form", max_length=_LONGEST),
        _option(_TEXT, "framework", "what it is written with", choices=_choices((name, name) for name in FRAMEWORK_NAMES)),
        _option(_TEXT, "features", "what it must have, with commas", max_length=_LONGEST),
        _option(_TEXT, "styling", "how it should look", max_length=_LONGEST),
        _option(_TEXT, "provider", "which model writes it", choices=_choices((name, name) for name in PROVIDERS)),
        _option(_TEXT, "name", "what it is called", max_length=100),
        *(
            _option(_ATTACHMENT, name, "a picture or a text that shows what is meant" if name == PICTURES[0] else "one more")
            for name in PICTURES
        ),
    ],
    "logs": [_APP, _option(_INTEGER, "lines", "how many; 100 where it is not said", min_value=1, max_value=MAX_LOG_LINES)],
    "files": [_APP, _option(_TEXT, "path", "the file that is to be shown", autocomplete=True, max_length=300)],
    "rollback": [
        _APP,
        _option(
            _INTEGER,
            "release",
            "its number; leave it out for a form",
            autocomplete=True,
            min_value=1,
            max_value=MAX_RELEASE,
        ),
        _option(
            _TEXT,
            "data",
            "whether the data go back with it",
            choices=_choices([("with-data", "the data too, as they were then"), ("code-only", "the code alone; the data stay")]),
        ),
    ],
    "usage": [_APPS],
    "settings": [
        _option(
            _TEXT,
            "part",
            "which; leave it out to see all",
            choices=_choices(
                [("approvals", "who may approve, and for how long"), ("models", "which model writes, and its budget")]
            ),
        )
    ],
    "help": [_option(_TEXT, "command", "which", choices=_choices((name, name) for name in VERBS))],
}
