"""Settings: one frozen object, read once at the entry point from the environment, passed on, never a global.

Read by the CLI. Every name here is in the README's table and in ``.env.example``, which a test compares.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters.models.defaults import ANTHROPIC_MODEL, COMPATIBLE_MODEL, OPENAI_MODEL


class Settings(BaseSettings):
    """What whoever runs Nexus decides."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    data: str = Field("", alias="NEXUS_DATA", description="The data folder; a per-user one when empty. `--data` wins.")
    port: int = Field(8080, alias="NEXUS_PORT", ge=0, le=65535, description="The port of the page and the apps. `--port` wins.")
    bind: str = Field("", alias="NEXUS_BIND", description="Addresses to listen on, comma-separated; loopback alone when empty.")
    openai_api_key: SecretStr | None = Field(None, alias="OPENAI_API_KEY", description="Turns the OpenAI provider on.")
    openai_base_url: str | None = Field(
        None,
        alias="OPENAI_BASE_URL",
        description="Another server that speaks OpenAI's Responses API; without OPENAI_API_KEY, the server of the compatible provider.",
    )
    openai_model: str = Field(OPENAI_MODEL, alias="OPENAI_MODEL", description="The OpenAI model that writes.")
    anthropic_api_key: SecretStr | None = Field(None, alias="ANTHROPIC_API_KEY", description="Turns the Anthropic provider on.")
    anthropic_base_url: str | None = Field(
        None, alias="ANTHROPIC_BASE_URL", description="Another server that speaks Anthropic's API."
    )
    anthropic_model: str = Field(ANTHROPIC_MODEL, alias="ANTHROPIC_MODEL", description="The Anthropic model that writes.")
    compatible_base_url: str | None = Field(
        None,
        alias="COMPATIBLE_BASE_URL",
        description="Turns the compatible provider on: any server with chat.completions (Ollama, vLLM, llama.cpp), such as "
        "http://127.0.0.1:11434/v1.",
    )
    compatible_api_key: SecretStr | None = Field(None, alias="COMPATIBLE_API_KEY", description="Its key, where it wants one.")
    compatible_model: str = Field(
        COMPATIBLE_MODEL, alias="COMPATIBLE_MODEL", description="The model there that writes; the first it names when empty."
    )
    model_fallback: bool = Field(
        True,
        alias="NEXUS_MODEL_FALLBACK",
        description="Lets another configured provider take over a call when OpenAI or Anthropic is down. The compatible provider hands "
        "nothing over.",
    )
    model_silence: float = Field(
        120.0,
        alias="NEXUS_MODEL_SILENCE",
        ge=1,
        le=900,
        description="Seconds without a word from a model's server after which a call has failed; more for a slow one of your own.",
    )
    sandbox: Literal["", "bubblewrap", "restricted"] = Field(
        "", alias="NEXUS_SANDBOX", description="Allows one kind of sandbox alone; the strongest that works when empty."
    )
    allow_unconfined: bool = Field(
        False,
        alias="NEXUS_ALLOW_UNCONFINED",
        description="Runs a model's code even where no sandbox with walls can be made. For machines that hold nothing else.",
    )
    browser: str = Field(
        "",
        alias="NEXUS_BROWSER",
        description="The Chromium or Chrome that opens an app's pages while it is tried; one on the path when empty.",
    )
    builds: int = Field(2, alias="NEXUS_BUILDS", ge=1, le=64, description="How many builds run at once on this machine.")
    slack_bot_token: SecretStr | None = Field(
        None, alias="SLACK_BOT_TOKEN", description="Turns Slack on in one workspace: the Bot User OAuth Token, `xoxb-…`."
    )
    slack_app_token: SecretStr | None = Field(
        None,
        alias="SLACK_APP_TOKEN",
        description="Reaches Slack by Socket Mode, which needs no address: an app-level token, `xapp-…`, with `connections:write`.",
    )
    slack_signing_secret: SecretStr | None = Field(
        None,
        alias="SLACK_SIGNING_SECRET",
        description="Without SLACK_APP_TOKEN, Slack sends requests that are signed with this to `/slack/events`.",
    )
    slack_client_id: str | None = Field(
        None,
        alias="SLACK_CLIENT_ID",
        description="In place of SLACK_BOT_TOKEN: many workspaces, which install Nexus at `/slack/install`.",
    )
    slack_client_secret: SecretStr | None = Field(None, alias="SLACK_CLIENT_SECRET", description="Its secret.")
    slack_api_url: str = Field(
        "https://slack.com/api/", alias="SLACK_API_URL", description="Another server that speaks Slack's API, sockets included."
    )
    slack_command: str = Field(
        "/nexus", alias="NEXUS_SLACK_COMMAND", description="The slash command, as the app in Slack has it."
    )
    discord_token: SecretStr | None = Field(
        None, alias="DISCORD_TOKEN", description="Turns Discord on: the bot's token, from the Bot page of the developer portal."
    )
    discord_api_url: str = Field(
        "https://discord.com/api/v10", alias="DISCORD_API_URL", description="Another server that speaks Discord's API."
    )
    discord_gateway_url: str = Field(
        "", alias="DISCORD_GATEWAY_URL", description="Its gateway, `wss://…`; the one that the API names when empty."
    )
    discord_message_content: bool = Field(
        True,
        alias="NEXUS_DISCORD_MESSAGE_CONTENT",
        description="Reads replies in threads, which needs the Message Content Intent; with `false`, Nexus works without: by mention, "
        "buttons and commands.",
    )
    chats: bool = Field(
        True,
        alias="NEXUS_CHATS",
        description="Serves chat platforms in the process of `nexus up`; `false` leaves them to processes of `nexus bot`.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", alias="NEXUS_LOG_LEVEL", description="How much Nexus's own log says."
    )
