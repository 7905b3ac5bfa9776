"""The journey in Slack by Socket Mode, as people go through it: from a command to a live app, and on to its deletion."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from tests.journey.slack.conftest import Opened
from tests.support.nexus import until
from tests.support.slack import LocalSlack, Message, SlackUser, View, mentions, render_text
from tests.support.slack.forms import Entry
from tests.support.slack_house import SlackHouse, Talk

APP = "a todo app with due dates"
PASSWORD = re.compile(r"postgresql://[^:\s]+:([^@\s]+)@")


@pytest.fixture(scope="module")
async def house(opened: Opened) -> AsyncIterator[SlackHouse]:
    async with opened() as made:
        await made.slack.wait_for_sockets(2)
        yield made


@dataclass(frozen=True, kw_only=True)
class Team:
    """The people of a group that may approve, beside whoever asks."""

    lin: SlackUser
    noor: SlackUser


@pytest.fixture(scope="module")
def ada(slack: LocalSlack) -> SlackUser:
    """Asks for apps."""
    return slack.workspace.add_user("Ada")


@pytest.fixture(scope="module", autouse=True)
def team(slack: LocalSlack, ada: SlackUser) -> Team:
    """There from the beginning: groups are asked for once a minute."""
    made = Team(lin=slack.workspace.add_user("Lin"), noor=slack.workspace.add_user("Noor"))
    slack.workspace.add_group("approvers", [ada, made.lin, made.noor])
    return made


@pytest.fixture(scope="module")
def grace(slack: LocalSlack) -> SlackUser:
    """A colleague."""
    return slack.workspace.add_user("Grace")


@pytest.fixture(scope="module")
def olga(slack: LocalSlack) -> SlackUser:
    """An administrator of the workspace."""
    return slack.workspace.add_user("Olga", is_admin=True)


def earlier(message: Message) -> list[str]:
    """What a message showed before, oldest first."""
    return [render_text(Message(ts="", team="", channel="", user="", blocks=one.blocks)) for one in message.edits]


# -- from a command to a live app, and on to its deletion ------------------------------------------------------------------------


async def test_an_app_lives_in_its_thread_from_the_command_to_its_deletion(
    house: SlackHouse, slack: LocalSlack, ada: SlackUser, grace: SlackUser
) -> None:
    slack.workspace.add_channel("#news", members=[grace])
    form = await house.form(grace, grace.command("/nexus", "notify", "#news"), "Notifications")
    await house.told(grace, grace.submit(form), "every app", "live")
    talk = await house.asked(ada, APP + " --framework express")
    review = await _reviewed(house, ada, talk)
    await _looked_into(house, ada, review)
    newest = await _changed(house, ada, talk, review)
    live = await _deployed(house, ada, grace, talk, newest)
    await _logs_read(house, ada, talk, live)
    await _password_revealed(house, ada, live)
    live = await _settings_changed(house, ada, talk, live)
    live = await _rolled_back(house, ada, talk, live)
    await _stopped_and_started(house, ada, talk, live)
    await _deleted(house, ada, talk)
    talk.once()
    news = await slack.wait_for(lambda: found if "Deleted" in (found := _news(slack))[-1] else None, why="all the news")
    told = [line.partition("*")[2].partition("*")[0] for line in news]
    assert [*["Ready for review"] * 3, *["Live"] * 3, "Stopped", "Live", "Live", "Deleted"] == told, news
    assert not mentions(slack.messages("#news")[0])


def _news(slack: LocalSlack) -> list[str]:
    """The second line of each: the first is the app's name."""
    return [render_text(one).splitlines()[1] for one in slack.messages("#news")]


async def _reviewed(house: SlackHouse, ada: SlackUser, talk: Talk) -> Message:
    """One card, edited in place, from progress to the question."""
    review = await talk.card("Ready for review")
    assert [review] == talk.cards, "one card"
    before = earlier(review)
    assert any("Building" in one and "Plan" in one and "[Cancel]" in one for one in before), before
    shown = render_text(review)
    for what in (
        "[Approve & deploy]",
        "[Change…]",
        "[Setup]",
        "[Download .zip]",
        "[Discard]",
        "README.md",
        "/api/todos  create, read, update, delete",
        "due_date (date)",
        "express",
        "anyone here",
    ):
        assert what in shown, shown
    assert "[Cancel]" not in shown
    assert not mentions(review)
    return review


