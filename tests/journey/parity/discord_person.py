"""Somebody in Discord: slash commands with their options, buttons, menus and forms, in a local Discord."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tests.journey.parity.people import SEEN_SECONDS, Cannot, File, Person, Shown, plain
from tests.support.discord import Channel, DiscordUser, LocalDiscord, Message, Modal, Receipt, render_text
from tests.support.discord.content import walk
from tests.support.discord.forms import inputs
from tests.support.discord.gateway import Intent
from tests.support.discord.rendering import buttons, render_components
from tests.support.nexus import Nexus

UNREAD = "discord, where the words of replies are not shown"  #: a platform of its own, as far as it differs
LATE = "Open the form"  #: what is pressed where a form comes as a button, because it took too long
AGAIN = "Open it again"  #: what is pressed to have a refused form back
#: Which options the words are typed into that stand after a verb.
OPTIONS = {"build": ("description",), "files": ("app", "path"), "help": ("command",), "env": ("app", "")}


def slash(text: str) -> tuple[str, dict[str, str]]:
    """A line of the grammar, as what is chosen and typed in Discord: the command, and its options."""
    verb, *rest = text.split()
    values: dict[str, str] = {}
    words: list[str] = []
    typed = iter(rest)
    for word in typed:
        if word.startswith("--"):
            values[word[2:]] = next(typed)
        else:
            words.append(word)
    if verb == "build":
        words = [" ".join(words)] if words else []
    values |= dict(zip(OPTIONS.get(verb, ("app",)), words, strict=False))
    part = {"env": values.pop("", ""), "notify": "on"}.get(verb, "")
    return f"nexus {verb} {part}".strip(), values


class DiscordPerson(Person):
    """An administrator of a server."""

    def __init__(self, discord: LocalDiscord, user: DiscordUser, *, platform: str = "discord") -> None:
        self.platform = platform
        self.discord, self.user, self.name = discord, user, user.name
        self.told_last = Shown(words="")  #: what was answered to a form that was refused

    # -- what they do --------------------------------------------------------------------------------------------------------

    async def types(self, text: str, *, thread: Any = None, place: str = "") -> None:
        command, values = slash(text)
        try:
            receipt = await self.user.slash(thread or place or "#general", command, **values)
        except AssertionError as why:  # there is no such thing to choose
            raise Cannot(str(why)) from None
        self._done(receipt)

    async def mentions(self, text: str, place: str | Channel) -> None:
        """``@Nexus text``."""
        assert (await self.user.mention_bot(place, text)).sent

    async def leaves(self) -> None:
        """Without an option and outside of a thread, no app is meant."""

    async def replies(self, thread: Any, text: str) -> None:
        assert (await self.user.say(thread, text)).sent
        if not any(session.intents & Intent.MESSAGE_CONTENT for session in self.discord.gateway.live):
            raise Cannot("Discord has shown the words to nobody who is no person")

    async def press(self, shown: Shown, label: str, *, yes: bool = True) -> None:
        self._done(await self.user.click(shown.handle, label))

    async def submits(self, form: Shown, values: Mapping[str, str]) -> None:
        self._done(await self.user.submit(form.handle, values))

    async def closes(self, form: Shown) -> None:
        form.handle.open = False

    def _done(self, receipt: Receipt) -> None:
        """Acknowledged within Discord's three seconds."""
        assert receipt.sent, receipt.error
        assert receipt.acknowledged, receipt.error

    # -- what comes of it ----------------------------------------------------------------------------------------------------

    def _private(self) -> list[Message]:
        """What only they see, oldest first."""
        bot = self.discord.bot.id
        mine = [*self.discord.ephemeral(self.user), *(one for one in self.discord.direct(self.user) if one.author == bot)]
        return sorted(mine, key=lambda one: int(one.id))

    def told_directly(self) -> list[str]:
        """What the bot wrote to them alone, message by message, as Discord has it."""
        return [render_text(one) for one in self.discord.direct(self.user) if one.author == self.discord.bot.id]

    async def answer(self, act: Awaitable[None], *words: str) -> Shown:
        before = self._private()
        await act

        def look() -> list[Shown]:
            new = [_shown(one) for one in self._private() if one not in before]
            return [one for one in new if one.says(*words)]

        return (await self.discord.wait_for(look, timeout=SEEN_SECONDS, why=f"{self.name} is told {words}"))[-1]

    async def form(self, act: Awaitable[None], title: str) -> Shown:
        found = await self._form_or_answer(act)
        if isinstance(found, Message) and LATE in _shown(found).buttons:
            found = await self._form_or_answer(self.press(_shown(found), LATE))
        if not isinstance(found, Modal):
            raise Cannot(_shown(found).words)
        assert title == found.title
        return _shown(found)

    async def _form_or_answer(self, act: Awaitable[None]) -> Modal | Message:
        forms, told = [*self.discord.modals], self._private()
        await act

        def look() -> list[Modal | Message]:
            new: list[Modal | Message] = [one for one in self.discord.modals if one not in forms and one.open]
            return new or [one for one in self._private() if one not in told]

        return (await self.discord.wait_for(look, timeout=SEEN_SECONDS, why="a form, or an answer"))[-1]

    async def refused(self, form: Shown, values: Mapping[str, str]) -> str:
        self.told_last = await self.answer(self.submits(form, values))
        if not form.handle.open:
            raise Cannot(f"the form is gone; {self.told_last.words}")
        return self.told_last.words

    async def opens(self, act: Awaitable[None]) -> Any:
        before = self.discord.threads("#general")
        await act
        found = await self.discord.wait_for(
            lambda: [one for one in self.discord.threads("#general") if one not in before], timeout=SEEN_SECONDS, why="a thread"
        )
        (thread,) = found
        return thread

    async def gets(self, act: Awaitable[None]) -> File:
        before = self._private()
        await act

        def look() -> list[Message]:
            return [one for one in self._private() if one not in before and one.attachments]

        (came,) = await self.discord.wait_for(look, timeout=SEEN_SECONDS, why="a file")
        (file,) = came.attachments
        return File(name=file.name, content=file.content, by="answer" if came.ephemeral else "direct message")

    async def question(self, shown: Shown, label: str) -> str:
        found = await self._form_or_answer(self.press(shown, label))
        asked = _shown(found)
        if isinstance(found, Message):
            raise Cannot(f"it asks in a message: {asked.words}")
        await self.closes(asked)
        return asked.words

    async def look(self, shown: Shown) -> Shown:
        return _shown(shown.handle)

    # -- what is there -------------------------------------------------------------------------------------------------------

    def _by_nexus(self, thread: Channel) -> list[Message]:
        return [one for one in self.discord.messages(thread) if one.author == self.discord.bot.id]

    async def cards(self, thread: Any) -> list[Shown]:
        return [_shown(one) for one in self._by_nexus(thread) if _is_card(one)]

    async def said(self, thread: Any) -> str:
        return "\n".join(plain(render_text(one)) for one in self.discord.messages(thread) if not _is_card(one))

    async def before(self, shown: Shown) -> str:
        return plain("\n".join(line for _, components in shown.handle.edits for line in render_components(components)))

    async def reads(self, shown: Shown, path: str) -> str:
        return (await self.answer(self._choose(shown.handle, path), path.rpartition("/")[2])).words

    async def _choose(self, shown: Message, path: str) -> None:
        menus = [one for one in walk(shown.components) if one["type"] == 3]
        (menu,) = [one for one in menus if path in [option["label"] for option in one["options"]]]
        self._done(await self.user.choose(shown, path, custom_id=menu["custom_id"]))

    async def completed(self, typed: str) -> list[str]:
        verb, begun = typed.split()
        receipt = await self.user.autocomplete("#general", f"nexus {verb}", "app", begun)
        self._done(receipt)
        return [str(one["name"]) for one in receipt.choices]

    def linked(self, shown: Shown) -> list[str]:
        """Where the links lead that are in the words of a message."""
        return re.findall(r"https?://[^\s<>()]+", render_text(shown.handle))

    async def news(self, place: str) -> list[str]:
        return [plain(render_text(one)) for one in self.discord.messages(place)]

    async def others_see(self) -> str:
        shown = [
            [one.content, one.components, one.edits, [file.content.decode(errors="replace") for file in one.attachments]]
            for one in self.discord.all_messages
            if one.only_for != self.user.id and one.channel != self.user.dm.id
        ]
        return json.dumps(shown, ensure_ascii=False)


def _is_card(one: Message) -> bool:
    return render_text(one).startswith("## ")


def _shown(one: Message | Modal) -> Shown:
    found = [] if isinstance(one, Modal) else buttons(one)
    return Shown(
        words=plain(render_text(one)),
        buttons=[str(button.get("label", "")) for button in found],
        links={str(button.get("label", "")): str(button["url"]) for button in found if button.get("url")},
        inputs=[*inputs(one)] if isinstance(one, Modal) else [],
        handle=one,
    )


@asynccontextmanager
async def in_discord(nexus: Nexus, news: str) -> AsyncIterator[DiscordPerson]:
    """Ada, in the server of a Nexus that is started for it. Discord has nothing to complain of."""
    async with LocalDiscord() as discord:
        nexus.env.update(DISCORD_TOKEN=discord.token, DISCORD_API_URL=discord.api_url)
        ada = discord.guild.add_user("Ada", admin=True)
        discord.guild.add_channel(news)
        await nexus.up()
        await discord.wait_for_sessions()
        yield DiscordPerson(discord, ada)
        await nexus.down()
        assert [] == discord.violations
