"""An attachment: a picture or a text file that somebody sent along with their words.

Made by each adapter where a file comes in, kept with the build, shown to the model as context. Its kind is found in its bytes, never
believed from its name or from what a client says it is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import InvalidInput, TooLarge

MAX_ATTACHMENTS = 5
MAX_IMAGE_BYTES = 5_000_000  #: what both vendors take
MAX_TEXT_BYTES = 200_000
_MAX_NAME = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """Made by `attachment`. Untrusted data."""

    name: str
    media_type: str  #: "image/png", "image/jpeg", "image/webp", "image/gif", or "text/plain" for every kind of text
    data: bytes

    @property
    def is_image(self) -> bool:
        return self.media_type.startswith("image/")


def attachment(name: str, data: bytes) -> Attachment:
    """The attachment of these bytes.

    Raises:
        InvalidInput: neither a picture that models take nor text.
        TooLarge: a picture over 5 MB, or a text over 200 kB.
    """
    shown = _shown(name)
    kind = _image_kind(data)
    if kind is not None:
        if len(data) > MAX_IMAGE_BYTES:
            raise TooLarge(f"The picture {shown!r} is over {MAX_IMAGE_BYTES // 1_000_000} MB; send a smaller one.")
        return Attachment(name=shown, media_type=kind, data=data)
    if len(data) > MAX_TEXT_BYTES:
        raise TooLarge(f"The file {shown!r} is over {MAX_TEXT_BYTES // 1000} kB; send the part that matters.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if not text.strip() or "\0" in text:
        raise InvalidInput(
            f"The file {shown!r} is neither a picture (PNG, JPEG, WebP, GIF) nor text in UTF-8; send one of these."
        )
    return Attachment(name=shown, media_type="text/plain", data=text.encode())


def check_count(attachments: Sequence[Attachment]) -> None:
    """Refuse more than `MAX_ATTACHMENTS`.

    Raises:
        TooLarge: there are more.
    """
    if len(attachments) > MAX_ATTACHMENTS:
        raise TooLarge(f"Those are {len(attachments)} files; at most {MAX_ATTACHMENTS} go with one request.")


def _image_kind(data: bytes) -> str | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def _shown(name: str) -> str:
    """A name without folders and without characters that nobody sees."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    seen = "".join(c for c in last if unicodedata.category(c)[0] not in "CZ" or c == " ").strip()
    return seen[:_MAX_NAME] or "file"
