"""Slack's payloads become what people did: whose words they are, what they mean there, and which key they have."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.slack import inbound
from adapters.slack.inbound import Said, Where, plain
from core.conversation import saying
from core.conversation.saying import is_command
from core.ids import PrincipalId, ThreadId, WorkspaceId
from core.words.attachment import Attachment
from core.words.inbound import Action, Command, FormSubmit, Inbound, Reply, Who
from core.words.thread_ref import ThreadRef

TEAM, BOT, ADA, GENERAL, DM = "T0ACME", "U0NEXUS", "U0ADA", "C0GENERAL", "D0ADA"
WHO = Who(principal=PrincipalId("p_ada"), workspace=WorkspaceId("w_1"), name="Ada")
TODO = ThreadId("t_todo")


def event(text: str = "make it blue", **more: Any) -> dict[str, Any]:
    """A message as the Events API tells of it."""
    return {"type": "message", "channel": GENERAL, "channel_type": "channel", "user": ADA, "ts": "2.0", "text": text} | more


def heard(text: str = "make it blue", **more: Any) -> Said | None:
    return inbound.message(event(text, **more), TEAM, BOT)


def mention(text: str, **more: Any) -> Said:
    said = heard(f"<@{BOT}> {text}", type="app_mention", **more)
    assert said is not None
    return said


def meaning(said: Said, who: Who, **known: Any) -> Inbound | None:
    return saying.meaning(said, who, place=said.where.place, **known)


def press(**more: Any) -> dict[str, Any]:
    """A click as interactivity tells of it."""
    return {
        "type": "block_actions",
        "user": {"id": ADA},
        "trigger_id": "trigger",
        "response_url": "https://hooks.slack.com/actions/1",
        "container": {
            "type": "message",
            "message_ts": "2.0",
            "thread_ts": "1.0",
            "channel_id": GENERAL,
            "is_ephemeral": False,
        },
        "channel": {"id": GENERAL, "name": "general"},
        "actions": [{"type": "button", "action_id": "approve", "value": "apr_1 bld_1 sha256:0", "action_ts": "9.0"}],
    } | more


# --- words ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "seen"),
    [
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("ask <@U1|grace> or <@U2>", "ask @grace or @U2"),
        ("like <#C1|books> and <#C2>", "like #books and #C2"),
        ("tell <!here> and <!subteam^S1|@team>", "tell @here and @team"),
        ("see <https://example.com/a?b=1&amp;c=2>", "see https://example.com/a?b=1&c=2"),
        ("see <http://example.com|example.com>", "see http://example.com"),
        ("see <https://example.com/x|the list>", "see the list (https://example.com/x)"),
        ("to <mailto:a@example.com|a@example.com>", "to a@example.com"),
        ("by <!date^1700000000^{date}|14 November>", "by 14 November"),
        (f"<@{BOT}> build it", "build it"),
        ("a < b and c > d", "a < b and c > d"),
        ("&lt;@U1&gt; is text", "<@U1> is text"),
    ],
)
def test_the_words_are_those_that_people_see(typed: str, seen: str) -> None:
    assert plain(typed, without=BOT) == seen


@pytest.mark.parametrize(
    "text",
    [
        "list",
        "LIST",
        "show todo",
        "logs todo --lines 20",
        "env todo set A=b c=d",
        "build a shop",
        "stop",
        "help rollback",
        "usage",
    ],
)
def test_words_that_begin_with_a_verb_and_read_like_a_command_are_one(text: str) -> None:
    assert is_command(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a todo app",
        "delete the priority of every todo",
        "delete the column",
        "show me all the open ones first",
        "list the books by author and year",
        "start with an empty table",
        "settings should be on a page of their own",
    ],
)
def test_sentences_that_begin_with_a_verb_are_requests(text: str) -> None:
    assert not is_command(text)


def test_a_mistyped_command_is_a_command_so_that_it_is_answered_with_its_usage() -> None:
    assert is_command("logs --lnes 3")


# --- messages -------------------------------------------------------------------------------------------------------------


def test_a_mention_at_top_level_builds_in_the_thread_of_that_message() -> None:
    said = mention("a todo app")
    assert said.where.thread == "2.0"
    assert not said.where.within
    asked = meaning(said, WHO)
    assert asked == Command(
        who=WHO,
        key=f"slack:{TEAM}:message:{GENERAL}:2.0",
        text="build a todo app",
        place=ThreadRef(platform="slack", workspace=TEAM, channel=GENERAL, thread="2.0", user=ADA),
    )


def test_a_mention_with_a_verb_is_that_command() -> None:
    assert meaning(mention("list"), WHO) == Command(
        who=WHO, key=f"slack:{TEAM}:message:{GENERAL}:2.0", text="list", place=mention("list").where.place
    )


def test_a_bare_mention_asks_for_help() -> None:
    asked = meaning(mention(""), WHO)
    assert isinstance(asked, Command)
    assert asked.text == "help"


def test_a_mention_of_one_word_is_no_app_but_a_mistyped_command() -> None:
    asked = meaning(mention("hello"), WHO)
    assert isinstance(asked, Command)
    assert asked.text == "hello"


def test_a_mention_in_a_thread_with_an_app_is_a_change() -> None:
    said = mention("delete the priority of every todo", thread_ts="1.0")
    assert said.where.within
    assert meaning(said, WHO, thread=TODO, app="todo") == Reply(
        who=WHO, key=said.key, text="delete the priority of every todo", thread=TODO
    )


def test_a_mention_in_a_thread_that_is_not_known_builds_in_that_thread() -> None:
    asked = meaning(mention("a todo app", thread_ts="1.0"), WHO)
    assert isinstance(asked, Command)
    assert (asked.text, asked.place and asked.place.thread) == ("build a todo app", "1.0")


def test_a_plain_reply_in_a_thread_with_an_app_is_a_change() -> None:
    said = heard(thread_ts="1.0")
    assert said is not None
    assert meaning(said, WHO, thread=TODO, app="todo") == Reply(who=WHO, key=said.key, text="make it blue", thread=TODO)


def test_a_reply_that_is_shown_in_the_channel_too_is_a_reply() -> None:
    assert heard(thread_ts="1.0", subtype="thread_broadcast") == heard(thread_ts="1.0")


@pytest.mark.parametrize("app", ["", None])
def test_a_plain_reply_elsewhere_is_not_for_nexus(app: str | None) -> None:
    said = heard(thread_ts="1.0")
    assert said is not None
    assert meaning(said, WHO, thread=TODO if app is not None else None, app="") is None


@pytest.mark.parametrize(
    ("text", "command"), [("/nexus logs", "logs"), ("nexus stop", "stop"), ("Nexus  show todo", "show todo")]
)
def test_a_reply_that_begins_with_the_slash_word_is_a_command_of_this_thread(text: str, command: str) -> None:
    said = heard(text, thread_ts="1.0")
    assert said is not None
    asked = meaning(said, WHO, thread=TODO, app="todo")
    assert isinstance(asked, Command)
    assert (asked.text, asked.thread) == (command, TODO)


def test_a_reply_that_speaks_of_nexus_is_a_change() -> None:
    said = heard("nexus should greet people by name", thread_ts="1.0")
    assert said is not None
    assert isinstance(meaning(said, WHO, thread=TODO, app="todo"), Reply)


@pytest.mark.parametrize(
    "more",
    [
        {},  # at top level of a channel
        {"thread_ts": "2.0"},  # the parent of a thread
        {"thread_ts": "1.0", "subtype": "message_changed"},
        {"thread_ts": "1.0", "subtype": "message_deleted"},
        {"thread_ts": "1.0", "subtype": "channel_join"},
        {"thread_ts": "1.0", "hidden": True},
        {"thread_ts": "1.0", "bot_id": "B1"},
        {"thread_ts": "1.0", "bot_profile": {"id": "B1"}},
        {"thread_ts": "1.0", "user": BOT},
        {"thread_ts": "1.0", "user": "USLACKBOT"},
        {"thread_ts": "1.0", "user": None},
        {"thread_ts": "1.0", "edited": {"user": ADA, "ts": "3.0"}},
        {"thread_ts": "1.0", "text": f"<@{BOT}> make it red"},  # told by app_mention too
        {"thread_ts": "1.0", "text": f"please, <@{BOT}>, make it red"},
        {"thread_ts": "1.0", "text": "<@U0GRACE> what do you think?"},
    ],
)
def test_what_is_no_request_to_nexus_is_left_alone(more: dict[str, Any]) -> None:
    assert heard(**more) is None


def test_words_to_the_bot_alone_are_the_same_as_a_mention() -> None:
    said = inbound.message(event("a todo app", channel=DM, channel_type="im"), TEAM, BOT)
    assert said is not None
    assert said.way == "mention"
    assert said.where.direct
    asked = meaning(said, WHO)
    assert isinstance(asked, Command)
    assert asked.text == "build a todo app"


def test_a_message_has_one_key_whichever_event_tells_of_it() -> None:
    text = f"<@{BOT}> a todo app"
    direct = {"channel": DM, "channel_type": "im"}
    told = [inbound.message(event(text, **direct, type=kind), TEAM, BOT) for kind in ("app_mention", "message")]
    assert len({said.key for said in told if said is not None}) == 1
    assert told[0] != heard(ts="3.0")


def test_files_come_with_the_words() -> None:
    files = [{"id": "F1", "name": "a.png", "size": 3, "url_private": "https://files.slack.com/a.png", "mode": "hosted"}]
    said = heard("like this", thread_ts="1.0", subtype="file_share", files=files)
    assert said is not None
    assert [(file.id, file.name, file.size, file.url) for file in said.files] == [
        ("F1", "a.png", 3, "https://files.slack.com/a.png")
    ]
    assert "slack.com/a.png" not in repr(said)
    attached = [Attachment(name="a.png", media_type="image/png", data=b"")]
    asked = meaning(said, WHO, thread=TODO, app="todo", attachments=attached)
    assert isinstance(asked, Reply)
    assert asked.attachments == attached


# --- commands and shortcuts -------------------------------------------------------------------------------------------------


def slash(text: str) -> Said:
    body = {"text": text, "user_id": ADA, "channel_id": GENERAL, "trigger_id": "7.7", "response_url": "https://hooks"}
    return inbound.command(body, TEAM)


def test_a_slash_command_is_typed_in_its_channel() -> None:
    asked = meaning(slash("build a &lt;form&gt;"), WHO)
    place = ThreadRef(platform="slack", workspace=TEAM, channel=GENERAL, thread="", user=ADA)
    assert asked == Command(who=WHO, key=f"slack:{TEAM}:command:7.7:{ADA}", text="build a <form>", place=place, hidden=True)


def test_a_bare_slash_command_asks_for_the_form() -> None:
    asked = meaning(slash("  "), WHO)
    assert isinstance(asked, Command)
    assert asked.text == "build"


def picked(**more: Any) -> Said:
    body = {
        "callback_id": "build_this",
        "user": {"id": ADA},
        "channel": {"id": GENERAL},
        "trigger_id": "7.7",
        "action_ts": "8.8",
        "message": {"user": "U0GRACE", "ts": "5.0", "text": "a shop for books"} | more,
    }
    return inbound.picked(body, TEAM)


def test_the_shortcut_of_a_message_builds_what_it_says_in_its_thread() -> None:
    asked = meaning(picked(), WHO)
    assert isinstance(asked, Command)
    assert (asked.text, asked.place and asked.place.thread) == ("build a shop for books", "5.0")
    assert asked.place is not None
    assert asked.place.user == ADA


def test_the_shortcut_of_a_message_in_an_apps_thread_is_a_change() -> None:
    said = picked(thread_ts="1.0")
    assert said.where.thread == "1.0"
    assert isinstance(meaning(said, WHO, thread=TODO, app="todo"), Reply)


def test_the_shortcut_everywhere_asks_for_the_form_and_has_no_place() -> None:
    said = inbound.shortcut({"user": {"id": ADA}, "trigger_id": "7.7", "action_ts": "8.8"}, TEAM)
    asked = meaning(said, WHO)
    assert isinstance(asked, Command)
    assert (asked.text, asked.place) == ("build", None)


# --- presses ----------------------------------------------------------------------------------------------------------------


def test_a_press_is_an_action_with_the_value_of_its_button() -> None:
    did = inbound.pressed(press(), TEAM)
    assert did is not None
    assert inbound.press(did, WHO, TODO) == Action(
        who=WHO,
        key=f"slack:{TEAM}:press:{GENERAL}:2.0:approve:9.0:{ADA}",
        action="approve",
        value="apr_1 bld_1 sha256:0",
        thread=TODO,
        place=ThreadRef(platform="slack", workspace=TEAM, channel=GENERAL, thread="1.0", user=ADA),
    )
    assert did.where.within


def test_the_number_behind_an_action_is_no_part_of_it() -> None:
    did = inbound.pressed(press(actions=[{"action_id": "logs:12", "value": "todo", "action_ts": "9.0"}]), TEAM)
    assert did is not None
    assert did.action == "logs"


def test_a_choice_is_an_action_with_the_value_of_the_option() -> None:
    chosen = {"type": "static_select", "action_id": "file", "selected_option": {"value": "bld_1 3"}, "action_ts": "9.0"}
    did = inbound.pressed(press(actions=[chosen]), TEAM)
    assert did is not None
    assert (did.action, did.value) == ("file", "bld_1 3")


@pytest.mark.parametrize("action_id", ["link", "link:2", "link:thread", ""])
def test_a_button_that_opens_a_url_does_nothing_else(action_id: str) -> None:
    assert inbound.pressed(press(actions=[{"type": "button", "action_id": action_id}]), TEAM) is None


def test_two_clicks_have_two_keys_and_a_redelivery_has_one() -> None:
    first, again = inbound.pressed(press(), TEAM), inbound.pressed(press(), TEAM)
    second = inbound.pressed(press(actions=[{"action_id": "approve", "action_ts": "9.1"}]), TEAM)
    other = inbound.pressed(press(user={"id": "U0GRACE"}), TEAM)
    assert first
    assert again
    assert second
    assert other
    assert first.key == again.key
    assert len({first.key, second.key, other.key}) == 3


def test_a_press_in_the_home_tab_has_no_place() -> None:
    body = press(container={"type": "view", "view_id": "V1"}, view={"id": "V1", "type": "home"}, channel=None)
    did = inbound.pressed(body, TEAM)
    assert did is not None
    assert did.where.view == "home"
    assert did.where.place is None


def test_a_press_on_an_ephemeral_message_belongs_to_the_thread_that_it_stands_in_and_to_no_other() -> None:
    container = {"type": "message", "message_ts": "2.0", "channel_id": GENERAL, "is_ephemeral": True}
    outside = inbound.pressed(press(container=container), TEAM)
    inside = inbound.pressed(press(container=container | {"thread_ts": "1.0"}), TEAM)
    assert outside
    assert inside
    assert (outside.where.thread, inside.where.thread) == ("", "1.0")


# --- forms ------------------------------------------------------------------------------------------------------------------


def submitted(where: Where, **state: Any) -> dict[str, Any]:
    import json

    view = {"id": "V1", "hash": "1.abc", "type": "modal", "private_metadata": json.dumps(inbound.remember(where))}
    return {"user": {"id": ADA}, "trigger_id": "7.7", "view": view | {"state": {"values": state}}}


def test_a_form_belongs_where_it_was_asked_for() -> None:
    where = Where(workspace=TEAM, user=ADA, channel=GENERAL, thread="1.0", within=True)
    sent = inbound.filled(submitted(where), TEAM, "change", "todo", {"text": "blue"})
    assert inbound.submission(sent, WHO, TODO) == FormSubmit(
        who=WHO,
        key=f"slack:{TEAM}:form:V1:1.abc:{ADA}",
        form="change",
        value="todo",
        values={"text": "blue"},
        thread=TODO,
        place=ThreadRef(platform="slack", workspace=TEAM, channel=GENERAL, thread="1.0", user=ADA),
    )
    assert sent.where.within


@pytest.mark.parametrize("metadata", ["", "[]", "{", '{"channel": 3}', '{"workspace": "T0OTHER"}'])
def test_what_a_view_keeps_is_read_with_care(metadata: str) -> None:
    assert inbound.recall(metadata) == {}


def test_the_people_that_were_chosen_are_known_by_their_ids() -> None:
    sent = inbound.filled(
        submitted(
            Where(workspace=TEAM, user=ADA),
            a={"a": {"type": "multi_users_select", "selected_users": ["U0A", "U0B"]}},
            b={"b": {"type": "multi_static_select", "selected_options": [{"value": "=S0C"}]}},
            c={"c": {"type": "plain_text_input", "value": None}},
        ),
        TEAM,
        "settings",
        "",
        {},
    )
    assert list(sent.people) == ["U0A", "U0B", "S0C"]


# --- a form that is opened later ------------------------------------------------------------------------------------------


def test_a_button_asks_again_for_a_form_where_it_was_asked_for() -> None:
    where = Where(workspace=TEAM, user=ADA, channel=GENERAL, thread="1.0", within=True)
    asked = Command(who=WHO, key="k", text="rollback todo", place=where.place)
    value = inbound.later(asked, where)
    did = inbound.pressed(press(actions=[{"action_id": "open_form", "value": value, "action_ts": "9.0"}]), TEAM)
    assert did is not None
    again = inbound.again(did)
    assert isinstance(again, Said)
    assert (again.text, again.where.channel, again.where.thread, again.where.trigger) == (
        "rollback todo",
        GENERAL,
        "1.0",
        "trigger",
    )
    assert again.key == did.key


def test_a_button_asks_again_for_the_form_of_an_action() -> None:
    where = Where(workspace=TEAM, user=ADA)
    value = inbound.later(Action(who=WHO, key="k", action="settings", value="todo"), where)
    did = inbound.pressed(press(actions=[{"action_id": "open_form", "value": value, "action_ts": "9.0"}]), TEAM)
    assert did is not None
    again = inbound.again(did)
    assert isinstance(again, inbound.Pressed)
    assert (again.action, again.value) == ("settings", "todo")


def test_what_does_not_fit_into_a_button_asks_for_the_empty_form() -> None:
    where = Where(workspace=TEAM, user=ADA, channel=GENERAL)
    value = inbound.later(Command(who=WHO, key="k", text="build --styling " + "x" * 3000), where)
    assert len(value) <= inbound.MAX_VALUE
    assert '"build"' in value


@pytest.mark.parametrize("value", ["", "{", "[]", "{}", '{"text": 3}'])
def test_a_button_of_another_version_asks_for_nothing(value: str) -> None:
    did = inbound.pressed(press(actions=[{"action_id": "open_form", "value": value, "action_ts": "9.0"}]), TEAM)
    assert did is not None
    assert inbound.again(did) is None
