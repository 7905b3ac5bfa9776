"""Bearer tokens of the API: JWTs signed with a key of the data folder.

Issued by ``nexus token``, read by the API's and the page's authentication. A token names its subject (a user of the local workspace), when
it expires and what it may do; a token of another Nexus is signed with another key and is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from core.errors import Unauthenticated

ISSUER = "nexus"
AUDIENCE = "nexus-api"
SCOPES = ("read", "build", "deploy", "manage")
LIFE = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token says."""

    subject: str
    scopes: frozenset[str]


class Tokens:
    """Issues and reads tokens. ``key`` is 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, subject: str, *, scopes: Sequence[str] = SCOPES, life: timedelta = LIFE) -> str:
        """A token for this user."""
        now = datetime.now(UTC)
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "scope": " ".join(scopes), "iat": now, "exp": now + life}
        return jwt.encode(claims, self._key, algorithm="HS256")

    def read(self, token: str) -> Claims:
        """What it says.

        Raises:
            Unauthenticated: expired, of another Nexus, or no token at all; the message names the next action.
        """
        try:
            found = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("The token has expired; make a new one with `nexus token USER`.") from error
        except jwt.InvalidTokenError as error:
            raise Unauthenticated("The token is not valid here; make one with `nexus token USER` on this Nexus.") from error
        return Claims(subject=str(found["sub"]), scopes=frozenset(str(found.get("scope", "")).split()))