async def _looked_into(house: SlackHouse, ada: SlackUser, review: Message) -> None:
    """A file, the whole, the instructions: for whoever asked, and for nobody else."""
    seen = await house.told(ada, ada.choose(review, "file", "README.md"), "README.md", "# Todos")
    assert ada.id == seen.ephemeral_to
    before = len(house.slack.files())
    await house.told(ada, ada.press(review, "Download .zip"), ".zip is in your direct messages")
    (packed,) = house.slack.files()[before:]
    assert [(ada.dm, packed.shares[0][1])] == packed.shares
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert {"README.md", "package.json"} <= {name.partition("/")[2] for name in archive.namelist()}
    setup = await house.told(ada, ada.press(review, "Setup"), "Setup of todos", "no settings of its own")
    assert ada.id == setup.ephemeral_to


async def _changed(house: SlackHouse, ada: SlackUser, talk: Talk, review: Message) -> Message:
    """By the form, then by a reply: each makes a card with its diff, and the one before cannot be pressed any more."""
    form = await house.form(ada, ada.press(review, "Change…"), "Change the app")
    empty = await ada.submit(form, {"What should be different?": " "})
    assert "Say what should be different" in empty.errors["What should be different?"]
    await ada.submit(form, {"What should be different?": "add a priority to every todo"})
    second = await talk.card("Ready for review", "add a priority")
    old = await talk.card("Superseded")
    assert (review, []) == (old, [one for one in render_text(old).splitlines() if one.startswith("[")])
    assert "changed" in render_text(second)
    await ada.say(talk.channel, "make the header green", talk.ts)
    third = await talk.card("Ready for review", "make the header green")
    assert second in await house.slack.wait_for(lambda: talk.showing("Superseded", "add a priority"))
    assert ["Todos", "Ada: add a priority to every todo", "Todos", "Todos"] == [
        text.splitlines()[0].lstrip("# ") for text in talk.texts
    ]
    return third


async def _deployed(house: SlackHouse, ada: SlackUser, grace: SlackUser, talk: Talk, review: Message) -> Message:
    """Approved by a colleague: the card says so, a second one tells of the deployment, and the address answers."""
    await grace.press(review, "Approve & deploy")
    live = await talk.card("Live", "approved by Grace")
    assert any("Deploying" in one and "Health check" in one for one in earlier(live)), earlier(live)
    decided = await talk.card("Deployed as v1", "Approved by Grace.", "make the header green")
    assert review is decided
    assert [decided, live] == talk.cards[-2:]
    assert "[Approve & deploy]" not in render_text(decided)
    (button,) = [one for block in live.blocks for one in block.get("elements", []) if one.get("url")]
    address = urlsplit(button["url"])
    assert f"todos.localhost:{house.nexus.port}" == address.netloc
    slug = address.netloc.split(".")[0]
    (await house.nexus.app(slug, "POST", "/api/todos", {"title": "Water the plants", "priority": "high"})).ok(201)
    (todo,) = (await house.nexus.app(slug, "GET", "/api/todos")).ok()
    assert "Water the plants" == todo["title"]
    opened = await ada.press(live, "Open")
    assert opened.acknowledged
    return live


async def _logs_read(house: SlackHouse, ada: SlackUser, talk: Talk, live: Message) -> None:
    """The tail, the whole as a file, and a message that grows."""
    tail = await house.told(ada, ada.press(live, "Logs"), "Log of todos", "Listening on")
    assert ada.id == tail.ephemeral_to
    before = len(house.slack.files())
    await house.told(ada, ada.press(tail, "Whole log"), "todos.log is in your direct messages")
    (whole,) = house.slack.files()[before:]
    assert b"Listening on" in whole.content
    await ada.press(tail, "Follow it live")
    followed = await talk.card("Log of todos", "Followed until", "Listening on", "[Stop]")
    await ada.press(followed, "Stop")
    ended = await talk.card("Log of todos", "Somebody stopped it.")
    assert (followed, False) == (ended, "[Stop]" in render_text(ended))


