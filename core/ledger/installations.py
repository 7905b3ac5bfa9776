"""Installations: the workspaces of chat platforms that have installed Nexus, with their tokens sealed by the vault.

Written by a platform's adapter when somebody installs or removes it, read for every call there, and by `nexus doctor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from core.ledger.ledger import Ledger
from core.ledger.tables import InstallationRow, now
from core.ledger.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One workspace's."""

    platform: str
    workspace: str  #: the platform's id
    name: str
    secrets: Mapping[str, SecretStr] = field(repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict)  #: scopes, ids; nothing secret
    trouble: str = ""  #: why it does not work at the moment, a sentence; empty when it does


class Installations:
    """The record of them."""

    def __init__(self, ledger: Ledger, vault: Vault) -> None:
        self._ledger = ledger
        self._vault = vault

    async def save(
        self,
        platform: str,
        workspace: str,
        *,
        name: str,
        secrets: Mapping[str, SecretStr],
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep it in place of what was known of this workspace; whatever the trouble was, it is over."""
        owner = _owner(platform, workspace)
        values = {
            "name": name,
            "sealed": {key: self._vault.seal(secret, owner=owner, name=key) for key, secret in secrets.items()},
            "facts": dict(facts or {}),
            "trouble": "",
            "updated_at": now(),
        }
        async with self._ledger.transaction() as t:
            await t.session.execute(
                insert(InstallationRow)
                .values(platform=platform, workspace_ref=workspace, created_at=now(), **values)
                .on_conflict_do_update(index_elements=["platform", "workspace_ref"], set_=values)
            )

    async def find(self, platform: str, workspace: str) -> Installation | None:
        """This workspace's, None when it has not installed Nexus."""
        async with self._ledger.reading() as session:
            row = await session.get(InstallationRow, (platform, workspace))
        return None if row is None else self._opened(row)

    async def every(self, platform: str) -> list[Installation]:
        """All of a platform."""
        async with self._ledger.reading() as session:
            rows = await session.scalars(
                select(InstallationRow).where(InstallationRow.platform == platform).order_by(InstallationRow.workspace_ref)
            )
            return [self._opened(row) for row in rows]

    async def remove(self, platform: str, workspace: str) -> None:
        """Forget it, tokens and all."""
        async with self._ledger.transaction() as t:
            await t.session.execute(
                delete(InstallationRow).where(InstallationRow.platform == platform, InstallationRow.workspace_ref == workspace)
            )

    async def trouble(self, platform: str, workspace: str, why: str) -> None:
        """Keep why it does not work; empty when it does again."""
        async with self._ledger.transaction() as t:
            await t.session.execute(
                update(InstallationRow)
                .where(
                    InstallationRow.platform == platform,
                    InstallationRow.workspace_ref == workspace,
                    InstallationRow.trouble != why,
                )
                .values(trouble=why, updated_at=now())
            )

    def _opened(self, row: InstallationRow) -> Installation:
        owner = _owner(row.platform, row.workspace_ref)
        return Installation(
            platform=row.platform,
            workspace=row.workspace_ref,
            name=row.name,
            secrets={key: self._vault.open(str(token), owner=owner, name=key) for key, token in row.sealed.items()},
            facts=row.facts,
            trouble=row.trouble,
        )


def _owner(platform: str, workspace: str) -> str:
    return f"{platform} {workspace}"
