"""Answers for the one person who acted, brought by whichever way still works.

Called by `adapters.discord.desk` with an `Answer` and where its person acted. What everybody should see is not shown here: that
reaches the thread through events.

Ways, in order. What came by an interaction is answered by its token: a message that only they see, wherever that is; when its
time (fifteen minutes) is over, by a direct message. What was said in a message cannot be answered so: that is a direct message,
and where they take none, a line beside their words that says only this. In direct messages, a reply, which stays. A secret takes
only the ways that leave nothing behind, and is otherwise not shown at all; it is never logged.

A form can only be the first answer, within three seconds. After that the person gets a button that asks for the form again; and a
form that was refused comes back with a button that opens it as they had filled it in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, Protocol

import structlog
from discord import ui

from adapters.discord import inbound
from adapters.discord.calls import Calls, Upload
from adapters.discord.directs import Directs
from adapters.discord.drafts import Draft, Drafts
from adapters.discord.faults import ChannelClosed, DiscordBusy, FileTooLarge, Malformed
from adapters.discord.inbound import Filled, Where
from adapters.discord.interactions import Interactions
from adapters.discord.notes import FILES, file_name, note
from adapters.discord.ports import DiscordEngine
from adapters.discord.render.card import Rendered, render
from adapters.discord.render.form import modal
from adapters.discord.render.words import pages, question, words
from core.conversation.measuring import web_url
from core.conversation.outbox import Clock, RealClock
from core.conversation.ports import Marks
from core.errors import NexusError, NotFound
from core.words.cards import Button, Confirm, Form, Link
from core.words.inbound import Answer, Download, Inbound, Who
from core.words.thread_ref import ThreadRef

log = structlog.get_logger(__name__)

WRONG: Final = "Something went wrong here; it is in Nexus's log."
NO_PLACE: Final = "It is a secret, so it is shown only where it leaves nothing behind. Press it again in the app's thread."
NOT_TAKEN: Final = "Discord does not show that answer. It is in Nexus's log."
MENUS: Final = (
    "That form names channels, people or roles of a server, which Discord offers only there: type /nexus {command} in one of its "
    "channels."
)
CLOSED: Final = (
    "<@{user}>, the answer is for you alone, and you take no direct messages from me. Commands that begin with /nexus are answered "
    "privately right here."
)
#: The commands by which such forms are opened.
COMMANDS: Final = {"notify": "notify on", "settings": "settings approvals"}
NOT_OPEN: Final = "No thread is open yet. Should none appear, Nexus may not write here; /nexus list shows the apps."
AGAIN: Final = "Open it again"
UNREAD: Final = (
    "Discord does not let me read what is written here, unless it mentions me. To change the app, press **Change…** on its card, or "
    "mention me with what should be different."
)
LOOK: Final = 0.25  #: seconds between looks whether a thread is opened
LOOKS: Final = 12
ELSEWHERE: Final = "It is in your direct messages with me, since I cannot write here."


class Follow(Protocol):
    """Starts to follow a log."""

    async def start(self, where: Where, who: Who, slug: str) -> str:
        """Returns what to say about it, empty when it can be seen where they are."""
        ...


class Answering:
    """Brings answers."""

    def __init__(
        self,
        calls: Calls,
        interactions: Interactions,
        marks: Marks,
        engine: DiscordEngine,
        follow: Follow,
        directs: Directs,
        drafts: Drafts,
        *,
        link: Callable[[ThreadRef], Awaitable[str]],
        roles: Callable[[Where], Awaitable[Collection[str]]],
        clock: Clock | None = None,
    ) -> None:
        self._calls = calls
        self._interactions = interactions
        self._marks = marks
        self._engine = engine
        self._follow = follow
        self._directs = directs
        self._drafts = drafts
        self._link = link
        self._roles = roles
        self._clock = clock or RealClock()

    async def give(
        self,
        where: Where,
        answer: Answer,
        *,
        key: str,
        who: Who | None = None,
        asked: Inbound | None = None,
        sent: Filled | None = None,
        draft: Draft | None = None,
    ) -> None:
        """Bring it, once: what was redelivered, to this process or another one, is answered one time. ``sent`` is the form that it
        answers; ``draft`` is what a form of it is to be filled in with."""
        empty = not (answer.text or answer.card or answer.form or answer.file or answer.follow)
        if empty:
            if not await self._marks.seen(f"{key}:answer"):
                await self._interactions.done(where)
            return
        if not await self._marks.first(f"{key}:answer"):
            return
        if answer.form is not None:
            await self._open(where, answer.form, asked, draft)
            return
        if answer.follow and who is not None:
            await self.say(where, await self._follow.start(where, who, answer.follow))
        if answer.file is not None:
            await self._send(where, answer.file)
        way = await self._way_to_thread(where, answer, who)
        if answer.card is not None:
            card = answer.card
            if way:
                card = card.model_copy(update={"actions": [*card.actions, *way]})
            await self._shown(where, render(card), secret=answer.secret)
        elif answer.text and way is not None:
            again = self._drafts.refused(sent) if sent is not None and answer.error else ""
            buttons: list[Button | Link] = [*way]
            if again:
                buttons.append(Button(action=inbound.OPEN_FORM, value=again, label=AGAIN))
            told = answer.text
            if answer.thread is not None and not answer.error and where.token and not way:
                told += f"\n{NOT_OPEN if where.channel else ELSEWHERE}"
            await self._say(where, told, buttons, secret=answer.secret)
        await self._interactions.done(where)

    async def show(self, where: Where, shown: Rendered, *, key: str) -> None:
        """A message that is no answer of the dialogue's; once."""
        if await self._marks.first(f"{key}:answer"):
            await self._shown(where, shown)

    async def ask(self, where: Where, asks: Confirm, yes: Button, *, key: str) -> None:
        """Whether they are sure; once. The button does it."""
        if await self._marks.first(f"{key}:answer"):
            await self._private(where, question(asks, yes))

    async def say(self, where: Where, text: str) -> None:
        """A sentence or a few, for the one person."""
        if text:
            await self._say(where, text)

    async def unread(self, thread: str) -> None:
        """Tell a thread how it is heard; once."""
        if await self._marks.first(f"{inbound.PLATFORM}:unread:{thread}"):
            await self._calls.send(thread, note(UNREAD, ""), needs="reply")

    async def wrong(self, where: Where) -> None:
        """A defect of ours."""
        await self.say(where, WRONG)

    # -- what is brought ------------------------------------------------------------------------------------------------------

    async def _way_to_thread(self, where: Where, answer: Answer, who: Who | None) -> Sequence[Link] | None:
        """A button that leads to the thread of which the answer speaks; None when that is before their eyes."""
        if answer.thread is None or answer.error or who is None:
            return ()
        try:
            ref = await self._engine.thread_ref(who, answer.thread)
            for _ in range(LOOKS if where.token else 0):  # they wait for the answer; it says more once the thread is there
                if ref is not None:
                    break
                await self._clock.sleep(LOOK)
                ref = await self._engine.thread_ref(who, answer.thread)
        except NotFound:
            return ()
        said_here = not where.token and not where.direct  # the thread's first message, which mentions them, comes right below
        if ref is None or ref.platform != inbound.PLATFORM:
            return None if said_here else ()
        if (ref.channel, ref.thread) == (where.channel, where.thread) or (said_here and ref.channel == where.channel):
            return None
        url = web_url(await self._link(ref))
        return [Link(label="Open the thread", url=url)] if url else ()

    async def _shown(self, where: Where, shown: Rendered, *, secret: bool = False) -> None:
        await self._private(where, shown.view, secret=secret)
        if shown.rest and not secret:
            rest = [Upload(name=file_name(name), content=text.encode()) for name, text in shown.rest[:FILES]]
            await self._private(where, note("", "", files=[one.name for one in rest]), rest)

    async def _say(self, where: Where, text: str, buttons: Sequence[Button | Link] = (), *, secret: bool = False) -> None:
        for page in pages(text, buttons):
            await self._private(where, page, secret=secret)

    async def _send(self, where: Where, file: Download) -> None:
        name = file_name(file.name)
        if len(file.content) > where.limit:
            await self.say(where, _too_large(name, len(file.content), where.limit))
            return
        await self._private(where, note("", "", files=[name]), [Upload(name=name, content=file.content)])

    async def _open(self, where: Where, form: Form, asked: Inbound | None, draft: Draft | None) -> None:
        kinds = {one.kind for one in form.inputs}
        if kinds & {"channel", "people"} and (not where.workspace or not where.token):
            await self.say(where, MENUS.format(command=COMMANDS.get(form.form, form.form)))
            return
        values: Mapping[str, str] = {}
        if draft is not None and draft.form == form.form:
            form, values = form.model_copy(update={"value": draft.value}), draft.values
        roles = await self._roles(where) if "people" in kinds else ()
        if where.token and await self._interactions.open(where, modal(form, values, roles=roles)):
            return
        again = self._drafts.kept(draft) if values and draft is not None else self._drafts.late(asked, where.user)
        if not again:
            await self.say(where, f"The form “{form.title}” could not be opened in time. Ask for it again.")
            return
        button = Button(action=inbound.OPEN_FORM, value=again, label="Open the form", style="primary")
        await self._private(where, words(f"“{form.title}” needs a form.", [button]))

    # -- ways ----------------------------------------------------------------------------------------------------------------

    async def _private(
        self, where: Where, view: ui.LayoutView, files: Sequence[Upload] = (), *, secret: bool = False, last: bool = False
    ) -> None:
        refused: NexusError | None = None
        for way in self._ways(where, view, files, secret=secret):
            try:
                await way()
                if refused is not None:
                    await self._interactions.done(where)  # nothing is to say any more that Nexus is thinking
                return
            except DiscordBusy as error:
                if error.doubtful:  # it may be there, and twice would be worse than not at all
                    log.warning("whether an answer arrived is not known", user=where.user, error=error.error)
                    return
                refused = error
            except NexusError as error:
                log.info("an answer takes another way", user=where.user, reason=error.message)
                refused = error
                if isinstance(error, Malformed | FileTooLarge):  # by every way
                    break
        if secret:
            await self._private(where, words(NO_PLACE))
        elif isinstance(refused, FileTooLarge):
            await self.say(where, _too_large(", ".join(one.name for one in files), sum(len(one.content) for one in files), 0))
        elif isinstance(refused, Malformed) and not last:
            await self._private(where, words(NOT_TAKEN), last=True)
        else:
            log.warning("an answer could not be brought", user=where.user)

    def _ways(
        self, where: Where, view: ui.LayoutView, files: Sequence[Upload], *, secret: bool
    ) -> list[Callable[[], Awaitable[None]]]:
        async def by_token() -> None:
            await self._interactions.show(where, view, files)

        async def reply() -> None:
            await self._calls.send(where.channel, view, files=files, reply_to=where.thread)

        async def message() -> None:
            try:
                await self._calls.send(await self._directs.channel(where.user), view, files=files)
            except ChannelClosed:
                if not where.token and where.channel:
                    await self._calls.send(
                        where.thread if where.within else where.channel, note(CLOSED.format(user=where.user), "")
                    )
                    return
                raise

        ways: list[Callable[[], Awaitable[None]]] = [by_token] if where.token else []
        if secret:
            return ways
        return [*ways, reply if where.direct else message]


def _too_large(name: str, size: int, limit: int) -> str:
    most = f" ({limit / 2**20:.0f} MB)" if limit else ""
    where = "/nexus logs shows its last lines." if name.endswith(".log") else "/nexus files shows each file by itself."
    return f"{name} is {size / 2**20:.1f} MB, which is more than Discord takes here{most}. {where}"
