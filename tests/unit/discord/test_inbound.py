"""Discord's payloads become what people did: whose words they are, where, and which key they have."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord import inbound
from adapters.discord.inbound import Filled, Pressed, Said, Shared, Where
from adapters.discord.markup import plain
from core.words.thread_ref import ThreadRef

GUILD, BOT, ADA, BEN, GENERAL, THREAD, DM = "100", "200", "301", "302", "400", "500", "600"
ID = str((1_700_000_000_000 - 1_420_070_400_000) << 22)


def interaction(kind: int, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An interaction in a channel of a server."""
    return {
        "id": ID,
        "type": kind,
        "application_id": BOT,
        "token": "the-token",
        "data": data,
        "guild_id": GUILD,
        "channel_id": GENERAL,
        "channel": {"id": GENERAL, "type": 0},
        "context": 0,
        "authorizing_integration_owners": {"0": GUILD},
        "attachment_size_limit": 25_000_000,
        "member": {
            "user": {"id": ADA, "username": "ada", "global_name": "Ada"},
            "nick": None,
            "roles": ["7", "8"],
            "permissions": "2048",
        },
    } | more


def typed(path: str, *options: dict[str, Any], resolved: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A command, as in "env set"."""
    inner = list(options)
    for depth, name in enumerate(reversed(path.split())):
        inner = [{"type": 1 + depth, "name": name, "options": inner}]
    data = {"id": "9", "type": 1, "name": "nexus", "options": inner} | ({"resolved": resolved} if resolved else {})
    return interaction(2, data, **more)


def option(name: str, value: Any, kind: int = 3, **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, "value": value} | more


IN_THREAD: dict[str, Any] = {"channel_id": THREAD, "channel": {"id": THREAD, "type": 11, "parent_id": GENERAL}}
IN_DM: dict[str, Any] = {
    "guild_id": None,
    "member": None,
    "user": {"id": ADA, "username": "ada", "global_name": "Ada"},
    "channel": {"id": DM, "type": 1},
    "channel_id": DM,
    "context": 1,
    "authorizing_integration_owners": {"0": "0"},
}


# -- where -----------------------------------------------------------------------------------------------------------------------


def test_a_command_in_a_channel() -> None:
    said = inbound.command(typed("list"))
    assert said == Said(
        where=Where(
            workspace=GUILD,
            user=ADA,
            name="Ada",
            admin=False,
            roles=("7", "8"),
            channel=GENERAL,
            interaction=ID,
            application=BOT,
            token="the-token",
            since=1_700_000_000.0,
            limit=25_000_000,
            command="9",
        ),
        key=f"discord:{ID}",
        text="list",
        way="command",
    )
    assert said.where.place == ThreadRef(platform="discord", workspace=GUILD, channel=GENERAL, thread="", user=ADA)


def test_a_command_in_a_thread_is_about_that_thread() -> None:
    where = inbound.command(typed("show", **IN_THREAD)).where
    assert (where.channel, where.thread, where.within, where.direct) == (GENERAL, THREAD, True, False)


def test_a_command_in_the_direct_messages_has_no_workspace_and_nobody_says_who_administers() -> None:
    where = inbound.command(typed("list", **IN_DM)).where
    assert (where.workspace, where.channel, where.thread, where.direct) == ("", DM, "", True)
    assert (where.user, where.name, where.admin, where.roles) == (ADA, "Ada", None, ())


@pytest.mark.parametrize(
    "more",
    [
        IN_DM | {"context": 2},
        IN_DM | {"channel": {"id": DM, "type": 3}, "context": None},
        {"authorizing_integration_owners": {"1": ADA}},
    ],
    ids=["between two people", "in a group", "in a server that Nexus is no member of"],
)
def test_where_nexus_cannot_write_there_is_no_place(more: dict[str, Any]) -> None:
    where = inbound.command(typed("list", **more)).where
    assert (where.workspace, where.channel, where.direct, where.admin) == ("", "", False, None)
    assert where.place is None
    assert (where.user, where.token) == (ADA, "the-token")


@pytest.mark.parametrize(("permissions", "admin"), [("8", True), ("32", True), ("2080", True), ("2048", False), ("", None)])
def test_who_may_manage_the_server_administers_it(permissions: str, admin: bool | None) -> None:
    payload = typed("list")
    payload["member"]["permissions"] = permissions
    assert inbound.command(payload).where.admin is admin


@pytest.mark.parametrize(
    ("member", "name"),
    [
        ({"nick": "Countess", "user": {"id": ADA, "username": "ada", "global_name": "Ada"}}, "Countess"),
        ({"user": {"id": ADA, "username": "ada", "global_name": "Ada"}}, "Ada"),
        ({"user": {"id": ADA, "username": "ada", "global_name": None}}, "ada"),
    ],
)
def test_people_are_called_as_they_are_there(member: dict[str, Any], name: str) -> None:
    assert inbound.command(typed("list", member=member)).where.name == name


def test_without_a_limit_of_discords_files_are_small() -> None:
    assert inbound.command(typed("list", attachment_size_limit=None)).where.limit == 10 * 1024 * 1024


def test_tokens_and_words_are_in_no_representation() -> None:
    said = inbound.command(typed("env set", option("name", "A"), option("value", "hunter2")))
    assert "hunter2" in said.text
    assert "hunter2" not in repr(said)
    assert "the-token" not in repr(said)


# -- commands --------------------------------------------------------------------------------------------------------------------


def test_the_parts_of_a_command_are_a_line_of_the_grammar() -> None:
    said = inbound.command(typed("env set", option("name", "GREETING"), option("value", 'say "hi" now'), option("app", "Todo")))
    assert said.text == "env set todo 'GREETING=say \"hi\" now'"


def test_a_number_and_a_choice_are_a_line_of_the_grammar() -> None:
    said = inbound.command(typed("rollback", option("release", 3, 4), option("data", "code-only")))
    assert said.text == "rollback v3 --code-only"


def test_people_and_channels_in_a_description_are_called_by_their_names() -> None:
    resolved = {"users": {BEN: {"id": BEN, "username": "ben"}}, "channels": {"1": {"id": "1", "name": "books"}}}
    said = inbound.command(typed("build", option("description", f"a list for <@{BEN}> of <#1> <:wave:123>"), resolved=resolved))
    assert said.text == 'build "a list for @ben of #books :wave:"'


def test_what_looks_like_a_mention_in_a_setting_is_left_as_it_is() -> None:
    said = inbound.command(typed("env set", option("name", "A"), option("value", f"<@{BEN}>")))
    assert said.text == f'env set "A=<@{BEN}>"'


def test_files_come_with_a_command_in_order_and_once() -> None:
    resolved = {
        "attachments": {
            "1": {"id": "1", "filename": "a.png", "size": 5, "url": "https://cdn.example/a"},
            "2": {"id": "2", "filename": "b.png", "size": 6, "url": "https://cdn.example/b"},
        }
    }
    options = [option("picture", "2", 11), option("picture-2", "1", 11), option("picture-3", "2", 11)]
    said = inbound.command(typed("build", option("description", "like this"), *options, resolved=resolved))
    assert said.files == (
        Shared(id="2", name="b.png", size=6, url="https://cdn.example/b"),
        Shared(id="1", name="a.png", size=5, url="https://cdn.example/a"),
    )
    assert said.text == 'build "like this"'


def picked(message: dict[str, Any], **more: Any) -> Said:
    data = {
        "id": "9",
        "type": 3,
        "name": "Build this",
        "target_id": "77",
        "resolved": {"messages": {"77": {"id": "77"} | message}},
    }
    payload = interaction(2, data, **more)
    assert inbound.is_menu_command(payload)
    return inbound.picked(payload)


def test_a_message_that_is_picked_is_the_request() -> None:
    file = {"id": "1", "filename": "a.png", "size": 5, "url": "https://cdn.example/a"}
    said = picked({"content": f"build it for <@{BEN}>", "mentions": [{"id": BEN, "username": "ben"}], "attachments": [file]})
    assert (said.text, said.way, said.where.thread) == ("build it for @ben", "pick", "")
    assert [one.name for one in said.files] == ["a.png"]


def test_a_message_with_a_thread_is_picked_for_that_thread() -> None:
    said = picked({"content": "a shop", "flags": 32})
    assert (said.where.channel, said.where.thread, said.where.within) == (GENERAL, "77", False)


def test_a_message_in_a_thread_is_picked_for_that_thread() -> None:
    assert picked({"content": "a shop"}, **IN_THREAD).where.thread == THREAD


def test_a_command_is_no_message_command() -> None:
    assert not inbound.is_menu_command(typed("list"))


# -- presses ---------------------------------------------------------------------------------------------------------------------


def press(custom_id: str = "approve:apr_1", message: dict[str, Any] | None = None, **more: Any) -> Pressed:
    payload = interaction(3, {"component_type": 2, "custom_id": custom_id}, message={"id": "88"} | (message or {}), **more)
    did = inbound.pressed(payload)
    assert did is not None
    return did


def test_a_press_has_its_action_its_value_and_its_message() -> None:
    did = press(**IN_THREAD)
    assert (did.key, did.action, did.value, did.message, did.asks) == (f"discord:{ID}", "approve", "apr_1", "88", False)
    assert (did.where.channel, did.where.thread, did.where.within, did.where.command) == (GENERAL, THREAD, True, "")


def test_a_button_that_asks_first_says_so() -> None:
    did = press("?delete:todo")
    assert (did.action, did.value, did.asks) == ("delete", "todo", True)


def test_the_second_of_two_equal_buttons_means_the_same() -> None:
    assert (press("open~2:todo").action, press("open~2:todo").value) == ("open", "todo")


def test_a_choice_from_a_menu_of_a_build_has_both() -> None:
    data = {"component_type": 3, "custom_id": "file:bld_1", "values": ["12"]}
    did = inbound.pressed(interaction(3, data, message={"id": "88"}))
    assert did is not None
    assert (did.action, did.value) == ("file", "bld_1 12")


@pytest.mark.parametrize("custom_id", ["", "approve", "Approve:1", "9:1"])
def test_a_button_of_nobody_is_none(custom_id: str) -> None:
    assert inbound.pressed(interaction(3, {"component_type": 2, "custom_id": custom_id})) is None


def test_a_press_on_the_message_that_a_thread_hangs_on_is_about_that_thread() -> None:
    assert press(message={"flags": 32}).where.thread == "88"


def test_a_press_on_a_message_without_a_thread_is_about_none() -> None:
    assert press().where.thread == ""


@pytest.mark.parametrize(
    ("message", "thread", "within"),
    [
        ({}, "88", False),
        ({"message_reference": {"type": 0, "message_id": "70"}}, "70", True),
        (
            {
                "message_reference": {"message_id": "75"},
                "referenced_message": {"id": "75", "message_reference": {"message_id": "70"}},
            },
            "70",
            True,
        ),
        ({"flags": 64, "message_reference": {"message_id": "70"}}, "", False),
    ],
    ids=["the root", "a reply to the root", "a reply to a reply", "what one person sees"],
)
def test_in_direct_messages_the_thread_is_the_message_that_is_replied_to(
    message: dict[str, Any], thread: str, within: bool
) -> None:
    where = press(message=message, **IN_DM).where
    assert (where.channel, where.thread, where.within, where.direct) == (DM, thread, within, True)


# -- forms -----------------------------------------------------------------------------------------------------------------------


def form(custom_id: str = "change:todo", **more: Any) -> Filled | None:
    data = {
        "custom_id": custom_id,
        "components": [{"type": 18, "component": {"type": 4, "custom_id": "text", "value": "make it blue"}}],
    }
    return inbound.filled(interaction(5, data, **more))


def test_a_form_has_its_name_its_value_and_what_was_filled_in() -> None:
    sent = form(**IN_THREAD)
    assert sent is not None
    assert (sent.key, sent.form, sent.value, dict(sent.values)) == (f"discord:{ID}", "change", "todo", {"text": "make it blue"})
    assert (sent.where.thread, sent.where.within) == (THREAD, True)
    assert "blue" not in repr(sent)


def test_a_form_of_nobody_is_none() -> None:
    assert form("nonsense") is None


def test_a_form_that_a_button_opened_belongs_to_the_thread_of_its_message() -> None:
    sent = form(message={"id": "88", "flags": 32})
    assert sent is not None
    assert sent.where.thread == "88"


# -- what is being typed ---------------------------------------------------------------------------------------------------------


def test_what_is_typed_into_an_option_is_known_with_the_others() -> None:
    payload = typed("rollback", option("app", "todo"), option("release", "1 ", 4, focused=True))
    payload["type"] = 4
    sought = inbound.sought(payload)
    assert (sought.command, sought.focused, sought.text) == ("rollback", "release", "1")
    assert sought.options == {"app": "todo", "release": "1 "}


# -- messages --------------------------------------------------------------------------------------------------------------------


def event(text: str, **more: Any) -> dict[str, Any]:
    """A message in a channel of a server, as MESSAGE_CREATE tells of it."""
    return {
        "id": "90",
        "type": 0,
        "channel_id": GENERAL,
        "guild_id": GUILD,
        "author": {"id": ADA, "username": "ada", "global_name": "Ada"},
        "member": {"nick": "", "roles": ["7"], "permissions": "8"},
        "content": text,
        "mentions": [],
        "attachments": [],
    } | more


def heard(text: str, *, parent: str = "", role: str = "", **more: Any) -> Said | None:
    return inbound.message(event(text, **more), BOT, parent, role=role)


def in_thread(text: str, **more: Any) -> Said | None:
    return heard(text, parent=GENERAL, channel_id=THREAD, **more)


def direct(text: str, **more: Any) -> Said:
    said = heard(text, guild_id=None, member=None, channel_id=DM, **more)
    assert said is not None
    return said


@pytest.mark.parametrize("text", [f"<@{BOT}> a todo app", f"a todo <@!{BOT}>app", f"<@{BOT}>\na todo app"])
def test_a_mention_of_the_bot_is_for_nexus(text: str) -> None:
    said = heard(text, mentions=[{"id": BOT, "username": "nexus"}])
    assert said is not None
    assert (said.text.replace("\n", " "), said.way, said.key) == ("a todo app", "mention", "discord:90")
    assert (said.where.workspace, said.where.channel, said.where.thread) == (GUILD, GENERAL, "")
    assert (said.where.admin, said.where.roles, said.where.token) == (True, ("7",), "")


def test_a_mention_of_the_bots_own_role_is_for_nexus_too() -> None:
    said = heard("<@&55> list", role="55")
    assert said is not None
    assert (said.text, said.way) == ("list", "mention")
    assert heard("<@&55> list", role="56") is None


def test_a_mention_alone_is_for_nexus() -> None:
    said = heard(f"<@{BOT}>")
    assert said is not None
    assert said.text == ""


def test_words_in_a_channel_that_mention_nobody_are_not_for_nexus() -> None:
    assert heard("a todo app") is None


def test_words_in_a_thread_may_be() -> None:
    said = in_thread("make it blue")
    assert said is not None
    assert (said.text, said.way) == ("make it blue", "reply")
    assert (said.where.channel, said.where.thread, said.where.within) == (GENERAL, THREAD, True)


def test_words_that_begin_by_mentioning_somebody_else_are_theirs() -> None:
    assert in_thread(f" <@{BEN}> what do you think?") is None
    assert in_thread(f"ask <@{BEN}> for the colours") is not None
    both = in_thread(f"<@{BEN}> <@{BOT}> make it blue", mentions=[{"id": BEN, "username": "ben"}])
    assert both is not None
    assert both.text == "@ben  make it blue"


@pytest.mark.parametrize(
    ("author", "ours"),
    [({"id": BEN}, False), ({"id": ADA}, True), ({"id": BOT, "bot": True}, True), ({"id": "999", "bot": True}, True)],
    ids=["another person", "themselves", "Nexus", "another bot"],
)
def test_a_reply_to_what_another_person_said_is_theirs(author: dict[str, Any], ours: bool) -> None:
    reply = {"type": 19, "message_reference": {"message_id": "80"}, "referenced_message": {"id": "80", "author": author}}
    assert (in_thread("no, red", **reply) is not None) is ours


def test_a_reply_to_the_message_that_a_thread_hangs_on_is_about_that_thread() -> None:
    root = {"id": "80", "author": {"id": BOT, "bot": True}, "flags": 32}
    said = heard("blue", type=19, mentions=[{"id": BOT}], message_reference={"message_id": "80"}, referenced_message=root)
    assert said is not None
    assert (said.way, said.where.channel, said.where.thread, said.where.within) == ("reply", GENERAL, "80", False)


def test_a_reply_to_the_bot_that_does_not_name_it_asks_for_nothing() -> None:
    """Discord mentions whoever is replied to, unless somebody switches that off."""
    news = {"id": "80", "author": {"id": BOT, "bot": True}}
    reply = {"type": 19, "mentions": [{"id": BOT}], "message_reference": {"message_id": "80"}, "referenced_message": news}
    assert heard("great, thanks a lot for that", **reply) is None
    said = heard(f"great! <@{BOT}> a shop for that", **reply)
    assert said is not None
    assert (said.way, said.where.thread) == ("mention", "")
    there = in_thread("great, thanks a lot for that", **reply)
    assert there is not None
    assert there.way == "reply", "which is nothing where the thread is no app's"


def test_direct_messages_are_for_nexus_and_each_begins_a_thread_of_its_own() -> None:
    said = direct("a todo app")
    assert (said.way, said.where.workspace, said.where.channel, said.where.direct) == ("mention", "", DM, True)
    assert (said.where.thread, said.where.within) == ("90", False)


def test_a_reply_in_the_direct_messages_is_in_the_thread_of_what_it_replies_to() -> None:
    root = {"id": "70", "author": {"id": ADA}}
    said = direct("blue", type=19, message_reference={"message_id": "70"}, referenced_message=root)
    assert (said.where.thread, said.where.within) == ("70", True)
    card = {"id": "75", "author": {"id": BOT}, "message_reference": {"message_id": "70"}}
    said = direct("blue", type=19, message_reference={"message_id": "75"}, referenced_message=card)
    assert (said.where.thread, said.where.within) == ("70", True)


def test_a_message_that_is_forwarded_to_the_bot_is_read() -> None:
    forwarded = {
        "content": "a todo app",
        "attachments": [{"id": "1", "filename": "a.png", "size": 5, "url": "https://cdn.example/a"}],
    }
    said = direct("", message_reference={"type": 1, "message_id": "3"}, message_snapshots=[{"message": forwarded}])
    assert (said.text, [one.name for one in said.files], said.where.thread) == ("a todo app", ["a.png"], "90")


def test_files_come_with_words_and_without_any() -> None:
    file = {"id": "1", "filename": "a.png", "size": 5, "url": "https://cdn.example/a"}
    for text in ("like this", ""):
        said = in_thread(text, attachments=[file])
        assert said is not None
        assert said.files == (Shared(id="1", name="a.png", size=5, url="https://cdn.example/a"),)


@pytest.mark.parametrize(
    "more",
    [
        {"author": {"id": BOT}},
        {"author": {"id": "9", "bot": True}},
        {"author": {"id": "9", "system": True}},
        {"webhook_id": "9"},
        {"edited_timestamp": "2026-11-14T00:00:00Z"},
        {"type": 6},
        {"type": 18},
        {"type": 21},
        {"author": {}},
        {"id": None},
        {"content": ""},
    ],
    ids=[
        "itself",
        "a bot",
        "Discord",
        "a webhook",
        "an edit",
        "a pin",
        "a new thread",
        "its start",
        "nobody",
        "no id",
        "a sticker",
    ],
)
def test_what_no_person_says_is_not_for_nexus(more: dict[str, Any]) -> None:
    assert in_thread("make it blue", **more) is None


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("<@1> and <@!2> and <@&3> in <#4>", "@ada and @2 and @team in #books"),
        ("<:wave:123> <a:spin:456> </nexus build:789>", ":wave: :spin: /nexus build"),
        ("a <b> c <1> <@> <@x> <#general>", "a <b> c <1> <@> <@x> <#general>"),
    ],
)
def test_the_words_are_those_that_people_see(written: str, seen: str) -> None:
    assert plain(written, {"1": "ada", "3": "team", "4": "books"}) == seen


# -- whatever comes --------------------------------------------------------------------------------------------------------------

_JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=12), st.sampled_from([ID, BOT])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
_NAMES = [
    "id", "type", "data", "guild_id", "channel", "channel_id", "parent_id", "member", "user", "roles", "permissions", "options", "name",
    "value", "focused", "custom_id", "component_type", "components", "component", "values", "message", "flags", "resolved", "messages",
    "attachments", "target_id", "message_reference", "message_id", "referenced_message", "author", "content", "mentions", "thread",
    "authorizing_integration_owners", "context", "message_snapshots", "attachment_size_limit", "users", "members",
]  # fmt: skip


def _mangled(start: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A payload with some of its parts, at any depth, replaced by anything."""

    def mangle(value: Any, changes: dict[str, Any]) -> Any:
        if isinstance(value, dict):
            return {name: changes[name] if name in changes else mangle(one, changes) for name, one in value.items()}
        return [mangle(one, changes) for one in value] if isinstance(value, list) else value

    changes = st.dictionaries(st.sampled_from(_NAMES), _JSON, max_size=4)
    return changes.map(lambda some: {**some, **mangle(start, some)})


_COMMAND = typed("build", option("description", "a"), option("picture", "1", 11), resolved={"attachments": {"1": {"id": "1"}}})
_MENU = interaction(
    2, {"type": 3, "target_id": "1", "resolved": {"messages": {"1": event("a", message_snapshots=[{"message": {}}])}}}
)
_PRESS = interaction(3, {"component_type": 3, "custom_id": "file:b", "values": ["1"]}, message=event("a"), **IN_DM)
_FORM = interaction(
    5,
    {
        "custom_id": "change:todo",
        "components": [{"type": 18, "component": {"type": 4, "custom_id": "text", "value": "a"}}],
        "resolved": {"users": {"1": {"id": "1"}}, "members": {"1": {}}, "roles": {"2": {"name": "a"}}},
    },
)
_EVENT = event("a", mentions=[{"id": BOT}], message_reference={"message_id": "1"}, referenced_message=event("b"))


@given(_mangled(_COMMAND))
def test_any_command_is_read(payload: dict[str, Any]) -> None:
    assert isinstance(inbound.command(payload), Said)
    assert isinstance(inbound.sought(payload).text, str)


@given(_mangled(_MENU))
def test_any_picked_message_is_read(payload: dict[str, Any]) -> None:
    assert isinstance(inbound.picked(payload), Said)


@given(_mangled(_PRESS))
def test_any_press_is_read(payload: dict[str, Any]) -> None:
    assert isinstance(inbound.pressed(payload), Pressed | None)


@given(_mangled(_FORM))
def test_any_form_is_read(payload: dict[str, Any]) -> None:
    assert isinstance(inbound.filled(payload), Filled | None)


@given(_mangled(_EVENT), st.sampled_from(["", GENERAL]))
def test_any_message_is_read(payload: dict[str, Any], parent: str) -> None:
    assert isinstance(inbound.message(payload, BOT, parent), Said | None)
