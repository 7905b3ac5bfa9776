"""Passwords are kept as scrypt hashes, each with a salt and its parameters: scrypt$N$r$p$salt$hash."""

import asyncio
import hashlib
import hmac
import os
import unicodedata
from base64 import b64decode, b64encode

SHORTEST = 10
LONGEST = 200
N, R, P = 16_384, 8, 5  # 16 MB; what OWASP recommends for this much memory

at_once = asyncio.Semaphore(2)  # the rest of the app goes on meanwhile


def acceptable(password: str) -> str:
    """A new password, or a sentence about what is wrong with it."""
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise ValueError("That text has characters that cannot be kept.")
    if len(password) < SHORTEST:
        raise ValueError(f"Use at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise ValueError(f"Use at most {LONGEST} characters.")
    return password


async def hashed(password: str) -> str:
    salt = os.urandom(16)
    return _written(salt, await _derive(password, salt, N, R, P))


async def matches(password: str, hash: str | None) -> bool:
    """Whether this is the password. Without a hash, as for an address that nobody has, it takes as long and says no."""
    _, n, r, p, salt, expected = (hash or _NOBODY).split("$")
    key = await _derive(password, b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(key, b64decode(expected)) and hash is not None


async def _derive(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    # The same characters typed on another keyboard give the same bytes.
    typed = unicodedata.normalize("NFKC", password).encode()
    async with at_once:
        return await asyncio.to_thread(hashlib.scrypt, typed, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=32)


def _written(salt: bytes, key: bytes) -> str:
    return f"scrypt${N}${R}${P}${b64encode(salt).decode()}${b64encode(key).decode()}"


_NOBODY = _written(os.urandom(16), os.urandom(32))  # no password has this hash
