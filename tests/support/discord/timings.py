"""How long things last in Discord. The defaults are Discord's own; a test gives shorter ones where it must wait for them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Seconds, unless said otherwise."""

    ack: float = 3.0  #: to answer an interaction the first time
    token: float = 900.0  #: life of an interaction's token
    nonce: float = 300.0  #: how long a nonce is remembered
    link: float = 86_400.0  #: life of a link to a file
    heartbeat: float = 41.25  #: between heartbeats
    session: float = 300.0  #: how long a session that lost its connection can be resumed
    followups: int = 5  #: messages of an app that is only user-installed, per interaction