async def _password_revealed(house: SlackHouse, ada: SlackUser, live: Message) -> None:
    """To who asked, and to nobody else, anywhere."""
    shown = await house.told(ada, ada.press(live, "Reveal"), "Only you see this", "postgresql://")
    assert ada.id == shown.ephemeral_to
    found = PASSWORD.search(render_text(shown))
    assert found is not None
    password = found[1]
    assert len(password) >= 16
    assert password not in house.seen_by_others(ada)
    logs = "".join(file.read_text() for file in house.nexus.folder.logs.glob("*.log*"))
    assert password not in logs


async def _settings_changed(house: SlackHouse, ada: SlackUser, talk: Talk, live: Message) -> Message:
    """A value is set, applied by a new release, and never seen again."""
    form = await house.form(ada, ada.press(live, "Settings"), "Settings of the app")
    wrong = await ada.submit(form, {"Set": "no equals sign"})
    assert "NAME=value" in wrong.errors["Set"]
    await house.told(ada, ada.submit(form, {"Set": "GREETING=hello-0815-secret"}), "Set GREETING", "v2 starts with that")
    await talk.card("Settings changed", "Ada set GREETING")
    newest = await talk.card("Live", "v2, settings changed by Ada")
    assert "hello-0815-secret" not in house.seen_by_others(ada)
    assert "[Reveal]" not in render_text(live), "one card has the buttons: the newest"
    return newest


async def _rolled_back(house: SlackHouse, ada: SlackUser, talk: Talk, live: Message) -> Message:
    """To a release that was chosen, with the data as it left them; without a build."""
    (await house.nexus.app("todos", "POST", "/api/todos", {"title": "Feed the cat"})).ok(201)
    form = await house.form(ada, ada.press(live, "Rollback…"), "Roll back")
    assert "v1 make the header green" in render_text(form)
    await house.told(
        ada, ada.submit(form, {"What comes back": "Code, data and settings"}), "Rolling todos back to v1", "becomes v3"
    )
    newest = await talk.card("Live", "v3, back at v1: code, data and settings")
    assert ["Water the plants"] == [todo["title"] for todo in (await house.nexus.app("todos", "GET", "/api/todos")).ok()]
    return newest


async def _stopped_and_started(house: SlackHouse, ada: SlackUser, talk: Talk, live: Message) -> None:
    declined = await ada.press(live, "Stop", confirm=False)
    assert not declined.sent
    await house.told(ada, ada.press(live, "Stop"), "todos is stopped")
    await talk.card("Stopped", "Ada stopped it")
    assert 200 != (await house.nexus.app("todos", "GET", "/healthz")).status
    stopped = await house.slack.wait_for(lambda: talk.showing("[Start]"), why="a card with Start")
    await ada.press(stopped[-1], "Start")
    started = await talk.card("Live", "started again by Ada")
    await ada.press(started, "Restart")
    await talk.card("Live", "restarted by Ada")
    assert 200 == (await house.nexus.app("todos", "GET", "/healthz")).status


async def _deleted(house: SlackHouse, ada: SlackUser, talk: Talk) -> None:
    form = await house.form(ada, ada.command("/nexus", "delete todos"), "Delete the app")
    label = "Type the app's name to confirm"
    wrong = await ada.submit(form, {label: "todo"})
    assert "Type todos to delete it" in wrong.errors[label]
    await house.told(ada, ada.submit(form, {label: "todos"}), "todos is deleted", "last snapshot")
    gone = await talk.card("Deleted", "Ada deleted it")
    assert gone is talk.cards[-1]
    assert 404 == (await house.nexus.app("todos", "GET", "/")).status

    async def quiet() -> bool:
        return not any(line.startswith("[") for text in talk.texts for line in text.splitlines())

    await until(quiet, what="no card of a deleted app has a button")


# -- ways to begin ---------------------------------------------------------------------------------------------------------------


async def _cancelled(house: SlackHouse, user: SlackUser, talk: Talk) -> None:
    """What is under way in a thread is stopped."""
    working = await talk.card("[Cancel]")
    await house.told(user, user.press(working, "Cancel"), "being cancelled")
    over = await talk.card("Cancelled", f"Cancelled by {user.name}.", "[Try again]")
    assert working is over


