"""The guide says of permissions and settings what the code says."""

from __future__ import annotations

import re

from adapters.discord.manifest import PERMISSIONS
from adapters.discord.permissions import label
from bot.settings import Settings
from tests.unit.docs.documents import ROOT, text

GUIDE = text(ROOT / "docs" / "discord.md")


def section(heading: str) -> str:
    return GUIDE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_each_permission_stands_there_with_what_it_is_for() -> None:
    rows = re.findall(r"^\| ([A-Z].+?) \| (.+) \|$", section("What the bot may do, and why"), re.M)
    assert [(label(name), why) for name, why in PERMISSIONS.items()] == rows


def test_each_setting_of_discord_stands_there() -> None:
    named = set(re.findall(r"^\| `([A-Z_]+)` \|", section("Settings"), re.M))
    assert {field.alias for field in Settings.model_fields.values() if "DISCORD" in str(field.alias)} <= named
