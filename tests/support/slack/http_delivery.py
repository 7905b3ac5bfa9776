"""Signed HTTP: events, commands and interactions posted to the app's request URL."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
import urllib.parse
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.support.slack.deliveries import Attempt, Delivery
from tests.support.slack.state import Json

if TYPE_CHECKING:
    from tests.support.slack.server import LocalSlack


def sign(secret: str, body: bytes, timestamp: str) -> str:
    """The value of X-Slack-Signature."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()


class HttpDelivery:
    """The way to an app that has a request URL; one URL for everything, as a test gives it."""

    def __init__(self, slack: LocalSlack, url: str) -> None:
        self._slack = slack
        self.url = url
        self.secret = slack.signing_secret  #: what requests are signed with; a test may sign with another
        self.timestamp_offset = 0  #: seconds; a test may send old requests

    def headers(self, body: bytes, content_type: str) -> dict[str, str]:
        timestamp = str(int(time.time()) + self.timestamp_offset)
        return {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(self.secret, body, timestamp),
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        }

    async def post(self, body: bytes, content_type: str, extra: dict[str, str] | None = None) -> tuple[int, str]:
        """Post something signed; the status and the body of the answer."""
        headers = self.headers(body, content_type) | (extra or {})
        async with self._slack.client().post(self.url, data=body, headers=headers) as response:
            return response.status, await response.text()

    async def verify_url(self) -> bool:
        """What happens when the URL is entered in the app's settings: the challenge must come back."""
        challenge = hashlib.sha256(str(time.time()).encode()).hexdigest()
        body = json.dumps({"token": self._slack.verification_token, "challenge": challenge, "type": "url_verification"}).encode()
        status, text = await self.post(body, "application/json")
        return status == 200 and challenge in text

    async def deliver(self, delivery: Delivery, attempt: Attempt) -> None:
        """`Way`: one request."""
        attempt.via = "http"
        extra = {"X-Slack-Retry-Num": str(attempt.number), "X-Slack-Retry-Reason": attempt.reason} if attempt.number else {}
        body, content_type = encoded(delivery)
        since = self._slack.clock.now()
        posting = asyncio.create_task(self.post(body, content_type, extra))
        deadline = asyncio.create_task(self._slack.clock.sleep(self._slack.timings.ack))
        try:
            await asyncio.wait({posting, deadline}, return_when=asyncio.FIRST_COMPLETED)
            if not posting.done():
                attempt.failure = "timeout"
                return
            try:
                status, text = posting.result()
            except aiohttp.ClientError:
                attempt.failure = "no connection"
                return
        finally:
            deadline.cancel()
            posting.cancel()
            await asyncio.gather(posting, deadline, return_exceptions=True)
        attempt.seconds = self._slack.clock.now() - since
        if 200 <= status < 300:
            attempt.acknowledged, attempt.answer = True, _answer(text)
        else:
            attempt.failure = f"http {status}"


def encoded(delivery: Delivery) -> tuple[bytes, str]:
    """The body of the request and its content type."""
    if delivery.kind == "events_api":
        return json.dumps(delivery.payload).encode(), "application/json"
    fields: Json = delivery.payload
    if delivery.kind == "interactive":
        fields = {"payload": json.dumps(delivery.payload)}
    return urllib.parse.urlencode(fields).encode(), "application/x-www-form-urlencoded"


def _answer(text: str) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text