async def test_a_form_asks_for_what_was_not_typed(house: SlackHouse, ada: SlackUser) -> None:
    form = await house.form(ada, ada.command("/nexus"), "Build an app")
    left_out = await ada.submit(form, {"Must have": "search"})
    assert ["What should it do?"] == list(left_out.errors)
    blank = await ada.submit(form, {"What should it do?": "   "})
    assert "in a sentence what the app should do" in blank.errors["What should it do?"]
    filled = {
        "What should it do?": "a list of bicycles: brand, colour, gears",
        "Framework": "express",
        "Must have": "search",
        "Look": "calm, green",
        "Name": "bikes",
    }
    before = {one.ts for one in house.slack.messages("#general")}
    await ada.submit(form, filled)
    talk = await house.opened(ada, before=before)
    assert "bicycles" in house.slack.messages("#general")[-1].text
    await _cancelled(house, ada, talk)
    await house.told(ada, ada.command("/nexus", "list"), "bikes")


async def test_a_mention_is_answered_in_its_own_thread(house: SlackHouse, slack: LocalSlack, ada: SlackUser) -> None:
    said = await ada.mention("#general", "build a list of trees: kind, height --framework express")
    talk = Talk(slack=slack, channel=said.message.channel if said.message else "", ts=said.ts)
    await _cancelled(house, ada, talk)
    shown = await house.told(ada, ada.mention("#general", "show", talk.ts), "Newest build: number 1, cancelled")
    assert (ada.id, talk.ts) == (shown.ephemeral_to, shown.thread_ts)
    talk.once()


async def test_a_colleagues_message_becomes_an_app_by_its_shortcut(
    house: SlackHouse, slack: LocalSlack, ada: SlackUser, grace: SlackUser
) -> None:
    wish = await grace.say("#general", "We need a list of keys: door, holder <!here>")
    assert wish.message is not None
    picked = await ada.shortcut("build_this", wish.message)
    assert picked.acknowledged
    talk = Talk(slack=slack, channel=wish.message.channel, ts=wish.ts)
    await _cancelled(house, grace, talk)
    assert not mentions(talk.cards[0])


async def test_the_shortcut_and_the_home_tab_lead_to_a_thread_between_the_two(
    house: SlackHouse, slack: LocalSlack, grace: SlackUser
) -> None:
    form = await house.form(grace, grace.shortcut("build"), "Build an app")
    await grace.submit(form, {"What should it do?": "recipes: title, steps", "Framework": "express"})
    talk = await house.opened(grace, grace.dm)
    await _cancelled(house, grace, talk)
    await grace.open_home()
    home = await house.home(grace, "[Build an app]", "Recipes")
    form = await house.form(grace, grace.press(home, "Build an app"), "Build an app")
    await grace.close(form)
    assert [] == slack.views(grace)


async def test_what_is_written_to_the_bot_alone_is_streamed_and_stays_between_the_two(
    house: SlackHouse, slack: LocalSlack, ada: SlackUser, grace: SlackUser
) -> None:
    said = await ada.direct("a list of plants: name, watered on --framework express")
    talk = Talk(slack=slack, channel=ada.dm, ts=said.ts)
    review = await talk.card("Ready for review", "[Discard]")
    assert review.stream is not None, "it was streamed, as its one reader sees that"
    assert not review.stream.is_open
    assert [review] == talk.cards
    await house.told(ada, ada.press(review, "Discard"), "The build is discarded.")
    await talk.card("Discarded by Ada.")
    assert "watered" not in "".join(render_text(one) for one in house.private(grace))


# -- help ------------------------------------------------------------------------------------------------------------------------


async def test_help_and_mistakes_are_told_to_the_one_who_typed(house: SlackHouse, slack: LocalSlack, ada: SlackUser) -> None:
    before = len(slack.messages("#general"))
    for typed, words in (
        ("help", ("Commands", "build", "rollback")),
        ("help rollback", ("rollback",)),
        ("lsit", ("Did you mean list?",)),
        ("build --framwork express todos", ("Did you mean --framework?",)),
        ("show no-such-app-here", ("There is no app",)),
        ("rollback", ("Which app?",)),
    ):
        told = await house.told(ada, ada.command("/nexus", typed), *words)
        assert ada.id == told.ephemeral_to, typed
    assert before == len(slack.messages("#general"))
    in_thread = await ada.command("/nexus", "list", in_thread=True)
    assert not in_thread.sent, "Slack itself refuses; a mention works there"


