"""Two processes of the bot beside one Nexus: killed, cut off from Discord, or shut out, every thread ends as it should."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.journey.discord.house import DiscordHouse, house
from tests.journey.parity import ways
from tests.journey.parity.discord_person import UNREAD, DiscordPerson
from tests.journey.parity.substitutes import SUBSTITUTES
from tests.journey.parity.walk import Walk
from tests.support.bot_process import Bot
from tests.support.nexus import Nexus, new_nexus, until
from tests.support.writing_house import Scene


@pytest.fixture(scope="module")
async def made(warm: Nexus) -> AsyncIterator[DiscordHouse]:
    async with house(new_nexus(like=warm, NEXUS_BROWSER="none", NEXUS_CHATS="false"), bots=2) as one:
        yield one


@pytest.fixture(scope="module")
def ada(made: DiscordHouse) -> DiscordPerson:
    return made.person("Ada", admin=True)


@pytest.fixture(scope="module")
def grace(made: DiscordHouse) -> DiscordPerson:
    return made.person("Grace")


async def seen_through(made: DiscordHouse) -> bool:
    """Whether nothing that people did is in anybody's hands."""
    return not await made.nexus.sql("SELECT key FROM deliveries")


# -- killed ----------------------------------------------------------------------------------------------------------------------


async def test_whoever_shows_a_thread_may_be_killed_at_any_point(
    made: DiscordHouse, ada: DiscordPerson, grace: DiscordPerson
) -> None:
    thread = await ada.opens(ada.types("build notes: title, text --framework express --name notes"))
    building = await ada.card(thread, "Building")
    await made.replaced(made.writer(thread))
    review = await ada.card(thread, "Ready for review")
    assert building.handle == review.handle
    await ada.press(review, "Approve & deploy")
    await ada.card(thread, "Deploying", "Deploying v1")
    await made.replaced(made.writer(thread))
    live = await ada.card(thread, "Live", "v1, approved by Ada")
    assert [review.handle, live.handle] == [card.handle for card in await made.over(ada, thread, 2)]
    assert 200 == (await made.nexus.app("notes", "GET", "/healthz")).status
    await ada.replies(thread, "add a priority")
    await ada.card(thread, "Building", "add a priority")
    await made.killed(*made.alive)
    await made.happened("notes", "approval.requested", 2)
    assert [] == made.discord.gateway.live
    for _ in range(2):
        await made.bot()
    change = await ada.card(thread, "Ready for review", "add a priority")
    assert [review.handle, live.handle, change.handle] == [card.handle for card in await made.over(ada, thread, 3)]
    await grace.answer(grace.press(review, "Setup"), "Setup of notes")
    await grace.answer(grace.press(live, "Logs"), "Log of notes")
    assert "made by the built-in starter" in await grace.reads(review, "README.md")


async def test_a_click_whose_process_died_is_seen_through_by_another_and_counts_once(
    made: DiscordHouse, ada: DiscordPerson, grace: DiscordPerson
) -> None:
    thread = await ada.opens(ada.types("build keys: door, holder --framework express --name keys"))
    review = await ada.card(thread, "Ready for review")
    before_the_answer = made.discord.fault("POST /webhooks/*", held=True)
    receipt = await grace.user.click(review.handle, "Approve & deploy")
    assert receipt.acknowledged, receipt.error
    await made.discord.wait_for(lambda: before_the_answer.used, why="the answer is on its way")
    await made.replaced(made.taker(receipt))
    before_the_answer.release()
    await made.given_up()
    live = await ada.card(thread, "Live", "v1, approved by Grace")
    assert [review.handle, live.handle] == [card.handle for card in await made.over(ada, thread, 2)]
    await until(lambda: seen_through(made), what="the click is seen through")
    assert 1 == (await made.counted("keys"))["deployment.requested"]


async def test_what_others_did_while_a_process_slept_it_does_not_do_again(made: DiscordHouse, ada: DiscordPerson) -> None:
    asleep, awake = made.alive
    with asleep.sleeping():
        receipt = await ada.user.slash("#general", "nexus list")
        assert receipt.acknowledged, receipt.error
        assert awake is made.taker(receipt)
        await until(lambda: seen_through(made), what="the answer is given")
    with awake.sleeping():  # what comes now is for the other alone, after what it was told before
        later = await ada.user.slash("#general", "nexus list")
        assert later.acknowledged, later.error
        assert asleep is made.taker(later)
        await until(lambda: seen_through(made), what="the next answer is given")
    assert receipt.interaction is not None
    callbacks = [
        call for call in made.discord.calls if receipt.interaction.token in call.path and call.path.endswith("/callback")
    ]
    assert 1 == len(callbacks)


