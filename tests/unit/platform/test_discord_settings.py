"""Whether Discord is configured, and what is mistaken for a bot's token: refused with what it is, and not shown."""

from __future__ import annotations

import base64
import subprocess
import sys

import pytest

from bot.discord import DiscordSettings, discord
from bot.settings import Settings
from core.errors import OperatorError
from tests.unit.docs.documents import ROOT

NAMES = ("DISCORD_TOKEN", "DISCORD_API_URL", "DISCORD_GATEWAY_URL", "NEXUS_DISCORD_MESSAGE_CONTENT")
APPLICATION = "1187654321098765432"
TOKEN = f"{base64.urlsafe_b64encode(APPLICATION.encode()).decode().rstrip('=')}.GhIjKl.{'abc-DEF_' * 4}"


@pytest.fixture(autouse=True)
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def read(**env: str) -> DiscordSettings | None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        return discord(Settings())


def test_without_a_token_there_is_no_discord() -> None:
    assert read() is None
    assert read(DISCORD_API_URL="http://127.0.0.1:1/api", NEXUS_DISCORD_MESSAGE_CONTENT="false") is None
    assert read(DISCORD_TOKEN="  ") is None


@pytest.mark.parametrize("given", [TOKEN, f"  {TOKEN}\n", f"Bot {TOKEN}", f'"{TOKEN}"', f"'Bot {TOKEN}'"])
def test_a_token_is_taken_as_it_is_pasted(given: str) -> None:
    found = read(DISCORD_TOKEN=given)
    assert found is not None
    assert TOKEN == found.token.get_secret_value()
    assert ("https://discord.com/api/v10", "", True) == (found.api_url, found.gateway_url, found.message_content)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (APPLICATION, "an id"),
        ("8f" * 32, "public key"),
        ("AbCdEfGhIjKlMnOpQrStUvWxYz_-0123", "client secret"),
        ("mfa." + "a" * 84, "a person's"),
        ("xoxb-1-2-abc", "one of Slack's"),
        ("https://discord.com/oauth2/authorize?client_id=1", "an address"),
        (TOKEN.replace(".", " . "), "a space"),
        (TOKEN.rpartition(".")[0], "three parts"),
        (TOKEN[3:], "first part"),
        ("hunter2", "three parts"),
    ],
)
def test_what_is_no_token_is_refused_with_what_it_is_and_is_not_shown(given: str, said: str) -> None:
    with pytest.raises(OperatorError, match="DISCORD_TOKEN is no bot token") as refused:
        read(DISCORD_TOKEN=given)
    assert said in refused.value.message
    assert "Bot page" in refused.value.message
    assert given not in refused.value.message


def test_addresses_are_put_in_order_and_what_is_none_is_refused() -> None:
    found = read(DISCORD_TOKEN=TOKEN, DISCORD_API_URL="http://127.0.0.1:1/api/v10/ ", DISCORD_GATEWAY_URL="ws://127.0.0.1:1/")
    assert found is not None
    assert ("http://127.0.0.1:1/api/v10", "ws://127.0.0.1:1") == (found.api_url, found.gateway_url)
    for name, value, scheme in (
        ("DISCORD_API_URL", "discord.com", "https://"),
        ("DISCORD_GATEWAY_URL", "https://x.example", "wss://"),
    ):
        with pytest.raises(OperatorError, match=f"{name} is no address: it begins with {scheme}"):
            read(DISCORD_TOKEN=TOKEN, **{name: value})


def test_the_privileged_intent_can_be_left_out() -> None:
    found = read(DISCORD_TOKEN=TOKEN, NEXUS_DISCORD_MESSAGE_CONTENT="false")
    assert found is not None
    assert not found.message_content


def test_no_secret_is_shown() -> None:
    assert TOKEN not in repr(read(DISCORD_TOKEN=TOKEN))


def test_without_discord_its_sdk_is_not_imported() -> None:
    code = "import sys, bot.cli, bot.program, bot.chats; print([name for name in sys.modules if name.startswith('discord')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()
