"""Interactions of the local Discord: answered in time and once, and later by their token."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from tests.support.discord import DiscordUser, LocalDiscord, render_text
from tests.unit.discord_server.conftest import Connect, register

Asked = discord.Interaction[Any]


class Card(discord.ui.LayoutView):
    """Words and a button."""

    def __init__(self, words: str, *buttons: discord.ui.Button[Any]) -> None:
        super().__init__(timeout=None)
        self.add_item(discord.ui.Container(discord.ui.TextDisplay(words)))
        if buttons:
            self.add_item(discord.ui.ActionRow(*buttons))


async def test_a_command_that_was_deferred_gets_its_private_answer(
    local: LocalDiscord, ada: DiscordUser, connect: Connect
) -> None:
    bot = await connect(local)
    await register(local, bot)

    async def answer(asked: Asked) -> None:
        await asked.response.defer(ephemeral=True, thinking=True)
        await asked.followup.send(view=Card("Here you are"))

    bot.answer = answer
    done = await ada.slash("#general", "nexus build", description="todo")
    assert done.acknowledged
    message = await done.answer()
    assert render_text(message) == "Here you are"
    assert local.ephemeral(ada) == [message]
    assert local.messages("#general") == []
    assert bot.asked[0].data is not None
    assert bot.asked[0].data["options"][0]["options"] == [{"name": "description", "type": 3, "value": "todo"}]  # type: ignore[typeddict-item]


async def test_a_thread_is_opened_on_a_message_and_written_in(local: LocalDiscord, connect: Connect) -> None:
    bot = await connect(local)
    channel = bot.get_channel(int(local.channel_id("#general")))
    assert isinstance(channel, discord.TextChannel)
    root = await channel.send(view=Card("Ada asked for an app"))
    thread = await root.create_thread(name="todo")
    sent = await thread.send(view=Card("Building"))
    await sent.edit(view=Card("Built"))
    [opened] = local.threads("#general")
    assert opened.id == str(root.id)
    assert [render_text(one) for one in local.messages(opened)] == ["Built"]
    newest = [one.id async for one in thread.history(limit=1)]
    assert newest == [sent.id]
    with pytest.raises(discord.HTTPException, match="160004"):
        await root.create_thread(name="again")
