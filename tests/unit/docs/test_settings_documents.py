"""The README's table of settings and ``.env.example`` say what `bot.settings` says."""

from __future__ import annotations

import re

import pytest

from bot.settings import Settings
from tests.unit.docs import settings_documents
from tests.unit.docs.documents import ROOT, text

RENEW = "Renew it with: PYTHONPATH=. .venv/bin/python -m tests.unit.docs.settings_documents"


def test_the_readmes_table_is_the_settings() -> None:
    readme = text(ROOT / "README.md")
    assert readme == settings_documents.readme_with_table(readme), RENEW


def test_the_example_environment_is_the_settings() -> None:
    assert text(ROOT / ".env.example") == settings_documents.env_example(), RENEW


def test_a_copy_of_the_example_with_every_line_uncommented_is_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields.values():
        assert field.alias
        monkeypatch.delenv(field.alias, raising=False)
    defaults = Settings().model_dump()
    lines = [line[1:] for line in text(ROOT / ".env.example").splitlines() if line.startswith("#") and not line.startswith("# ")]
    assert len(lines) == len(Settings.model_fields)
    for line in lines:
        name, _, value = line.partition("=")
        if value:
            monkeypatch.setenv(name, value)
    assert Settings().model_dump() == defaults


def test_what_the_container_sets_are_settings() -> None:
    names = {field.alias for field in Settings.model_fields.values()} | {"NEXUS_VENV"}
    in_compose = re.findall(r"^ +- ([A-Z_]+)(?:=|$)", text(ROOT / "docker-compose.yml"), re.M)
    in_image = re.findall(r"^(?:ENV| {3}) ([A-Z_]+)=", text(ROOT / "Dockerfile"), re.M)
    assert len(in_compose) == 6
    assert len(in_image) == 3
    assert {*in_compose, *in_image} - names == set()


def test_every_setting_is_read_somewhere() -> None:
    sources = "\n".join(text(path) for path in (ROOT / "bot").rglob("*.py") if path.name != "settings.py")
    unread = [name for name in Settings.model_fields if f".{name}" not in sources]
    assert unread == []
