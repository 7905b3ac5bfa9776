"""Interactions of the local Discord: answered in time and once, and later by their token."""

from __future__ import annotations

import io
from typing import Any

import discord
import pytest

from tests.support.discord import DiscordUser, LocalDiscord, labels, render_text, value_of
from tests.unit.discord_server.cards import Card, button, menu, refused
from tests.unit.discord_server.conftest import Connect, register

Asked = discord.Interaction[Any]


async def thinking(asked: Asked) -> None:
    await asked.response.defer(ephemeral=True, thinking=True)


async def test_a_command_that_was_deferred_gets_its_private_answer(
    local: LocalDiscord, ada: DiscordUser, connect: Connect
) -> None:
    bot = await connect(local)
    await register(local, bot)

    async def answer(asked: Asked) -> None:
        await thinking(asked)
        await asked.followup.send(view=Card("Here you are"))

    bot.answer = answer
    done = await ada.slash("#general", "nexus build", description="todo", file=("data.csv", b"a,b"))
    message = await done.answer()
    assert render_text(message) == "Here you are"
    assert local.ephemeral(ada) == [message]
    assert local.messages("#general") == []
    [asked] = bot.asked
    assert asked.data is not None
    [inner] = asked.data["options"]  # type: ignore[typeddict-item]
    assert inner["options"][0] == {"name": "description", "type": 3, "value": "todo"}  # type: ignore[typeddict-item]
    [file] = asked.data["resolved"]["attachments"].values()  # type: ignore[typeddict-item]
    assert await bot.http.get_from_cdn(file["url"]) == b"a,b"


async def test_what_was_registered_is_all_that_can_be_typed(local: LocalDiscord, ada: DiscordUser, connect: Connect) -> None:
    bot = await connect(local, gateway=False)
    await register(local, bot)
    missing = await ada.slash("#general", "nexus build")
    long = await ada.slash("#general", "nexus build", description="x" * 101)
    assert (missing.sent, missing.error) == (False, "This option is required. Specify a value: description")
    assert (long.sent, long.error) == (False, "description: 101 characters are too few or too many")
    with pytest.raises(AssertionError, match="no 'destroy'"):
        await ada.slash("#general", "nexus destroy")
    with pytest.raises(AssertionError, match="no option of this command"):
        await ada.slash("#general", "nexus build", colour="red")


async def test_an_answer_that_comes_too_late_is_refused(hasty: LocalDiscord, connect: Connect) -> None:
    bot = await connect(hasty)
    await register(hasty, bot)
    done = await hasty.guild.add_user("Ada").slash("#general", "nexus build", description="todo")
    assert done.error == "The application did not respond"
    [asked] = bot.asked
    assert await refused(thinking(asked)) == (404, 10062)
    assert done.interaction is not None
    assert done.interaction.refusals == [10062]
    assert "Ada got no answer in time" in hasty.violations[0]


async def test_an_interaction_is_answered_once(local: LocalDiscord, ada: DiscordUser, connect: Connect) -> None:
    first, second = await connect(local), await connect(local)
    await register(local, first)
    done = []

    async def answer(asked: Asked) -> None:
        try:
            await thinking(asked)
            done.append("answered")
        except discord.HTTPException as error:
            done.append(str(error.code))

    first.answer = second.answer = answer
    asked = await ada.slash("#general", "nexus build", description="todo")
    await local.wait_for(lambda: len(done) == 2)
    assert asked.acknowledged
    assert sorted(done) == ["40060", "answered"]


async def test_the_token_of_an_interaction_dies_after_fifteen_minutes(
    local: LocalDiscord, ada: DiscordUser, connect: Connect
) -> None:
    bot = await connect(local)
    await register(local, bot)
    bot.answer = thinking
    await ada.slash("#general", "nexus build", description="todo")
    [asked] = bot.asked
    local.advance(899)
    await asked.edit_original_response(view=Card("In time"))
    local.advance(2)
    assert await refused(asked.followup.send(view=Card("Too late"))) == (401, 50027)
    assert [render_text(one) for one in local.ephemeral(ada)] == ["In time"]


