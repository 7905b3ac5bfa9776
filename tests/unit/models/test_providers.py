"""Which providers the settings configure: what OPENAI_BASE_URL means with a key, and what without one."""

from __future__ import annotations

import pytest

from bot.providers import configured
from bot.settings import Settings

URL = "http://127.0.0.1:11434/v1"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI", "ANTHROPIC", "COMPATIBLE"):
        for end in ("API_KEY", "BASE_URL", "MODEL"):
            monkeypatch.delenv(f"{name}_{end}", raising=False)


def found(monkeypatch: pytest.MonkeyPatch, **env: str) -> list[tuple[str, str, str, bool]]:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return [(one.name, one.model, one.host, one.key is not None) for one in configured(Settings())]


def test_nothing_is_configured_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, OPENAI_API_KEY="", ANTHROPIC_API_KEY=" ", OPENAI_BASE_URL="") == []


def test_a_key_turns_a_vendor_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, OPENAI_API_KEY="k", ANTHROPIC_API_KEY="k", ANTHROPIC_MODEL="claude-x") == [
        ("openai", "gpt-6.2-sol", "api.openai.com", True),
        ("anthropic", "claude-x", "api.anthropic.com", True),
    ]


def test_with_a_key_openais_address_is_a_server_that_speaks_the_responses_api(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, OPENAI_API_KEY="k", OPENAI_BASE_URL=URL, OPENAI_MODEL="m") == [
        ("openai", "m", "127.0.0.1:11434", True)
    ]


def test_without_a_key_openais_address_is_a_server_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, OPENAI_BASE_URL=URL) == [("compatible", "", "127.0.0.1:11434", False)]
    assert found(monkeypatch, OPENAI_MODEL="qwen") == [("compatible", "qwen", "127.0.0.1:11434", False)]
    assert found(monkeypatch, COMPATIBLE_MODEL="llama") == [("compatible", "llama", "127.0.0.1:11434", False)]


def test_both_can_be_configured_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"COMPATIBLE_BASE_URL": "http://gpu:8000/v1", "COMPATIBLE_API_KEY": "c", "COMPATIBLE_MODEL": "qwen"}
    assert found(monkeypatch, OPENAI_API_KEY="k", OPENAI_BASE_URL=URL, **own) == [
        ("openai", "gpt-6.2-sol", "127.0.0.1:11434", True),
        ("compatible", "qwen", "gpu:8000", True),
    ]


def test_an_address_is_told_without_what_signs_in_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, COMPATIBLE_BASE_URL="https://me:secret@models.example/v1") == [
        ("compatible", "", "models.example", False)
    ]
