"""A process that serves chats alone says at once what it lacks, before it waits for a Nexus."""

from __future__ import annotations

import pytest

from bot.chats import serve
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