async def test_the_thinking_is_taken_back(local: LocalDiscord, ada: DiscordUser, connect: Connect) -> None:
    bot = await connect(local)
    await register(local, bot)

    async def answer(asked: Asked) -> None:
        await thinking(asked)
        await asked.delete_original_response()

    bot.answer = answer
    done = await ada.slash("#general", "nexus build", description="todo")
    await done.settled()
    assert done.message is None
    assert local.ephemeral(ada) == []


async def test_in_direct_messages_an_answer_is_shown_to_the_one_who_asked(
    local: LocalDiscord, ada: DiscordUser, connect: Connect
) -> None:
    bot = await connect(local)
    await register(local, bot)

    async def answer(asked: Asked) -> None:
        if asked.type is discord.InteractionType.component:
            await asked.response.edit_message(view=Card("Pressed"))
        else:
            await asked.response.send_message(view=Card("Sure?", button("Yes", "yes:")), ephemeral=True)

    bot.answer = answer
    done = await ada.slash(ada.dm, "nexus build", description="todo")
    message = await done.answer()
    assert "guild_id" not in done.payload
    assert (done.payload["context"], done.payload["user"]["id"]) == (1, ada.id)
    with pytest.raises(AssertionError, match="does not see"):
        await local.guild.add_user("Ben").click(message, "Yes")
    pressed = await ada.click(message, "Yes")
    assert pressed.payload["message"]["flags"] & 64
    assert [render_text(one) for one in local.ephemeral(ada)] == ["Pressed"]


async def test_options_are_completed_while_they_are_typed(local: LocalDiscord, ada: DiscordUser, connect: Connect) -> None:
    bot = await connect(local)
    await register(local, bot)

    async def answer(asked: Asked) -> None:
        await asked.response.autocomplete([discord.app_commands.Choice(name="Todo", value="todo")])

    bot.answer = answer
    done = await ada.autocomplete("#general", "nexus build", "app", "to", description="x")
    assert done.choices == [{"name": "Todo", "value": "todo"}]
    [inner] = done.payload["data"]["options"]
    assert inner["options"][1] == {"name": "app", "type": 3, "value": "to", "focused": True}


async def test_a_press_changes_its_message_and_opens_a_form(local: LocalDiscord, ada: DiscordUser, connect: Connect) -> None:
    bot = await connect(local)
    channel = bot.get_partial_messageable(int(local.channel_id("#general")))
    await channel.send(view=Card("Ready", button("Change…", "change:1"), button("Stop", "stop:1")))
    [card] = local.messages("#general")

    async def answer(asked: Asked) -> None:
        if (asked.data or {}).get("custom_id") == "stop:1":
            await asked.response.edit_message(view=Card("Stopped"))
        elif asked.type is discord.InteractionType.modal_submit:
            await asked.response.defer()
        else:
            await asked.response.send_modal(Change())

    bot.answer = answer
    assert labels(card) == ["Change…", "Stop"]
    modal = await (await ada.click(card, "Change…")).shown()
    assert render_text(modal) == "# Change\nWhat: _blue_ (In a sentence)\nFiles: <upload>"
    assert value_of(modal, "What") == "blue"
    refusal = await ada.submit(modal, {"What": ""})
    assert (refusal.sent, refusal.error) == (False, "What: This field is required")
    sent = await ada.submit(modal, {"What": "red", "Files": [("a.txt", b"hello")]})
    assert sent.acknowledged
    assert local.modal(ada) is None
    what, files = (one["component"] for one in sent.payload["data"]["components"])
    assert what["value"] == "red"
    assert sent.payload["data"]["resolved"]["attachments"][files["values"][0]]["filename"] == "a.txt"
    await ada.click(card, custom_id="stop")
    assert render_text(card) == "Stopped"


