"""What stands before every route of the page: who is it, may this request change something, and how its body is read.

Called by the routes alone. A session cookie counts only for requests that come from the page itself; a bearer token, which no browser
sends by itself, counts for any.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from core import errors as e
from core.words.attachment import MAX_IMAGE_BYTES, Attachment, attachment, check_count
from core.words.inbound import Who

MAX_BODY = 1_000_000  #: bytes

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types nexus"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def wants_json(request: web.Request) -> bool:
    """Whether the client is a program rather than the page."""
    return "application/json" in request.headers.get("Accept", "")


def cookie_name(secure: bool) -> str:
    """With TLS the prefix keeps a sibling host, such as an app that Nexus serves, from setting the cookie."""
    return "__Host-nexus" if secure else "nexus"


def check_same_origin(request: web.Request) -> None:
    """Raises `Forbidden` unless the page itself sent this. A missing answer is a no: every browser says where it comes from."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is None and origin is None:
        raise e.Forbidden("This needs a browser's Origin header, or a bearer token from `nexus token`.")
    if site is not None and site != "same-origin":
        raise e.Forbidden("This was sent by another site, so it was not done.")
    if origin is not None and urlsplit(origin).netloc.lower() != request.host.lower():
        raise e.Forbidden("This was sent by another site, so it was not done.")


async def read_json(request: web.Request) -> object:
    """The body of a state-changing call.

    Raises:
        InvalidInput: not JSON, or not said to be.
        TooLarge: over 1 MB.
    """
    if request.content_type != "application/json":
        raise e.InvalidInput("Send JSON, with Content-Type: application/json.")
    if (request.content_length or 0) > MAX_BODY:
        raise e.TooLarge("That is over 1 MB; send less.")
    body = bytearray()
    async for chunk in request.content.iter_chunked(65_536):
        body += chunk
        if len(body) > MAX_BODY:
            raise e.TooLarge("That is over 1 MB; send less.")
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        raise e.InvalidInput("That is not JSON. Send a JSON object.") from None
    return parsed


async def read_message(request: web.Request) -> tuple[object, list[Attachment]]:
    """The body of a call that may bring files: JSON alone, or a form with the JSON in ``body`` and files in ``file``.

    Raises:
        InvalidInput: neither of these, or a file of a kind that nobody reads.
        TooLarge: too many or too large.
    """
    if request.content_type != "multipart/form-data":
        return await read_json(request), []
    body: object = None
    attachments: list[Attachment] = []
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise e.InvalidInput("A form within a form is not read. Send the files one beside the other.")
            if part.name == "body":
                body = json.loads(await _read_part(part, MAX_BODY))
            elif part.name == "file":
                attachments.append(attachment(part.filename or "", await _read_part(part, MAX_IMAGE_BYTES)))
                check_count(attachments)
            else:
                raise e.InvalidInput(f"The form has a part {str(part.name)[:40]!a}; only body and file are read.")
    except (ValueError, RecursionError, HttpProcessingError) as error:
        raise e.InvalidInput("That form cannot be read. Send it again.") from error
    return body, attachments


async def _read_part(part: BodyPartReader, limit: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(65_536):
        data += chunk
        if len(data) > limit:
            raise e.TooLarge(f"{(part.filename or 'That')[:120]!r} is over {limit // 1_000_000} MB; send less.")
    return bytes(data)


def require(who: Who | None) -> Who:
    """The one who is signed in."""
    if who is None:
        raise e.Unauthenticated("You are not signed in. Run `./nexus signin` for a new link.")
    return who
