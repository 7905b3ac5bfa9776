"""What somebody sees of what they did: whether the app answered in time, what it answered, and the error, if any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.discord.state import Channel, Interaction, Json, Message, Modal

if TYPE_CHECKING:
    from tests.support.discord.server import LocalDiscord


@dataclass(kw_only=True, eq=False)
class Receipt:
    """One act of a person."""

    discord: LocalDiscord
    interaction: Interaction | None = None  #: none of words, and where Discord itself refused
    said: Message | None = None  #: what they wrote
    thread: Channel | None = None  #: the post or thread that they opened
    error: str = ""  #: what Discord shows them, when something went wrong
    sent: bool = True  #: False where Discord sent nothing: an option missing, a link opened

    @property
    def acknowledged(self) -> bool:
        return self.interaction is not None and self.interaction.acknowledged

    @property
    def seconds(self) -> float | None:
        """Until the first answer."""
        one = self.interaction
        return None if one is None or one.answered_at is None else one.answered_at - one.at

    @property
    def messages(self) -> list[Message]:
        """Every answer that is shown to them, oldest first; what only says that the app is thinking, and what is gone, left out."""
        if self.interaction is None:
            return []
        first = self.interaction.original
        mine = [] if first is None or first is self.interaction.message else [first]
        return [one for one in [*mine, *self.interaction.followups] if not one.deleted and not one.loading]

    @property
    def message(self) -> Message | None:
        """The last answer that is shown to them."""
        return self.messages[-1] if self.messages else None

    @property
    def modal(self) -> Modal | None:
        """The form that the app showed."""
        return self.interaction.modal if self.interaction else None

    @property
    def choices(self) -> list[Json]:
        """What autocomplete offered."""
        return self.interaction.choices if self.interaction else []

    @property
    def payload(self) -> Json:
        """What was sent to the app."""
        assert self.interaction is not None, "nothing was sent"
        return self.interaction.payload

    async def answer(self, *, timeout: float = 20.0) -> Message:
        """The answer, once it is there."""
        return await self.discord.wait_for(lambda: self.message, timeout=timeout, why="an answer")

    async def shown(self, *, timeout: float = 20.0) -> Modal:
        """The form, once it is there."""
        return await self.discord.wait_for(lambda: self.modal, timeout=timeout, why="a form")

    async def settled(self, *, timeout: float = 20.0) -> None:
        """Until nothing says any more that the app is thinking."""

        def quiet() -> bool:
            original = self.interaction.original if self.interaction else None
            return original is None or original.deleted or not original.loading

        await self.discord.wait_for(quiet, timeout=timeout, why="the app has done thinking")