# -- cut off ---------------------------------------------------------------------------------------------------------------------


async def test_work_goes_on_while_discord_is_away_and_the_thread_catches_up_in_order_once(
    made: DiscordHouse, ada: DiscordPerson
) -> None:
    thread = await ada.opens(ada.types("build cups: colour, size --framework express --name cups"))
    building = await ada.card(thread, "Building")
    await made.discord.down()
    await made.happened("cups", "approval.requested")
    assert "Building" in (await ada.look(building)).words
    made.discord.advance(600)  # its sessions are forgotten
    await made.discord.up()
    await made.discord.wait_for_sessions(2)
    review = await ada.card(thread, "Ready for review")
    assert [building.handle] == [review.handle] == [card.handle for card in await made.over(ada, thread, 1)]
    assert 2 == made.discord.cut()
    await ada.replies(thread, "add a price")  # which they are told of when they are back
    change = await ada.card(thread, "Ready for review", "add a price")
    assert [review.handle, change.handle] == [card.handle for card in await made.over(ada, thread, 2)]
    assert 2 == (await made.counted("cups"))["build.requested"]


# -- doors that close --------------------------------------------------------------------------------------------------------------


async def test_who_asked_is_told_once_when_the_thread_cannot_be_reached_and_the_work_goes_on(
    made: DiscordHouse, ada: DiscordPerson, grace: DiscordPerson
) -> None:
    discord, guild = made.discord, made.discord.guild
    other = discord.add_guild("Elsewhere")
    other.join(ada.user)
    places = {name: guild.add_channel(name) for name in ("gone", "shut", "locked", "asleep")} | {"left": other.channel("general")}
    threads = {}
    for name, place in places.items():
        before = discord.threads(place)
        receipt = await ada.user.slash(place, "nexus build", description=f"{name} things: label", framework="express", name=name)
        assert receipt.acknowledged, receipt.error
        (threads[name],) = await discord.wait_for(
            lambda place=place, before=before: [one for one in discord.threads(place) if one not in before], why="a thread"
        )
        await ada.card(threads[name], "Building")
    guild.delete_channel(places["gone"])
    guild.deny(places["shut"], discord.bot, "view_channel")
    guild.archive(threads["locked"], locked=True)
    guild.archive(threads["asleep"])
    other.remove_bot()
    told = {name: f"<#{places[name].id}>" for name in ("gone", "shut", "locked")} | {"left": "not in that server any more"}
    for name in ("gone", "shut", "locked"):
        await made.happened(name, "approval.requested")
        await ada.answer(ada.types(f"deploy {name}"), f"{name} is being deployed as v1")
        await made.happened(name, "deployment.live")
    for name, words in told.items():
        await discord.wait_for(
            lambda words=words: [one for one in ada.told_directly() if words in one], timeout=60, why=f"Ada is told of {name}"
        )
    await ada.card(threads["asleep"], "Ready for review")  # it is woken up
    assert [1] * len(told) == [sum(words in one for one in ada.told_directly()) for words in told.values()], "once each"
    assert [] == grace.told_directly(), "and nobody else"


# -- less than usual ---------------------------------------------------------------------------------------------------------------


async def test_where_discord_shows_no_words_of_replies_a_mention_changes_the_app(made: DiscordHouse, ada: DiscordPerson) -> None:
    for bot in made.alive:
        await bot.down()
    made.discord.message_content = False
    bot = await made.bot()
    await until(lambda: said(bot, "Message Content"), what="it says what it is not allowed")
    who = DiscordPerson(made.discord, ada.user, platform=UNREAD)
    walk = Walk(person=who, nexus=made.nexus, scene=Scene("trees"), substitutes=SUBSTITUTES)
    walk.todos = await who.opens(who.types("build trees: kind, height --framework express --name trees"))
    walk.card = await who.card(walk.todos, "Ready for review")
    change = await walk.do("a reply in the thread", ways.reply, "add a price")
    assert walk.card.handle != change.handle
    assert walk.listed == set(walk.told)


async def test_the_bot_ends_well_while_discord_is_away(made: DiscordHouse, ada: DiscordPerson) -> None:
    (bot,) = made.alive
    thread = await ada.opens(ada.types("build ships: flag, tons --framework express --name ships"))
    await ada.card(thread, "Building")
    held = made.discord.fault("PATCH /webhooks/*", held=True)
    await ada.types("list")
    await made.discord.wait_for(lambda: held.used, why="the answer is on its way")
    await made.discord.down()
    held.release()
    await made.happened("ships", "approval.requested")
    await bot.down()
    await made.discord.up()
    assert "Stopping" in bot.said


async def said(bot: Bot, words: str) -> bool:
    return words in bot.said
