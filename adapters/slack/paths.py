"""The paths below which Slack reaches Nexus. Known to the routes, to the installation flow and to the manifest."""

from __future__ import annotations

from typing import Final

EVENTS: Final = "/slack/events"  #: events, commands, shortcuts, buttons and forms alike
INSTALL: Final = "/slack/install"
OAUTH_REDIRECT: Final = "/slack/oauth_redirect"
