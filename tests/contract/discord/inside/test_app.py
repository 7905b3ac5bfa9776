"""What people do in Discord arrives at the desk, acknowledged in time: the real discord.py over simcord's Discord, and a scripted desk."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import discord
import pytest
import simcord
import structlog
from pydantic import SecretStr
from simcord.backend.errors import BackendError

from adapters.discord import app
from adapters.discord.app import NexusClient
from adapters.discord.completing import Offered
from adapters.discord.inbound import Filled, Pressed, Said, Sought, Told
from adapters.discord.manifest import commands
from adapters.discord.render.card import render
from adapters.discord.render.form import modal
from core.words.cards import Button, Card, Confirm, Form, Input
from tests.support.discord import LocalDiscord

SECRET = "s3cr3t-words"
CARD = Card(
    kind="notice",
    title="Todo",
    actions=[
        Button(action="approve", value="apr_1", label="Approve"),
        Button(action="rollback", value="todo", label="Rollback"),
        Button(action="stop", value="todo", label="Stop", confirm=Confirm(title="Stop it?", text="Nobody can use it then.")),
    ],
)
CHANGE = Form(form="change", value="todo", title="Change", inputs=[Input(name="text", label="What", kind="multiline")])

T = TypeVar("T")


@dataclass
class Desk:
    """Takes everything down. ``taken`` elsewhere is what another process keeps first."""

    kept: list[Told] = field(default_factory=list)
    seen: list[Told] = field(default_factory=list)
    sought: list[Sought] = field(default_factory=list)
    gone: list[tuple[str, str]] = field(default_factory=list)
    open: list[tuple[str, str, str]] = field(default_factory=list)
    unheard: list[tuple[str, str]] = field(default_factory=list)
    elsewhere: bool = False
    fails: Callable[[], None] = lambda: None
    slow: asyncio.Event | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def arriving(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    async def keep(self, told: Told) -> bool:
        self.kept.append(told)
        return not self.elsewhere

    async def see_through(self, told: Told) -> None:
        self.seen.append(told)

    async def opened_again(self, workspace: str, channel: str = "", thread: str = "") -> None:
        self.open.append((workspace, channel, thread))

    async def unread(self, channel: str, thread: str) -> None:
        self.unheard.append((channel, thread))

    async def offered(self, sought: Sought) -> Sequence[Offered]:
        self.sought.append(sought)
        self.fails()
        return [discord.app_commands.Choice(name="todo · live", value="todo"), discord.app_commands.Choice(name="v2", value=2)]

    async def removed(self, workspace: str, why: str) -> None:
        self.gone.append((workspace, why))

    def last(self, kind: type[T]) -> T:
        assert isinstance(self.seen[-1], kind)
        return self.seen[-1]


@dataclass
class House:
    """A server with a channel and a member, and the bot in it."""

    env: simcord.Env
    client: NexusClient
    desk: Desk
    guild: simcord.GuildHandle
    general: simcord.ChannelHandle
    ada: simcord.MemberActor

    @property
    def mention(self) -> str:
        assert self.client.user is not None
        return self.client.user.mention

    async def thread(self) -> simcord.ChannelHandle:
        """A thread of the bot's on a message of its own."""
        channel = await self.client.fetch_channel(self.general.id)
        assert isinstance(channel, discord.TextChannel)
        root = await channel.send("Ada asked for an app")
        await root.create_thread(name="Todo")
        await self.env.settle()
        return self.general.threads[-1]

    async def post_card(self, where: simcord.ChannelHandle) -> discord.Message:
        channel = await self.client.fetch_channel(where.id)
        assert isinstance(channel, discord.Thread | discord.TextChannel)
        message = await channel.send(view=render(CARD).view)
        await self.env.settle()
        return message

    async def show_form(self, where: simcord.ChannelHandle) -> simcord.InteractionResult:
        """Press a button that a form answers."""

        async def open_it(interaction: discord.Interaction[Any]) -> None:
            await interaction.response.send_modal(modal(CHANGE))

        message = await self.post_card(where)
        self.client.event(_named(open_it, "on_press"))
        shown = await self.ada.click(message, label="Rollback")
        del self.client.on_press
        return shown


