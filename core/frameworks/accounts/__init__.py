"""The tables of accounts, the same for every framework that brings "authentication": kept once, laid into each scaffold's migrations."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path

from core.words.plan import Feature

MIGRATION = "migrations/0000_authentication.sql"  #: before the app's own, which may refer to its tables


def account_tables(features: Collection[Feature]) -> dict[str, str]:
    """The migration, where the features ask for accounts."""
    return {MIGRATION: _sql()} if "authentication" in features else {}


@cache
def _sql() -> str:
    return Path(__file__).with_name("0000_authentication.sql").read_text(encoding="utf-8")
