"""Files that come with a message: read by what they are, refused with a sentence, and handed on with the words."""

from __future__ import annotations

import io
import json

import aiohttp
import pytest

from core.errors import InvalidInput, TooLarge
from core.words.attachment import MAX_ATTACHMENTS, MAX_IMAGE_BYTES, MAX_TEXT_BYTES, Attachment, attachment
from core.words.inbound import Command, Reply
from tests.support.fake_engine import FakeSite

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
KEY = "0123456789abcdef"


def form(files: list[tuple[str, bytes]], *, thread: str | None = None, text: str = "like this") -> aiohttp.FormData:
    data = aiohttp.FormData()
    data.add_field("body", json.dumps({"text": text, "key": KEY, "thread": thread}))
    for name, content in files:
        data.add_field("file", io.BytesIO(content), filename=name, content_type="application/octet-stream")
    return data


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"GIF89a....", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"name,price\nlamp,3\n", "text/plain"),
        ("\ufeffgrüße".encode(), "text/plain"),
    ],
)
def test_the_kind_is_found_in_the_bytes(data: bytes, kind: str) -> None:
    assert attachment("anything.exe", data).media_type == kind


@pytest.mark.parametrize("data", [b"", b"  \n", b"MZ\x90\x00\x03", b"\x00\x01", b"\xff\xfeh\x00i\x00"])
def test_what_is_neither_a_picture_nor_text_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="neither a picture"):
        attachment("x.bin", data)


def test_what_is_too_large_is_refused_by_name() -> None:
    with pytest.raises(TooLarge, match=r"'big\.png' is over 5 MB"):
        attachment("big.png", PNG + bytes(MAX_IMAGE_BYTES))
    with pytest.raises(TooLarge, match=r"'big\.txt' is over 200 kB"):
        attachment("big.txt", b"a" * (MAX_TEXT_BYTES + 1))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\secret\\a.png", "a.png"),
        ("a\u202egnp.exe\n", "agnp.exe"),
        ("", "file"),
        ("x" * 500, "x" * 120),
    ],
)
def test_a_name_is_only_a_name(name: str, shown: str) -> None:
    assert attachment(name, PNG).name == shown


async def test_files_come_with_a_request_and_with_a_reply(site: FakeSite, ada: aiohttp.ClientSession) -> None:
    async with ada.post("/chat/messages", data=form([("sketch.png", PNG), ("notes.md", b"# Notes\n")])) as answer:
        assert answer.status == 200
    async with ada.post("/chat/messages", data=form([("sketch.png", PNG)], thread="thr_todo")) as answer:
        assert answer.status == 200
    command, reply = site.dialogue.seen[-2:]
    assert isinstance(command, Command)
    assert command.text == "build like this"
    assert list(command.attachments) == [
        Attachment(name="sketch.png", media_type="image/png", data=PNG),
        Attachment(name="notes.md", media_type="text/plain", data=b"# Notes\n"),
    ]
    assert isinstance(reply, Reply)
    assert [one.name for one in reply.attachments] == ["sketch.png"]


@pytest.mark.parametrize(
    ("files", "status", "said"),
    [
        ([("a.exe", b"MZ\x00")], 422, "neither a picture"),
        ([(f"{n}.png", PNG) for n in range(MAX_ATTACHMENTS + 1)], 413, "at most 5"),
        ([("big.png", PNG + bytes(MAX_IMAGE_BYTES))], 413, "over 5 MB"),
    ],
    ids=["kind", "many", "large"],
)
async def test_a_file_that_cannot_be_used_is_refused_and_nothing_is_begun(
    site: FakeSite, ada: aiohttp.ClientSession, files: list[tuple[str, bytes]], status: int, said: str
) -> None:
    async with ada.post("/chat/messages", data=form(files)) as answer:
        assert answer.status in {status, 400}
        assert said in (await answer.json(content_type=None))["detail"]
    assert site.dialogue.seen == []


async def test_a_form_of_another_site_brings_nothing(site: FakeSite, ada: aiohttp.ClientSession) -> None:
    headers = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    async with ada.post("/chat/messages", data=form([("a.png", PNG)]), headers=headers) as answer:
        assert answer.status == 403
    assert site.dialogue.seen == []


async def test_a_broken_form_is_refused_with_a_sentence(ada: aiohttp.ClientSession) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    for data in (b"", b"--x\r\nnonsense", b'--x\r\nContent-Disposition: form-data; name="body"\r\n\r\n{\r\n--x--\r\n'):
        async with ada.post("/chat/messages", data=data, headers=headers) as answer:
            assert 400 <= answer.status < 500
            assert (await answer.json(content_type=None))["detail"]
