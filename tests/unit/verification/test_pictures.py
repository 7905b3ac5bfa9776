"""A picture is told by its bytes: its kind, its size; and everything else is refused."""

from __future__ import annotations

import struct

import pytest

from core.errors import InvalidInput
from core.verification.fake_browser import PNG
from core.verification.pictures import MAX_BYTES, picture_of


def jpeg(width: int, height: int, *, before: bytes = b"\xff\xe0\x00\x04JF") -> bytes:
    return b"\xff\xd8" + before + b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + bytes(10)


def png(width: int, height: int) -> bytes:
    return PNG.replace(struct.pack(">II", 1280, 800), struct.pack(">II", width, height))


def test_a_png_tells_its_size() -> None:
    picture = picture_of(png(640, 480) + b"whatever follows")
    assert (picture.media_type, picture.width, picture.height) == ("image/png", 640, 480)


def test_a_jpeg_tells_its_size_behind_other_segments() -> None:
    picture = picture_of(jpeg(640, 480))
    assert (picture.media_type, picture.width, picture.height) == ("image/jpeg", 640, 480)


def test_the_same_bytes_have_the_same_digest() -> None:
    assert picture_of(png(2, 2)).digest == picture_of(png(2, 2)).digest != picture_of(png(2, 3)).digest


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg onload=alert(1)>",
        b"GIF89a" + bytes(100),
        PNG[:20],
        png(0, 800),
        png(1280, 100_000),
        PNG + bytes(MAX_BYTES),
        jpeg(0, 10),
        b"\xff\xd8\xff\xe0\x00\x00" + bytes(50),
        b"\xff\xd8\xff\xe0\xff\xff",
        b"\xff\xd8\xff\xe0\x00\x04JF<html>",
    ],
)
def test_what_is_no_picture_of_a_page_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        picture_of(content)
