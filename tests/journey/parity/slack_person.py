"""Somebody in Slack, by Socket Mode: slash commands, presses, modals and mentions, in a local Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tests.journey.parity.people import SEEN_SECONDS, Cannot, File, Person, Shown, plain
from tests.support.nexus import Nexus
from tests.support.slack import LocalSlack, Message, Receipt, SlackUser, View, render_text
from tests.support.slack.acting import find, interactive
from tests.support.slack.rendering import text_of
from tests.support.slack_house import SlackHouse, Talk, house, settings


class SlackPerson(Person):
    """An admin of a workspace."""

    platform = "slack"

    def __init__(self, made: SlackHouse, user: SlackUser) -> None:
        self.house, self.slack, self.user, self.name = made, made.slack, user, user.name
        self.got: list[File] = []  #: the files that came, in order

    # -- what they do --------------------------------------------------------------------------------------------------------

    async def types(self, text: str, *, thread: Any = None, place: str = "") -> None:
        self._done(await self.user.command("/nexus", text, place or "#general", in_thread=thread is not None))

    async def mentions(self, text: str, thread: Talk) -> None:
        """``@Nexus text`` in a thread."""
        self._done(await self.user.mention(thread.channel, text, thread.ts))

    async def leaves(self) -> None:
        """Slash commands are typed in no thread."""

    async def replies(self, thread: Any, text: str) -> None:
        self._done(await self.user.say(thread.channel, text, thread.ts))

    async def press(self, shown: Shown, label: str, *, yes: bool = True) -> None:
        self._done(await self.user.press(shown.handle, label, confirm=yes))

    async def submits(self, form: Shown, values: Mapping[str, str]) -> None:
        receipt = await self.user.submit(form.handle, values)
        self._done(receipt)
        assert not receipt.errors, receipt.errors

    async def closes(self, form: Shown) -> None:
        await self.user.close(form.handle)

    def _done(self, receipt: Receipt) -> None:
        """Acknowledged within Slack's three seconds; what Slack itself refuses was never sent."""
        if not receipt.sent and receipt.error:
            raise Cannot(receipt.error)
        assert not receipt.sent or receipt.acknowledged, receipt.error
        assert not receipt.error, receipt.error

    # -- what comes of it ----------------------------------------------------------------------------------------------------

    async def answer(self, act: Awaitable[None], *words: str) -> Shown:
        before = len(self.house.private(self.user))
        await act

        def look() -> list[Shown]:
            new = map(_shown, self.house.private(self.user)[before:])
            return [one for one in new if one.says(*words)]

        return (await self.slack.wait_for(look, timeout=SEEN_SECONDS, why=f"{self.name} is told {words}"))[-1]

    async def form(self, act: Awaitable[None], title: str) -> Shown:
        views, told = self.slack.views(self.user), len(self.house.private(self.user))
        await act

        def look() -> list[View | Message]:
            new: list[View | Message] = [one for one in self.slack.views(self.user) if one not in views]
            return new or [*self.house.private(self.user)[told:]]

        found = (await self.slack.wait_for(look, timeout=SEEN_SECONDS, why=f"a form {title!r}"))[-1]
        if not isinstance(found, View):
            raise Cannot(plain(render_text(found)))
        assert title == found.title
        return _shown(found)

    async def refused(self, form: Shown, values: Mapping[str, str]) -> str:
        receipt = await self.user.submit(form.handle, values)
        self._done(receipt)
        if form.handle not in self.slack.views(self.user):
            raise Cannot("the form is gone")
        return " ".join(receipt.errors.values())

    async def opens(self, act: Awaitable[None]) -> Any:
        before = {one.ts for one in self.slack.messages("#general")}
        await act
        return await self.house.opened(self.user, before=before)

    async def gets(self, act: Awaitable[None]) -> File:
        before = len(self.slack.files())
        await self.answer(act, "is in your direct messages")
        (file,) = self.slack.files()[before:]
        ((channel, _),) = file.shares
        assert self.user.dm == channel
        self.got.append(File(name=file.name, content=file.content, by="direct message"))
        return self.got[-1]

    async def question(self, shown: Shown, label: str) -> str:
        _, element = find(shown.handle, label=label)
        before = len(self.slack.deliveries.all)
        await self.press(shown, label, yes=False)
        if "confirm" not in element or len(self.slack.deliveries.all) > before:
            raise Cannot("it was done without a question")
        return plain(" ".join(text_of(element["confirm"][part]) for part in ("title", "text", "confirm")))

    async def look(self, shown: Shown) -> Shown:
        return _shown(shown.handle)

    # -- what is there -------------------------------------------------------------------------------------------------------

    async def cards(self, thread: Any) -> list[Shown]:
        return [_shown(one) for one in thread.cards if _is_card(one)]

    async def said(self, thread: Any) -> str:
        return "\n".join(plain(render_text(one)) for one in thread.said if not _is_card(one))

    async def before(self, shown: Shown) -> str:
        edits = shown.handle.edits
        return plain("\n".join(render_text(Message(ts="", team="", channel="", user="", blocks=one.blocks)) for one in edits))

    async def reads(self, shown: Shown, path: str) -> str:
        return (await self.answer(self._choose(shown.handle, path), path.rpartition("/")[2])).words

    async def _choose(self, shown: Message, path: str) -> None:
        self._done(await self.user.choose(shown, "file", path))

    async def completed(self, typed: str) -> list[str]:
        raise Cannot("Slack sends a command when it is typed, and asks for nothing before")

    async def news(self, place: str) -> list[str]:
        return [plain(render_text(one)) for one in self.slack.messages(place)]

    async def others_see(self) -> str:
        return self.house.seen_by_others(self.user)


def _is_card(one: Message) -> bool:
    return bool(one.blocks) and one.blocks[0]["type"] == "header"


def _shown(one: Message | View) -> Shown:
    return Shown(
        words=plain(render_text(one)),
        buttons=[label for label, _ in _buttons(one)],
        links={label: url for label, url in _buttons(one) if url},
        inputs=[text_of(block["label"]) for block in one.blocks if block["type"] == "input"],
        handle=one,
    )


def _buttons(one: Message | View) -> Iterator[tuple[str, str]]:
    for _, element in interactive(one):
        if element["type"] == "button":
            yield text_of(element["text"]), element.get("url", "")


@asynccontextmanager
async def in_slack(nexus: Nexus, news: str) -> AsyncIterator[SlackPerson]:
    """Ada, in the workspace of a Nexus that is started for it."""
    async with LocalSlack() as slack:
        nexus.env.update(settings(slack))
        async with house(slack, nexus) as made:
            await slack.wait_for_sockets(2)
            ada = slack.workspace.add_user("Ada", is_admin=True)
            slack.workspace.add_channel(news, members=[ada])
            yield SlackPerson(made, ada)
