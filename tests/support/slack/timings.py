"""How long things last in Slack. The defaults are Slack's own; a test gives shorter ones where it must wait for them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Seconds, unless said otherwise."""

    ack: float = 3.0  #: to acknowledge an event, a command, an interaction
    retries: tuple[float, ...] = (0.0, 60.0, 300.0)  #: pauses before an event is delivered again
    trigger: float = 3.0  #: life of a trigger_id
    response_url: float = 1800.0  #: life of a response_url
    response_url_posts: int = 5
    stream_idle: float = 30.0  #: a stream without an append is closed; reported, not documented
    stream_life: float = 300.0  #: a stream is closed after this in any case; reported, not documented
    code: float = 600.0  #: life of an OAuth code
    socket_ticket: float = 30.0  #: life of an unused socket URL
