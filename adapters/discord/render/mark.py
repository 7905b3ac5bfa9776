"""The mark by which a message of Nexus's is found again in a channel's history.

Written by `adapters.discord.outbound` and `adapters.discord.notes` as the ``id`` of the container at the top of a message, and looked
for by `adapters.discord.finding`. It is made of the key alone, so that every process makes the same.
"""

from __future__ import annotations

import hashlib

_FEWEST = 1000  #: below are the ids that Discord itself gives to components without one
_MOST = 2**31 - 1
QUESTION = "question"  #: the key of every question whether somebody is sure


def mark(key: str) -> int:
    """A positive 32-bit integer."""
    number = int.from_bytes(hashlib.sha256(key.encode(errors="surrogatepass")).digest()[:8], "big")
    return _FEWEST + number % (_MOST - _FEWEST)
