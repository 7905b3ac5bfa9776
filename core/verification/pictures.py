"""Pictures of apps: bytes that came out of a sandbox, found to be a PNG or a JPEG of a bounded size, or refused.

Made by browsers, kept by the ledger, served by the page. Only the header is read; nothing here decodes what an app may have drawn, and
what a picture is called or said to be is never believed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from core.errors import InvalidInput
from core.ids import Digest

MAX_BYTES = 400_000
MAX_SIDE = 4_000  #: pixels

MediaType = Literal["image/png", "image/jpeg"]

_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_JPEG_SIZES = frozenset({0xC0, 0xC1, 0xC2})  # the segments that tell the size: baseline, extended, progressive


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Made by `picture_of`."""

    content: bytes
    media_type: MediaType
    width: int
    height: int

    @property
    def digest(self) -> Digest:
        return Digest("sha256:" + hashlib.sha256(self.content).hexdigest())


def picture_of(content: bytes) -> Picture:
    """The picture that these bytes are.

    Raises:
        InvalidInput: neither a PNG nor a JPEG, or larger than may be.
    """
    if len(content) > MAX_BYTES:
        raise InvalidInput(f"The picture has more than {MAX_BYTES // 1000} kB.")
    media_type: MediaType
    if content.startswith(_PNG) and len(content) >= 33:
        media_type = "image/png"
        width, height = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    else:
        media_type = "image/jpeg"
        width, height = _jpeg_size(content)
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise InvalidInput("That is no picture of a page: not a PNG or JPEG, or of an impossible size.")
    return Picture(content=content, media_type=media_type, width=width, height=height)


def _jpeg_size(content: bytes) -> tuple[int, int]:
    if not content.startswith(b"\xff\xd8\xff"):
        return 0, 0
    place = 2
    while place + 9 <= len(content) and content[place] == 0xFF:
        kind, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        if kind in _JPEG_SIZES:
            height, width = content[place + 5 : place + 7], content[place + 7 : place + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        if length < 2:
            break
        place += 2 + length
    return 0, 0
