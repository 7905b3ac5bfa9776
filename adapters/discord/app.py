"""The Discord app: discord.py's client, with a handler for everything that people do with Nexus.

Made once by the composition root, and run by it. A handler reads what came, has it kept (see `core.conversation.journal`), acknowledges it,
and hands on to the desk, which does the work in tasks of its own. What the answer to which may be a form is not acknowledged here, since a
form can only be the first answer: the desk does that. Commands are no objects of discord.py's here but data
(`adapters.discord.manifest`), so that what is registered, read and completed is made of one grammar.

Several processes may run with one token: Discord tells each of everything, and who keeps it first acknowledges it. It logs nothing that
people say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Final, Protocol, cast

import aiohttp
import discord
import structlog
import yarl
from pydantic import SecretStr

from adapters.discord import inbound, payloads
from adapters.discord.calls import API_URL, LONGEST_WAIT, Calls, point_at
from adapters.discord.completing import Offered
from adapters.discord.inbound import Filled, Pressed, Said, Sought, Told
from adapters.discord.manifest import INTENTS, commands
from adapters.discord.registering import register
from adapters.discord.render.buttons import Choice, Press
from adapters.discord.shards import resume_always
from core.conversation.form_opening import command_opens, press_opens
from core.conversation.outbox import Clock, RealClock
from core.errors import NexusError, OperatorError, TemporaryError

log = structlog.get_logger(__name__)

PORTAL: Final = "https://discord.com/developers/applications"
PAUSES: Final = (5.0, 30.0, 120.0, 600.0)  #: seconds before each further attempt, while Discord does not answer
NO_CONTENT: Final = (
    "Discord does not let Nexus read replies that do not mention it: allow the Message Content Intent under Bot at "
    f"{PORTAL}, and start again; or set NEXUS_DISCORD_MESSAGE_CONTENT=false. Until then, apps are changed by their Change… button, "
    "by mentioning the bot, and in its direct messages."
)
STRANGER: Final = (
    "Discord does not accept DISCORD_TOKEN. Copy the token from the application's Bot page (Reset Token) at "
    f"{PORTAL}, and start again."
)
NOT_READ: Final = "That is from another version of Nexus. Ask for it once more."
IN_TIME: Final = 3.0  #: seconds that Discord waits for an acknowledgement; what is asked is not held up by one that hangs
_LATE = frozenset({10062, 40060})  # it is too late for an acknowledgement, or there was one
_STRANGER, _TOO_FEW_INTENTS = 4004, 4014  # codes with which a gateway closes
_FATAL = frozenset({4004, 4010, 4011, 4012, 4013})  # and those after which another attempt ends alike


class Takes(Protocol):
    """What is told of what people do; `adapters.discord.desk.DiscordDesk` is one."""

    def begin(self, work: Coroutine[Any, Any, None]) -> None: ...
    def arriving(self) -> AbstractContextManager[None]: ...
    async def keep(self, told: Told) -> bool: ...
    async def see_through(self, told: Told) -> None: ...
    async def offered(self, sought: Sought) -> Sequence[Offered]: ...
    async def removed(self, workspace: str, why: str) -> None: ...
    async def opened_again(self, workspace: str, channel: str = "", thread: str = "") -> None: ...
    async def unread(self, channel: str, thread: str) -> None: ...


class NexusClient(discord.AutoShardedClient):
    """The client. REST works once it has logged in; `take` says who is told of what people do, before it is run."""

    def __init__(
        self,
        *,
        api_url: str = API_URL,
        gateway_url: str = "",
        message_content: bool = True,
        tell: Callable[[str], None] = lambda _: None,
        clock: Clock | None = None,
        **options: Any,
    ) -> None:
        # discord.py keeps this very object, and reads it anew for each session.
        self._asked = discord.Intents(**dict.fromkeys(INTENTS, True))
        self._asked.message_content = message_content
        self._api_url, self._gateway_url = api_url, gateway_url
        self._tell, self._clock = tell, clock or RealClock()
        self._desk: Takes | None = None
        self._later: set[asyncio.Task[None]] = set()
        point_at(api_url, gateway_url)
        resume_always()
        super().__init__(
            intents=self._asked,
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            max_ratelimit_timeout=LONGEST_WAIT,
            **options,
        )

    def take(self, desk: Takes) -> None:
        """Tell this one of everything."""
        self._desk = desk

    @property
    def reads_replies(self) -> bool:
        """Whether words that do not mention the bot can be read."""
        return self._asked.message_content

    # -- running --------------------------------------------------------------------------------------------------------------

    async def serve(self, token: SecretStr) -> None:
        """Connect, and stay connected until cancelled.

        Raises:
            OperatorError: Discord does not accept the token.
        """
        attempt = 0
        try:
            while True:
                try:
                    async with self:
                        await self.login(token.get_secret_value())
                        attempt = 0
                        await self.connect()
                except discord.LoginFailure as error:
                    raise OperatorError(STRANGER) from error
                except discord.PrivilegedIntentsRequired as error:
                    if not self._asked.message_content:
                        raise OperatorError("Discord refuses the intents that Nexus cannot do without.") from error
                    self._without_content()
                    self._again()
                    continue
                except discord.ConnectionClosed as error:
                    if error.code == _STRANGER:
                        raise OperatorError(STRANGER) from error
                    if error.code in _FATAL:
                        raise OperatorError(f"Discord's gateway refuses Nexus (code {error.code}).") from error
                    log.warning("the connection to Discord was closed", code=error.code)
                except (discord.HTTPException, discord.GatewayNotFound, aiohttp.ClientError, OSError, TimeoutError) as error:
                    log.warning("Discord is not reachable; trying again", reason=type(error).__name__)
                self._again()
                await self._clock.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
                attempt += 1
        finally:
            for task in list(self._later):
                task.cancel()
            await asyncio.gather(*self._later, return_exceptions=True)
            await self.close()

    def _again(self) -> None:
        """Make a client that was closed ready for another attempt, with as many shards as Discord says then."""
        self.clear()
        self.http.connector = discord.utils.MISSING  # the old one was closed, and would be used again
        self.shard_count = None  # type: ignore[assignment]  # as it is before the first attempt

    def _without_content(self) -> None:
        self._asked.message_content = False
        log.warning("Discord refuses the intent for the content of messages; going on without")
        self._tell(NO_CONTENT)

    async def setup_hook(self) -> None:
        self.add_dynamic_items(Press, Choice)
        await self._register(PAUSES)

    async def launch_shard(self, gateway: yarl.URL, shard_id: int, *, initial: bool = False) -> None:
        chosen = yarl.URL(self._gateway_url) if self._gateway_url else gateway
        point_at(self._api_url, str(chosen))  # discord.py forgets it when a session cannot be resumed
        await super().launch_shard(chosen, shard_id, initial=initial)

    async def _register(self, pauses: Sequence[float]) -> None:
        """Register the commands; where Discord cannot be asked, go on, and try again in a while."""
        try:
            await register(Calls(self).call, str(self.application_id), commands())
        except TemporaryError as error:
            log.warning("the commands are not registered yet", reason=error.message)
            self._soon(self._register_later(pauses))
        except NexusError as error:
            log.error("the commands cannot be registered", reason=error.message)
            self._tell(f"Discord does not take Nexus's commands: {error.message}")

    async def _register_later(self, pauses: Sequence[float]) -> None:
        await self._clock.sleep(pauses[0])
        await self._register(pauses[1:] or pauses)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="discord commands")
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    # -- what people do -------------------------------------------------------------------------------------------------------

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Commands, what is typed into them, and forms; presses come by `Press` and `Choice`, but for those of nobody's buttons."""
        kind = interaction.type
        if kind is discord.InteractionType.application_command:
            await self._take(
                interaction, lambda body: (inbound.picked if inbound.is_menu_command(body) else inbound.command)(body)
            )
        elif kind is discord.InteractionType.modal_submit:
            await self._take(interaction, inbound.filled)
        elif kind is discord.InteractionType.autocomplete:
            await self._offer(interaction)
        elif kind is discord.InteractionType.component and self._read(interaction, inbound.pressed) is None:
            await _acknowledge(interaction, "update")

    async def on_press(self, interaction: discord.Interaction[Any]) -> None:
        """A button, or a choice from a menu."""
        await self._take(interaction, inbound.pressed)

    async def on_message(self, message: discord.Message) -> None:
        """A message in a place that the bot can see."""
        if self._desk is None or self.user is None or message.author.bot:
            return
        try:
            parent = await self._parent(message)
            said = inbound.message(payloads.of_message(message), str(self.user.id), parent, role=_own_role(message.guild))
        except Exception:
            log.exception("a message could not be read")
            return
        empty = not (message.content or message.attachments or message.stickers or message.is_system())
        if said is None and empty and parent and not self.reads_replies:
            self._desk.begin(self._desk.unread(parent, str(message.channel.id)))
        if said is not None and await self._desk.keep(said):
            self._desk.begin(self._desk.see_through(said))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """A server removed the bot, or is no more."""
        if self._desk is not None:
            self._desk.begin(self._desk.removed(str(guild.id), "the bot was removed from the server"))

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """A server added the bot."""
        log.info("a server added the bot", guild=guild.id)
        if self._desk is not None:
            self._desk.begin(self._desk.opened_again(str(guild.id)))

    async def on_raw_thread_update(self, event: discord.RawThreadUpdateEvent) -> None:
        """A thread was changed: perhaps it is open again, and shows what was true when it was closed."""
        state = event.data.get("thread_metadata") or {}
        if self._desk is not None and not (state.get("archived") or state.get("locked")):
            self._desk.begin(self._desk.opened_again(str(event.guild_id), str(event.parent_id), str(event.thread_id)))

    async def _take(self, interaction: discord.Interaction[Any], read: Callable[[dict[str, Any]], Told | None]) -> None:
        """Read it, keep it, acknowledge it, and have it done. What cannot be read is acknowledged too, so that nobody waits."""
        told = self._read(interaction, read)
        if told is None or self._desk is None:
            await _not_read(interaction)
            return
        if _opens(told):
            told = replace(told, where=replace(told.where, opens=True))
        else:
            in_message = isinstance(told, Pressed) or (isinstance(told, Filled) and interaction.message is not None)
            told = replace(told, where=replace(told.where, deferred="update" if in_message else "message"))
        with self._desk.arriving():
            if not await self._desk.keep(told):
                return  # another process has it, and acknowledges it
            if told.where.deferred:
                await _acknowledge(interaction, told.where.deferred)
        self._desk.begin(self._desk.see_through(told))

    def _read(self, interaction: discord.Interaction[Any], read: Callable[[dict[str, Any]], Told | None]) -> Told | None:
        try:
            return read(payloads.of_interaction(interaction))
        except Exception:
            log.exception("what Discord sent could not be read", kind=interaction.type.name)
            return None

    async def _offer(self, interaction: discord.Interaction[Any]) -> None:
        try:
            sought = inbound.sought(payloads.of_interaction(interaction))
            choices = await self._desk.offered(sought) if self._desk is not None else []
            await interaction.response.autocomplete(cast(Sequence[discord.app_commands.Choice[Any]], choices))
        except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as error:
            log.info("what is offered came too late", reason=type(error).__name__)  # or they typed on
        except Exception:
            log.exception("nothing could be offered")

    async def _parent(self, message: discord.Message) -> str:
        """The channel of the thread that a message is in; empty where it is in none."""
        channel: object = message.channel
        if message.guild is not None and isinstance(channel, discord.PartialMessageable):
            try:
                channel = await self.fetch_channel(channel.id)  # a thread that was opened again, or seen by nobody so far
            except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
                log.info("where a message is cannot be found out", channel=message.channel.id, reason=type(error).__name__)
        return str(channel.parent_id) if isinstance(channel, discord.Thread) else ""


