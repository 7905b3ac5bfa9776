"""A local Discord for tests: `LocalDiscord` on a free port, spoken to by the real discord.py, and `DiscordUser` for what people do.

discord.py is pointed at it by ``discord.http.Route.BASE = server.api_url`` and ``DiscordWebSocket.DEFAULT_GATEWAY =
yarl.URL(server.gateway_url)``; links to files lead to it by themselves, except of avatars, which nobody has.
"""

from __future__ import annotations

from tests.support.discord.faults import Fault as Fault
from tests.support.discord.forms import value_of as value_of
from tests.support.discord.guilds import LocalGuild as LocalGuild
from tests.support.discord.limits import Limits as Limits
from tests.support.discord.receipts import Receipt as Receipt
from tests.support.discord.rendering import labels as labels
from tests.support.discord.rendering import render_text as render_text
from tests.support.discord.server import LocalDiscord as LocalDiscord
from tests.support.discord.state import Channel as Channel
from tests.support.discord.state import Message as Message
from tests.support.discord.state import Modal as Modal
from tests.support.discord.timings import Timings as Timings
from tests.support.discord.users import DiscordUser as DiscordUser