def _named(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    function.__name__ = name
    return function


@contextlib.asynccontextmanager
async def house(**options: Any) -> AsyncIterator[House]:
    client, desk = NexusClient(**options), Desk()
    client.take(desk)
    env = simcord.Env(client, shard_count=1)
    env.backend.register_commands(None, commands())  # simcord takes them all at once, and Nexus registers one by one
    await env.start()
    try:
        guild = env.create_guild("Acme")
        ada = guild.add_member(env.create_user("ada"))
        yield House(env, client, desk, guild, guild.create_text_channel("general"), ada)
    finally:
        await env.shutdown()
    env.raise_errors()


@pytest.fixture
async def acme() -> AsyncIterator[House]:
    async with house() as made:
        yield made


# -- commands --------------------------------------------------------------------------------------------------------------------


async def test_a_command_is_kept_acknowledged_privately_and_done(acme: House) -> None:
    done = await acme.ada.slash(acme.general, "nexus build", description="a todo app", framework="vue")

    assert (done.deferred, done.ephemeral) == (True, True)
    said = acme.desk.last(Said)
    assert (said.text, said.way, said.where.deferred, said.where.opens) == (
        'build "a todo app" --framework "vue"',
        "command",
        "message",
        False,
    )
    assert (said.where.workspace, said.where.channel, said.where.thread) == (str(acme.guild.id), str(acme.general.id), "")
    assert (said.where.user, said.where.name, said.where.admin) == (str(acme.ada.id), "ada", False)
    assert said.where.token
    assert acme.desk.kept == acme.desk.seen


async def test_a_command_that_may_be_answered_by_a_form_is_not_acknowledged_here(acme: House) -> None:
    for path in ("build", "rollback", "delete", "notify on"):
        done = await acme.ada.slash(acme.general, f"nexus {path}")
        assert not done.acknowledged, path
        assert (acme.desk.last(Said).where.opens, acme.desk.last(Said).where.deferred) == (True, "")


async def test_all_settings_are_shown_and_opened_by_part(acme: House) -> None:
    assert (await acme.ada.slash(acme.general, "nexus settings")).deferred
    assert acme.desk.last(Said).text == "settings"
    assert not (await acme.ada.slash(acme.general, "nexus settings", part="approvals")).acknowledged
    assert acme.desk.last(Said).where.opens


async def test_subcommands_with_parts_and_numbers_arrive_as_lines(acme: House) -> None:
    await acme.ada.slash(acme.general, "nexus env set", name="GREETING", value="good morning", app="todo")
    assert acme.desk.last(Said).text == 'env set todo "GREETING=good morning"'
    await acme.ada.slash(acme.general, "nexus rollback", app="todo", release=3)
    assert acme.desk.last(Said).text == "rollback todo v3"


async def test_a_picture_comes_with_a_build(acme: House) -> None:
    await acme.ada.slash(acme.general, "nexus build", description="like this", picture=("a.png", b"12345"))
    (file,) = acme.desk.last(Said).files
    assert (file.name, file.size) == ("a.png", 5)
    assert file.url.startswith("http")


async def test_a_command_in_a_thread_knows_its_channel(acme: House) -> None:
    thread = await acme.thread()
    await acme.ada.slash(thread, "nexus show")
    where = acme.desk.last(Said).where
    assert (where.channel, where.thread, where.within) == (str(acme.general.id), str(thread.id), True)


async def test_a_command_in_the_direct_messages(acme: House) -> None:
    await acme.ada.user.slash("nexus list")
    where = acme.desk.last(Said).where
    assert (where.workspace, where.direct, where.admin, where.channel) == ("", True, None, str(acme.ada.user.dm_channel.id))


async def test_who_may_manage_the_server_administers_it(acme: House) -> None:
    keeper = acme.guild.create_role("keeper", permissions=discord.Permissions(manage_guild=True))
    ben = acme.guild.add_member(acme.env.create_user("ben"), roles=[keeper], nick="Benny")
    await ben.slash(acme.general, "nexus list")
    where = acme.desk.last(Said).where
    assert (where.admin, where.roles, where.name) == (True, (str(keeper.id),), "Benny")


async def test_a_message_can_be_picked_to_be_built(acme: House) -> None:
    message = await acme.ada.send(acme.general, "a shop for shoes", attachments=[("a.png", b"12345")])
    done = await acme.ada.context_menu(acme.general, "Build this", message)

    assert (done.deferred, done.ephemeral) == (True, True)
    said = acme.desk.last(Said)
    assert (said.text, said.way, [file.name for file in said.files]) == ("a shop for shoes", "pick", ["a.png"])


async def test_a_picked_message_without_words_may_be_answered_by_a_form(acme: House) -> None:
    message = await acme.ada.send(acme.general, "", attachments=[("a.png", b"12345")])
    assert not (await acme.ada.context_menu(acme.general, "Build this", message)).acknowledged
    assert acme.desk.last(Said).where.opens


async def test_what_another_process_has_is_neither_acknowledged_nor_done(acme: House) -> None:
    acme.desk.elsewhere = True
    done = await acme.ada.slash(acme.general, "nexus list")
    await acme.ada.send(acme.general, f"{acme.mention} list")
    assert not done.acknowledged
    assert len(acme.desk.kept) == 2
    assert acme.desk.seen == []


@pytest.mark.parametrize(("status", "code"), [(404, 10062), (400, 40060), (500, 0), (403, 50013)])
async def test_what_cannot_be_acknowledged_is_done_all_the_same(acme: House, status: int, code: int) -> None:
    acme.env.inject_error("POST", "/interactions/*/*/callback", status=status, code=code, times=None)
    await acme.ada.slash(acme.general, "nexus list")
    assert acme.desk.last(Said).text == "list"


async def test_what_hangs_while_it_is_acknowledged_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    async with LocalDiscord() as local:
        desk = Desk()
        client = NexusClient(api_url=local.api_url, guild_ready_timeout=0.01)
        client.take(desk)
        serving = asyncio.create_task(client.serve(SecretStr(local.token)))
        await local.wait_for_sessions(1)
        await client.wait_until_ready()
        monkeypatch.setattr(app, "IN_TIME", 0.05)
        local.fault("POST /interactions/*/callback", held=True)
        asking = asyncio.create_task(local.guild.add_user("Ada").slash("#general", "nexus list"))
        await local.wait_for(lambda: desk.seen)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        local.faults.release()
        await asyncio.gather(asking, return_exceptions=True)
    assert desk.last(Said).text == "list"


async def test_what_comes_too_late_is_done_all_the_same() -> None:
    async with house() as acme:
        keep = acme.desk.keep

        async def slowly(told: Told) -> bool:
            await acme.env.external_wait(asyncio.sleep(4), reason="the ledger")
            return await keep(told)

        acme.desk.keep = slowly  # type: ignore[method-assign]
        await acme.ada.slash(acme.general, "nexus list")
        await acme.env.advance_time(4)
        assert acme.desk.last(Said).text == "list"


# -- presses and forms -----------------------------------------------------------------------------------------------------------


async def test_a_press_is_acknowledged_without_changing_its_message(acme: House) -> None:
    thread = await acme.thread()
    message = await acme.post_card(thread)
    done = await acme.ada.click(message, label="Approve")

    assert done.deferred
    assert done.response is None or not done.response.ephemeral
    did = acme.desk.last(Pressed)
    assert (did.action, did.value, did.message, did.asks) == ("approve", "apr_1", str(message.id), False)
    assert (did.where.deferred, did.where.thread, did.where.within) == ("update", str(thread.id), True)


async def test_each_press_is_told_once(acme: House) -> None:
    message = await acme.post_card(acme.general)
    await acme.ada.click(message, label="Approve")
    await acme.ada.click(message, label="Approve")
    assert len(acme.desk.seen) == 2
    assert len({told.key for told in acme.desk.seen}) == 2


async def test_a_press_that_may_be_answered_by_a_form_is_not_acknowledged_here(acme: House) -> None:
    done = await acme.ada.click(await acme.post_card(acme.general), label="Rollback")
    assert not done.acknowledged
    assert acme.desk.last(Pressed).where.opens


async def test_a_button_that_asks_first_is_acknowledged_and_says_so(acme: House) -> None:
    done = await acme.ada.click(await acme.post_card(acme.general), label="Stop")
    assert done.deferred
    assert acme.desk.last(Pressed).asks


async def test_buttons_work_after_a_restart_with_a_client_that_knows_nothing(acme: House) -> None:
    message = await acme.post_card(acme.general)
    again, desk = NexusClient(), Desk()
    again.take(desk)
    again.shard_count = 1
    await acme.env.restart_bot(again)

    done = await acme.ada.click(message, label="Approve")
    assert done.deferred
    assert (desk.last(Pressed).action, desk.last(Pressed).value) == ("approve", "apr_1")
    assert acme.desk.seen == []


async def test_a_button_of_nobody_is_acknowledged_and_nothing_is_done(acme: House) -> None:
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Old", custom_id="NOT-OURS"))
    channel = await acme.client.fetch_channel(acme.general.id)
    assert isinstance(channel, discord.TextChannel)
    message = await channel.send("old", view=view)
    done = await acme.ada.click(message, label="Old")
    assert done.acknowledged
    assert acme.desk.kept == []


async def test_a_form_that_a_button_opened_is_taken_in(acme: House) -> None:
    thread = await acme.thread()
    shown = await acme.show_form(thread)
    done = await acme.ada.submit_modal(shown, {"text": "make it blue"})

    assert done.deferred
    sent = acme.desk.last(Filled)
    assert (sent.form, sent.value, dict(sent.values)) == ("change", "todo", {"text": "make it blue"})
    assert (sent.where.deferred, sent.where.thread) == ("update", str(thread.id))


# -- words -----------------------------------------------------------------------------------------------------------------------


async def test_a_mention_is_taken_in(acme: House) -> None:
    await acme.ada.send(acme.general, f"{acme.mention} a shop for shoes")
    said = acme.desk.last(Said)
    assert (said.text, said.way, said.where.workspace, said.where.token) == (
        "a shop for shoes",
        "mention",
        str(acme.guild.id),
        "",
    )
    assert said.where.admin is False


async def test_talk_in_a_channel_is_nobodys_business(acme: House) -> None:
    await acme.ada.send(acme.general, "lunch?")
    assert acme.desk.kept == []


async def test_words_in_a_thread_are_taken_in_with_its_channel(acme: House) -> None:
    thread = await acme.thread()
    await acme.ada.send(thread, "make it blue")
    said = acme.desk.last(Said)
    assert (said.text, said.way) == ("make it blue", "reply")
    assert (said.where.channel, said.where.thread, said.where.within) == (str(acme.general.id), str(thread.id), True)


async def test_without_the_intent_only_mentions_can_be_read() -> None:
    async with house(message_content=False) as acme:
        thread = await acme.thread()
        await acme.ada.send(acme.general, "talk of others")
        await acme.ada.send(thread, "make it blue")
        assert acme.desk.kept == []
        assert acme.desk.unheard == [(str(acme.general.id), str(thread.id))]
        await acme.ada.send(thread, f"{acme.mention} make it blue")
        assert acme.desk.last(Said).text == "make it blue"
        assert len(acme.desk.unheard) == 1


async def test_another_bot_is_nobody_whose_words_nexus_would_have_to_read() -> None:
    async with house(message_content=False) as acme:
        thread = await acme.thread()
        other = acme.guild.add_member(acme.env.create_user("Other", bot=True))
        await other.send(thread, "beep")
        assert (acme.desk.kept, acme.desk.unheard) == ([], [])


async def test_words_in_a_post_of_a_forum_are_taken_in(acme: House) -> None:
    forum = acme.guild.create_forum_channel("ideas")
    channel = await acme.client.fetch_channel(forum.id)
    assert isinstance(channel, discord.ForumChannel)
    await channel.create_thread(name="Shop", content="a shop")
    await acme.env.settle()
    await acme.ada.send(forum.threads[0], f"{acme.mention} a shop for shoes")
    where = acme.desk.last(Said).where
    assert (where.channel, where.thread, where.within) == (str(forum.id), str(forum.threads[0].id), True)


async def test_direct_messages_are_taken_in_and_replies_know_their_root(acme: House) -> None:
    message = await acme.ada.send_dm("a shop for shoes")
    said = acme.desk.last(Said)
    assert (said.where.workspace, said.where.direct, said.where.thread) == ("", True, str(message.id))
    backend, channel = acme.env.backend, acme.ada.user.dm_channel.id
    above = backend.normalize_message_reference(channel, {"channel_id": str(channel), "message_id": str(message.id)})
    backend.create_message(channel, acme.ada.id, "make it blue", reference=above)
    await acme.env.settle()
    assert (acme.desk.last(Said).where.thread, acme.desk.last(Said).where.within) == (str(message.id), True)


async def test_the_bots_own_words_are_not_heard(acme: House) -> None:
    await acme.thread()
    await acme.post_card(acme.general)
    assert acme.desk.kept == []


# -- the rest --------------------------------------------------------------------------------------------------------------------


async def test_what_is_typed_is_completed(acme: House) -> None:
    offered = await acme.ada.autocomplete(acme.general, "nexus files", "path", "src", app="todo")
    assert [one["value"] for one in offered] == ["todo", 2]
    (sought,) = acme.desk.sought
    assert (sought.command, sought.focused, sought.text, dict(sought.options)) == (
        "files",
        "path",
        "src",
        {"app": "todo", "path": "src"},
    )
    assert acme.desk.kept == []


async def test_a_completion_that_fails_fails_nobody(acme: House) -> None:
    def fail() -> None:
        raise ValueError("a defect")

    acme.desk.fails = fail
    assert await acme.ada.autocomplete(acme.general, "nexus show", "app", "to") == []
    acme.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062)
    acme.desk.fails = lambda: None
    assert await acme.ada.autocomplete(acme.general, "nexus show", "app", "to") == []