# -- who may ---------------------------------------------------------------------------------------------------------------------


async def test_a_workspace_decides_who_approves_and_every_click_is_held_to_it(
    house: SlackHouse, slack: LocalSlack, team: Team, ada: SlackUser, grace: SlackUser, olga: SlackUser
) -> None:
    """Ada asks, and is in the group of approvers with Lin and Noor; Grace is not; Olga is an admin."""
    await _decided(house, team, ada, olga)
    talk = await house.asked(ada, "visits: visitor, note --framework express --name visits")
    review = await talk.card("Ready for review", "@approvers, but not Ada, who asked for it")
    await house.told(grace, grace.press(review, "Approve & deploy"), "Only named people may approve here: @approvers.")
    await house.told(ada, ada.press(review, "Approve & deploy"), "somebody else than the requester")
    await house.told(ada, ada.mention("#general", "deploy", talk.ts), "somebody else than the requester")
    assert [review] == talk.showing("Ready for review"), "nothing came of it"
    await team.lin.press(review, "Approve & deploy")
    live = await talk.card("Live", "approved by Lin")
    for label in ("Reveal", "Settings", "Rollback…", "Restart", "Stop"):
        await house.told(grace, grace.press(live, label), "That is for whoever asked for 'visits'")
    await ada.say(talk.channel, "drop the note column for good", talk.ts)
    risky = await talk.card("Ready for review", "removes data")
    declined = await team.lin.press(risky, "Approve & deploy", confirm=False)
    assert not declined.sent, "it asks first"
    await house.told(team.lin, team.lin.press(risky, "Approve & deploy"), "Your yes is noted", "second person")
    half = await talk.card("One more yes", "Lin has said yes")
    await house.told(team.lin, team.lin.press(half, "Approve & deploy"), "You have said yes already")
    await house.told(ada, ada.press(half, "Approve & deploy"), "somebody else than the requester")
    await team.noor.press(half, "Approve & deploy")
    await talk.card("Live", "v2, approved by Lin and Noor")
    await house.home(ada, "Visits", "live · v2", "[Stop]", "Admins of the workspace can change this")
    home = await house.home(olga, "Visits", "live · v2", "@approvers", "[Approvals…]")
    form = await house.form(olga, olga.press(home, "Approvals…"), "Workspace settings")
    values = {"Who may approve": "Anyone here", "May people approve their own builds?": "Yes"}
    await _saved(house, olga, form, values)
    await ada.open_home()
    await house.home(ada, "Anyone here")


async def _decided(house: SlackHouse, team: Team, ada: SlackUser, olga: SlackUser) -> None:
    """An admin decides in the Home tab, in which others can only look."""
    await ada.open_home()
    looked = await house.home(ada, "Workspace", "Anyone here", "Admins of the workspace can change this")
    assert "[Approvals…]" not in render_text(looked)
    await house.told(ada, ada.command("/nexus", "settings"), "Only admins of this workspace may change")
    await olga.open_home()
    home = await house.home(olga, "[Approvals…]", "[Models…]")
    form = await house.form(olga, olga.press(home, "Approvals…"), "Workspace settings")
    values = {
        "Who may approve": "The people named below",
        "Named people: groups": ["@approvers"],
        "May people approve their own builds?": "No",
        "Must two say yes to what removes data?": "Yes",
    }
    nobody = await olga.submit(form, values | {"Named people: groups": []})
    assert "Name at least one person" in "".join(nobody.errors.values()), nobody.errors
    await _saved(house, olga, form, values)
    await ada.open_home()
    await house.home(ada, "@approvers", "need two people")


async def _saved(house: SlackHouse, user: SlackUser, form: View, values: Mapping[str, Entry]) -> None:
    """Sent from the Home tab, where there is no place for an answer but another modal."""
    said = await house.form(user, user.submit(form, values), "Nexus")
    assert "The workspace's settings are saved." in render_text(said)
    await user.close(said)