async def _acknowledge(interaction: discord.Interaction[Any], how: str) -> None:
    """Discord waits for this for three seconds. Raises nothing: what was asked is done all the same."""
    if how == "message":
        await _answered(lambda: interaction.response.defer(ephemeral=True, thinking=True))
    else:
        await _answered(interaction.response.defer)


async def _not_read(interaction: discord.Interaction[Any]) -> None:
    """There will be no other answer: nobody shall wait for one. Raises nothing."""
    await _answered(lambda: interaction.response.send_message(NOT_READ, ephemeral=True))


async def _answered(answer: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    try:
        async with asyncio.timeout(IN_TIME):
            try:
                await answer()
            except aiohttp.ClientError:  # a connection that Discord had closed; and twice does no harm
                await answer()
    except discord.HTTPException as error:
        level = log.info if error.code in _LATE else log.warning
        level("an acknowledgement was not taken", code=error.code, status=error.status)
    except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
        log.warning("an acknowledgement did not arrive", reason=type(error).__name__)


def _opens(told: Told) -> bool:
    """Whether the answer may be a form."""
    match told:
        case Said(way="command"):
            return command_opens(told.text) and told.text != inbound.SETTINGS
        case Said(way="pick"):
            return not told.text
        case Pressed():
            return not told.asks and (told.action in inbound.OPENING or press_opens(told.action))
    return False


def _own_role(guild: discord.Guild | None) -> str:
    role = guild.self_role if guild is not None else None
    return str(role.id) if role is not None else ""
