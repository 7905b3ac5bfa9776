"""Whether and how Slack is configured: read out of the settings, in one place.

Asked by the wiring, which constructs Slack's adapters, and by the CLI. It asks nobody whether a token is good; `nexus doctor` does. Half a
configuration is refused with what is missing, since a Nexus that silently stays away from Slack is hard to understand.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import SecretStr

from bot.settings import Settings
from core.errors import OperatorError

GUIDE = "docs/slack.md says where each is found."


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSettings:
    """A whole configuration."""

    bot_token: SecretStr | None = field(repr=False)  #: None: many workspaces
    app_token: SecretStr | None = field(repr=False)  #: None: signed requests
    signing_secret: SecretStr | None = field(repr=False)
    client_id: str = ""
    client_secret: SecretStr | None = field(default=None, repr=False)
    api_url: str
    command: str

    @property
    def sockets(self) -> bool:
        """Socket Mode, which needs no address of one's own."""
        return self.app_token is not None

    @property
    def many(self) -> bool:
        """Workspaces install Nexus by themselves."""
        return self.bot_token is None


def slack(settings: Settings) -> SlackSettings | None:
    """How Slack is configured; None when it is not.

    Raises:
        OperatorError: half of it, or two ways at once, is.
    """
    bot, app, signing = _set(settings.slack_bot_token), _set(settings.slack_app_token), _set(settings.slack_signing_secret)
    client_id, client_secret = (settings.slack_client_id or "").strip(), _set(settings.slack_client_secret)
    if not (bot or app or signing or client_id or client_secret):
        return None
    missing = []
    if bot is None and not (client_id and client_secret):
        if client_id or client_secret:
            missing.append("SLACK_CLIENT_SECRET" if client_id else "SLACK_CLIENT_ID")
        else:
            missing.append("SLACK_BOT_TOKEN (or SLACK_CLIENT_ID and SLACK_CLIENT_SECRET, for many workspaces)")
    if app is None and signing is None:
        missing.append("SLACK_APP_TOKEN for Socket Mode (or SLACK_SIGNING_SECRET for signed requests)")
    if missing:
        raise OperatorError(f"Slack is half configured: set {' and '.join(missing)} as well, or none of Slack's. {GUIDE}")
    if bot is not None and (client_id or client_secret):
        raise OperatorError(
            "SLACK_BOT_TOKEN is for one workspace, SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are for many: set one or the others. "
            + GUIDE
        )
    if bot is not None and not bot.get_secret_value().startswith("xoxb-"):
        raise OperatorError("SLACK_BOT_TOKEN is no bot token: it begins with xoxb-. " + GUIDE)
    if app is not None and not app.get_secret_value().startswith("xapp-"):
        raise OperatorError("SLACK_APP_TOKEN is no app-level token: it begins with xapp-. " + GUIDE)
    return SlackSettings(
        bot_token=bot,
        app_token=app,
        signing_secret=signing,
        client_id=client_id,
        client_secret=client_secret,
        api_url=settings.slack_api_url.strip().rstrip("/") + "/",
        command="/" + settings.slack_command.strip().removeprefix("/"),
    )


def _set(secret: SecretStr | None) -> SecretStr | None:
    value = secret.get_secret_value().strip() if secret is not None else ""
    return SecretStr(value) if value else None