async def test_a_server_that_removes_the_bot_is_told_of(acme: House) -> None:
    guild = acme.client.get_guild(acme.guild.id)
    assert guild is not None
    await guild.leave()
    await acme.env.settle()
    assert acme.desk.gone == [(str(acme.guild.id), "the bot was removed from the server")]


async def test_a_server_that_adds_the_bot_is_written_down_and_shown_what_it_missed(acme: House) -> None:
    with structlog.testing.capture_logs() as logged:
        acme.client.dispatch("guild_join", acme.client.get_guild(acme.guild.id))  # simcord's servers were always there
        await acme.env.settle()
    assert acme.desk.open[-1] == (str(acme.guild.id), "", "")
    assert [acme.guild.id] == [one["guild"] for one in logged if "added the bot" in one["event"]]


async def test_commands_that_are_as_they_should_be_are_asked_for_and_left_alone(acme: House) -> None:
    asked = [(one.method, one.path) for one in acme.env.http_requests if one.path.endswith("/commands")]
    assert [method for method, _ in asked] == ["GET"]


async def test_nothing_that_people_say_is_logged(acme: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with structlog.testing.capture_logs() as logged:
        await acme.ada.slash(acme.general, "nexus env set", name="KEY", value=SECRET)
        await acme.ada.send(acme.general, f"{acme.mention} {SECRET}")
        await acme.ada.send_dm(SECRET)
        await acme.ada.autocomplete(acme.general, "nexus show", "app", SECRET)
        with contextlib.suppress(BackendError):
            await acme.ada.submit_modal(await acme.show_form(acme.general), {"text": SECRET})
    assert len(acme.desk.seen) == 4
    assert SECRET not in f"{logged}{[record.getMessage() for record in caplog.records]}"
