"""The Prober port: one HTTP request to an address, and what came back.

Called by try-outs, by a deployment's health check and by its probe through the proxy. It asks; what is a good answer is for the caller
to say. The answer comes from an app and is untrusted.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.hosting.host import Address

MAX_BODY = 64 * 1024  #: bytes of an answer that are read


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeAnswer:
    """What came back. ``headers`` have lower-case names; ``cookies`` are those that it set; ``body`` is at most 64 KiB, decompressed."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: it is not, or it is longer than what was read.
        """
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deeply") from None


class Prober(ABC):
    """Asks.

    The contract: it follows no redirect, keeps no cookie and no connection, honours no proxy setting, reads at most 64 KiB, and ends within
    ``timeout`` seconds, however slowly the other side answers.
    """

    @abstractmethod
    async def request(
        self,
        address: Address,
        method: str,
        path: str,
        *,
        host_header: str,
        json: Any = None,
        cookies: Mapping[str, str] | None = None,
        timeout: float = 10.0,
    ) -> ProbeAnswer:
        """Send one request; ``path`` starts with a slash and may have a query; ``json`` becomes the body.

        Raises:
            NotHealthy: there is no answer: refused, timed out, cut off, or not HTTP.
        """
