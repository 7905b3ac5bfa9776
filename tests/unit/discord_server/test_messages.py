"""Messages, files and threads of the local Discord."""

from __future__ import annotations

import io
from typing import Any

import discord
import pytest

from tests.support.discord import DiscordUser, LocalDiscord, render_text
from tests.unit.discord_server.cards import Card, refused
from tests.unit.discord_server.conftest import Bot, Connect


def general(bot: Bot, local: LocalDiscord, name: str = "#general") -> discord.PartialMessageable:
    return bot.get_partial_messageable(int(local.channel_id(name)))


def file(name: str, content: bytes = b"\x89PNG") -> discord.File:
    return discord.File(io.BytesIO(content), name)


class Picture(discord.ui.LayoutView):
    """Pictures that come with their message."""

    def __init__(self, *names: str) -> None:
        super().__init__(timeout=None)
        self.add_item(
            discord.ui.MediaGallery(*(discord.MediaGalleryItem(f"attachment://{name}", description=name) for name in names))
        )


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
    assert await refused(root.create_thread(name="again")) == (400, 160004)
    assert [one.id for one in await channel.guild.active_threads()] == [root.id]


async def test_history_is_read_backwards_and_forwards(local: LocalDiscord, ada: DiscordUser, connect: Connect) -> None:
    bot = await connect(local, gateway=False)
    for number in range(5):
        await ada.say("#general", str(number))
    channel = general(bot, local)
    second = discord.Object(int(local.messages("#general")[1].id))
    assert [one.content async for one in channel.history(limit=2)] == ["4", "3"]
    assert [one.content async for one in channel.history(before=second)] == ["0"]
    assert [one.content async for one in channel.history(after=second)] == ["2", "3", "4"]
    assert (await channel.fetch_message(second.id)).content == "1"
    assert await refused(channel.fetch_message(1)) == (404, 10008)


async def test_a_message_with_the_nonce_of_another_is_that_message(local: LocalDiscord, connect: Connect) -> None:
    channel = general(await connect(local, gateway=False), local)
    first = await channel.send(view=Card("one"), nonce="n1")
    again = await channel.send(view=Card("one"), nonce="n1")
    local.advance(301)
    later = await channel.send(view=Card("one"), nonce="n1")
    assert again.id == first.id
    assert later.id != first.id
    assert len(local.messages("#general")) == 2


async def test_pictures_are_kept_or_replaced_by_an_edit(local: LocalDiscord, connect: Connect) -> None:
    bot = await connect(local, gateway=False)
    sent = await general(bot, local).send(view=Picture("a.png", "b.png"), files=[file("a.png"), file("b.png")])
    [card] = local.messages("#general")
    assert render_text(card) == "<image a.png> <image b.png>"
    [kept, _] = sent.attachments
    await sent.edit(view=Picture("a.png", "c.png"), attachments=[kept, file("c.png", b"new")])
    assert [one.name for one in card.attachments] == ["a.png", "c.png"]
    assert card.file("c.png") == b"new"
    [gallery] = (await general(bot, local).fetch_message(sent.id)).components
    assert isinstance(gallery, discord.MediaGalleryComponent)
    assert await bot.http.get_from_cdn(gallery.items[1].media.url) == b"new"


async def test_a_file_that_is_too_large_is_refused(local: LocalDiscord, connect: Connect) -> None:
    channel = general(await connect(local, gateway=False), local)
    assert await refused(channel.send(file=file("a.bin", b"x" * (10 * 2**20 + 1)))) == (413, 40005)
    assert local.messages("#general") == []


async def test_a_post_is_a_thread_with_its_first_message(local: LocalDiscord, connect: Connect) -> None:
    local.guild.add_channel("apps", "forum")
    bot = await connect(local)
    forum = bot.get_channel(int(local.channel_id("#apps")))
    assert isinstance(forum, discord.ForumChannel)
    made = await forum.create_thread(name="todo", view=Card("Ada asked"), allowed_mentions=discord.AllowedMentions.none())
    [post] = local.threads("#apps")
    assert (post.id, post.name) == (str(made.thread.id), "todo")
    assert [render_text(one) for one in local.messages(post)] == ["Ada asked"]
    assert made.message.id == made.thread.id
    assert await refused(general(bot, local, "#apps").send(view=Card("x"))) == (400, 50008)


async def test_an_archived_thread_wakes_when_somebody_writes_and_a_locked_one_does_not(
    local: LocalDiscord, connect: Connect
) -> None:
    bot = await connect(local)
    channel = bot.get_channel(int(local.channel_id("#general")))
    assert isinstance(channel, discord.TextChannel)
    root = await channel.send(view=Card("root"))
    thread = await root.create_thread(name="todo")
    sent = await thread.send(view=Card("one"))
    [place] = local.threads("#general")
    local.guild.archive(place)
    assert await refused(sent.edit(view=Card("two"))) == (400, 50083)
    await thread.send(view=Card("two"))
    assert place.archived is False
    local.guild.archive(place)
    await thread.edit(archived=False)
    assert place.archived is False
    local.guild.lock(place)
    assert await refused(thread.send(view=Card("three"))) == (403, 160005)
    local.guild.archive(place, locked=True)
    assert await refused(thread.send(view=Card("three"))) == (400, 50083)
    local.guild.delete_channel(place)
    assert await refused(thread.send(view=Card("three"))) == (404, 10003)


@pytest.mark.parametrize(
    ("denied", "answer"),
    [("view_channel", (403, 50001)), ("send_messages", (403, 50013)), ("create_public_threads", (0, 0))],
)
async def test_a_channel_denies_the_bot_what_it_says(
    local: LocalDiscord, connect: Connect, denied: str, answer: tuple[int, int]
) -> None:
    bot = await connect(local, gateway=False)
    local.guild.deny("#general", local.bot, denied)
    assert await refused(general(bot, local).send(view=Card("x"))) == answer
    opened: Any = bot.http.start_thread_without_message(
        int(local.channel_id("#general")), name="x", type=11, auto_archive_duration=60
    )
    assert (await refused(opened))[1] == (
        50001 if denied == "view_channel" else 50013 if denied == "create_public_threads" else 0
    )


async def test_people_are_written_to_directly_unless_they_do_not_want_it(
    local: LocalDiscord, ada: DiscordUser, connect: Connect
) -> None:
    bot = await connect(local, gateway=False)
    user = await bot.fetch_user(int(ada.id))
    sent = await user.send(view=Card("Psst"))
    asked = (await ada.direct("yes?", reply_to=local.direct(ada)[0])).said
    assert [render_text(one) for one in local.direct(ada)] == ["Psst", "yes?"]
    assert asked is not None
    assert asked.reference == str(sent.id)
    ada.close_direct_messages()
    assert await refused(user.send(view=Card("Psst"))) == (403, 50007)


async def test_a_reply_finds_its_message_or_does_without(local: LocalDiscord, ada: DiscordUser, connect: Connect) -> None:
    channel = general(await connect(local, gateway=False), local)
    said = (await ada.say("#general", "hello")).said
    assert said is not None
    reference = discord.MessageReference(message_id=int(said.id), channel_id=int(said.channel), fail_if_not_exists=False)
    reply = await channel.send(view=Card("hi"), reference=reference)
    await ada.delete(said)
    lost = await channel.send(view=Card("hi?"), reference=reference)
    assert reply.reference is not None
    assert reply.reference.message_id == int(said.id)
    assert lost.reference is None
