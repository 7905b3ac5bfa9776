"""What somebody sees of what they did: how fast the app acknowledged it, what the acknowledgement brought, and the error, if any."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.slack.deliveries import Attempt, Delivery
from tests.support.slack.state import Json, Message, View

if TYPE_CHECKING:
    from tests.support.slack.server import LocalSlack


@dataclass(kw_only=True, eq=False)
class Receipt:
    """One act of a person."""

    slack: LocalSlack
    deliveries: list[Delivery] = field(
        default_factory=list
    )  #: none where Slack itself refused; two of a mention: mention and message
    message: Message | None = None  #: what they wrote, or what the acknowledgement showed them
    view: View | None = None  #: the modal they submitted
    error: str = ""  #: what Slack shows them, when something went wrong
    errors: dict[str, str] = field(default_factory=dict)  #: of a modal: label -> what is wrong
    sent: bool = True  #: False where Slack sent nothing: a confirmation declined, a form not filled in

    @property
    def acknowledged(self) -> bool:
        return bool(self.deliveries) and all(one.acknowledged for one in self.deliveries)

    @property
    def seconds(self) -> float | None:
        """Until the acknowledgement; the slowest, of several."""
        times = [one.seconds for one in self.deliveries]
        return max((one for one in times if one is not None), default=None) if None not in times else None

    @property
    def answer(self) -> Any:
        """What the acknowledgement brought, or None."""
        return self.deliveries[0].answer if self.deliveries else None

    @property
    def payload(self) -> Json:
        """What was sent to the app."""
        return self.deliveries[0].payload

    @property
    def ts(self) -> str:
        """The timestamp of what they wrote."""
        assert self.message is not None, "nothing was written"
        return self.message.ts

    async def again(self) -> list[Attempt]:
        """Deliver the same once more, as Slack does when an acknowledgement was lost: same payload, new envelope."""
        return [await self.slack.deliveries.once(one, number=len(one.attempts), reason="http_timeout") for one in self.deliveries]
