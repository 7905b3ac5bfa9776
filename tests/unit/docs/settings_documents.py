"""The settings as the README's table and as ``.env.example``, made from `bot.settings`.

The tests compare; ``python -m tests.unit.docs.settings_documents`` at the top level writes both anew.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

from pydantic.fields import FieldInfo

from bot.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
BEGIN, END = "<!-- settings: made from bot/settings.py -->\n", "<!-- /settings -->\n"

_HEADER = """\
# Every setting of Nexus, with its default. Nexus reads its environment and no file; to use a copy of this one:
#     cp .env.example .env && set -a && . ./.env && set +a && ./nexus up
# Made from bot/settings.py, which a test compares.
"""


def _name(field: FieldInfo) -> str:
    assert field.alias, "every setting has a name of its own"
    return field.alias


def _default(field: FieldInfo) -> str:
    value = field.default
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _description(field: FieldInfo) -> str:
    assert field.description, f"{field.alias} says what it is for"
    return field.description


def table() -> str:
    """The README's table."""
    rows = ["| setting | default | what it does |", "|---|---|---|"]
    for field in Settings.model_fields.values():
        default = f"`{_default(field)}`" if _default(field) else ""
        rows.append(f"| `{_name(field)}` | {default} | {_description(field)} |")
    return "\n".join(rows) + "\n"


def env_example() -> str:
    """The whole of ``.env.example``: every setting is commented out, so that a copy changes nothing."""
    parts = [_HEADER]
    for field in Settings.model_fields.values():
        parts.append(textwrap.fill(_description(field), 118, initial_indent="# ", subsequent_indent="# "))
        parts.append(f"#{_name(field)}={_default(field)}\n")
    return "\n".join(parts)


def readme_with_table(readme: str) -> str:
    """The README with the table as it should be."""
    before, rest = readme.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    (ROOT / ".env.example").write_text(env_example(), encoding="utf-8")
    _readme = ROOT / "README.md"
    _readme.write_text(readme_with_table(_readme.read_text(encoding="utf-8")), encoding="utf-8")
