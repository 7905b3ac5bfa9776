"""A process that serves chats alone says at once what it lacks, before it waits for a Nexus."""

from __future__ import annotations

import pytest

from bot.chats import discord_invitation, findings, serve
from bot.doctor import Outcome
from bot.platform.data_folder import DataFolder
from bot.settings import Settings
from core.errors import OperatorError

SLACK = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET")
TOKEN = "MTE4NzY1NDMyMTA5ODc2NTQzMg.GhIjKl.abc-DEF_abc-DEF_abc-DEF_"


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({}, "No chat platform is configured"),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "half configured"),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "0" * 32}, "--port"),
        ({"DISCORD_TOKEN": "hunter2"}, "DISCORD_TOKEN is no bot token"),
        ({"DISCORD_TOKEN": TOKEN, "SLACK_BOT_TOKEN": "xoxb-1"}, "half configured"),
        ({"DISCORD_TOKEN": TOKEN, "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "0" * 32}, "--port"),
    ],
)
async def test_what_is_missing_is_said(data: DataFolder, monkeypatch: pytest.MonkeyPatch, env: dict[str, str], said: str) -> None:
    for name in (*SLACK, "DISCORD_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(OperatorError, match=said):
        await serve(Settings(), data, port=None, tell=lambda _: None)


async def test_the_doctor_is_told_what_is_configured_wrongly_by_platform(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SLACK:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("DISCORD_TOKEN", "hunter2")
    found = await findings(Settings(), lambda: data)

    assert [("slack", Outcome.FAIL), ("discord", Outcome.FAIL)] == [(one.name, one.outcome) for one in found]
    assert ["SLACK_APP_TOKEN" in found[0].remedy, "Bot page" in found[1].remedy] == [True, True]


async def test_without_a_platform_the_doctor_is_told_nothing_of_chats(data: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SLACK, "DISCORD_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert [] == await findings(Settings(), lambda: data)


async def test_an_invitation_needs_a_token_or_an_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    with pytest.raises(OperatorError, match="--application"):
        await discord_invitation(Settings(), application="", guild="")
    assert "client_id=1187654321098765432" in await discord_invitation(Settings(), application="1187654321098765432", guild="")
