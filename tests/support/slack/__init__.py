"""A local Slack for tests: `LocalSlack` on a free port, spoken to by the real SDK, and `SlackUser` for what people do."""

from __future__ import annotations

from tests.support.slack.limits import Limits as Limits
from tests.support.slack.receipts import Receipt as Receipt
from tests.support.slack.rendering import mentions as mentions
from tests.support.slack.rendering import render_text as render_text
from tests.support.slack.server import LocalSlack as LocalSlack
from tests.support.slack.state import Message as Message
from tests.support.slack.state import View as View
from tests.support.slack.timings import Timings as Timings
from tests.support.slack.users import SlackUser as SlackUser
