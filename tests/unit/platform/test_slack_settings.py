"""Whether Slack is configured: wholly, not at all, or by half, which is refused with what is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bot.settings import Settings
from bot.slack import SlackSettings, slack
from core.errors import OperatorError
from tests.unit.docs.documents import ROOT

NAMES = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_API_URL")
BOT, APP, SIGNING = {"SLACK_BOT_TOKEN": "xoxb-1"}, {"SLACK_APP_TOKEN": "xapp-1"}, {"SLACK_SIGNING_SECRET": "0" * 32}
CLIENT = {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "secret"}


@pytest.fixture(autouse=True)
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*NAMES, "NEXUS_SLACK_COMMAND"):
        monkeypatch.delenv(name, raising=False)


def read(**env: str) -> SlackSettings | None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        return slack(Settings())


def test_without_any_of_them_there_is_no_slack() -> None:
    assert read() is None
    assert read(SLACK_API_URL="http://127.0.0.1:1/api", NEXUS_SLACK_COMMAND="/apps") is None
    assert read(SLACK_BOT_TOKEN=" ", SLACK_APP_TOKEN="") is None


@pytest.mark.parametrize(
    ("env", "sockets", "many"),
    [
        ({**BOT, **APP}, True, False),
        ({**BOT, **SIGNING}, False, False),
        ({**BOT, **APP, **SIGNING}, True, False),
        ({**CLIENT, **SIGNING}, False, True),
        ({**CLIENT, **APP}, True, True),
    ],
)
def test_the_mode_is_what_is_set(env: dict[str, str], sockets: bool, many: bool) -> None:
    found = read(**env)
    assert found is not None
    assert (sockets, many) == (found.sockets, found.many)


@pytest.mark.parametrize(
    ("env", "missing"),
    [
        (BOT, ["SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"]),
        (APP, ["SLACK_BOT_TOKEN"]),
        (SIGNING, ["SLACK_BOT_TOKEN", "SLACK_CLIENT_ID"]),
        ({"SLACK_CLIENT_ID": "1.2", **APP}, ["SLACK_CLIENT_SECRET"]),
        ({"SLACK_CLIENT_SECRET": "x", **APP}, ["SLACK_CLIENT_ID"]),
        (CLIENT, ["SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"]),
    ],
)
def test_half_of_it_is_refused_with_what_is_missing(env: dict[str, str], missing: list[str]) -> None:
    with pytest.raises(OperatorError, match="half configured") as refused:
        read(**env)
    told = refused.value.message.partition("as well")[0]
    assert all(name in told for name in missing)
    assert not any(f"set {name}" in told for name in env)


def test_two_ways_at_once_are_refused() -> None:
    with pytest.raises(OperatorError, match="one or the others"):
        read(**BOT, **APP, **CLIENT)


def test_tokens_that_were_mixed_up_are_named_and_not_shown() -> None:
    for env, name in (
        ({"SLACK_BOT_TOKEN": "xapp-9", **APP}, "SLACK_BOT_TOKEN"),
        ({"SLACK_BOT_TOKEN": "xoxp-9", **APP}, "SLACK_BOT_TOKEN"),
        ({**BOT, "SLACK_APP_TOKEN": "xoxb-9"}, "SLACK_APP_TOKEN"),
    ):
        with pytest.raises(OperatorError, match=f"^{name}") as refused:
            read(**env)
        assert "-9" not in refused.value.message


def test_addresses_and_commands_are_put_in_order() -> None:
    found = read(**BOT, **APP, SLACK_API_URL="http://127.0.0.1:1/api", NEXUS_SLACK_COMMAND="apps")
    assert found is not None
    assert ("http://127.0.0.1:1/api/", "/apps") == (found.api_url, found.command)


def test_no_secret_is_shown() -> None:
    assert all(secret not in repr(read(**CLIENT, **SIGNING)) for secret in ("secret", "0" * 32))


def test_without_slack_its_sdk_is_not_imported() -> None:
    code = "import sys, bot.cli, bot.program, bot.chats; print([name for name in sys.modules if name.startswith('slack_')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()