async def test_a_choice_from_a_menu_is_told_by_its_value(local: LocalDiscord, ada: DiscordUser, connect: Connect) -> None:
    bot = await connect(local)
    await bot.get_partial_messageable(int(local.channel_id("#general"))).send(view=Card("Which?", menu("pick:", "One", "Two")))

    async def answer(asked: Asked) -> None:
        await asked.response.defer()

    bot.answer = answer
    [card] = local.messages("#general")
    done = await ada.choose(card, "Two")
    assert done.acknowledged
    assert done.payload["data"]["values"] == ["two"]
    with pytest.raises(AssertionError, match="is not offered"):
        await ada.choose(card, "Three")


async def test_a_message_is_picked_from_its_menu_with_its_words(local: LocalDiscord, ada: DiscordUser, connect: Connect) -> None:
    bot = await connect(local)
    await register(local, bot)
    bot.answer = thinking
    said = (await ada.say("#general", "a todo app", files={"a.txt": b"x"})).said
    assert said is not None
    done = await ada.pick(said, "Build this")
    assert done.acknowledged
    shown = done.payload["data"]["resolved"]["messages"][done.payload["data"]["target_id"]]
    assert shown["content"] == "a todo app"
    assert [one["filename"] for one in shown["attachments"]] == ["a.txt"]


async def test_an_app_that_somebody_installed_answers_elsewhere_too(
    local: LocalDiscord, ada: DiscordUser, connect: Connect
) -> None:
    bot = await connect(local)
    await register(local, bot)
    elsewhere = local.add_guild("Elsewhere", bot=False)
    elsewhere.join(ada)
    with pytest.raises(AssertionError, match="there is no /nexus here"):
        await ada.slash(elsewhere.channel("#general"), "nexus build", description="todo")
    ada.install()

    async def answer(asked: Asked) -> None:
        await thinking(asked)
        await asked.followup.send(view=Card("one"))
        for number in range(6):
            outcomes.append(await refused(asked.followup.send(view=Card(str(number)), ephemeral=True)))

    outcomes: list[tuple[int, int]] = []
    bot.answer = answer
    done = await ada.slash(elsewhere.channel("#general"), "nexus build", description="todo")
    await local.wait_for(lambda: len(outcomes) == 6)
    assert done.payload["authorizing_integration_owners"] == {"1": ada.id}
    assert outcomes == [(0, 0)] * 5 + [(400, 40094)]
    assert bot.guilds[0].id == int(local.guild.id)


async def test_a_file_in_an_answer_is_kept_apart_and_read_by_its_link(
    local: LocalDiscord, ada: DiscordUser, connect: Connect
) -> None:
    bot = await connect(local)
    await register(local, bot)

    async def answer(asked: Asked) -> None:
        await thinking(asked)
        sent = await asked.followup.send(file=discord.File(io.BytesIO(b"zip"), "app.zip"), wait=True)
        links.append(sent.attachments[0].url)

    links: list[str] = []
    bot.answer = answer
    done = await ada.slash("#general", "nexus build", description="todo")
    assert (await done.answer()).file("app.zip") == b"zip"
    await local.wait_for(lambda: links)
    assert "/ephemeral-attachments/" in links[0]
    assert await bot.http.get_from_cdn(links[0]) == b"zip"
    local.advance(90_000)
    with pytest.raises(discord.NotFound):
        await bot.http.get_from_cdn(links[0])


class Change(discord.ui.Modal, title="Change"):
    """A form with words and files."""

    what: discord.ui.Label[Any] = discord.ui.Label(
        text="What", description="In a sentence", component=discord.ui.TextInput(custom_id="what", default="blue")
    )
    files: discord.ui.Label[Any] = discord.ui.Label(
        text="Files", component=discord.ui.FileUpload(custom_id="files", required=False)
    )
