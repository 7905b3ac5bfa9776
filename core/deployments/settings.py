"""An app's settings: versions of sealed values, applied by a deployment.

Called by the engine's face (change), by rollback (an older version comes back) and by deployments (the environment of an instance).
Values are write-only: nothing but an instance ever sees one again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import InvalidInput, TooLarge
from core.ledger.ledger import Transaction
from core.ledger.tables import App, Deployment, SettingsVersion
from core.ledger.vault import Vault
from core.words.events import SettingsChanged
from core.words.inbound import Who

MAX_SETTINGS = 60
MAX_VALUE = 16_000  #: characters
PLATFORM_NAMES = frozenset(
    {"DATABASE_URL", "PLATFORM_API_URL", "HOST", "PORT", "NEXUS_SOCKET", "PATH", "HOME", "LANG", "TMPDIR", "LD_PRELOAD", "LD_LIBRARY_PATH",
     "NODE_OPTIONS", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"}
)  # fmt: skip


def check_names(names: Sequence[str]) -> None:
    """Refuse names that no environment takes or that the platform sets.

    Raises:
        InvalidInput: with the reason.
    """
    for name in names:
        if not re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", name):
            raise InvalidInput(
                f"{name[:64]!a} cannot be a setting's name; use capital letters, digits and underscores, as in API_KEY."
            )
        if name in PLATFORM_NAMES:
            raise InvalidInput(f"{name} is set by the platform and cannot be changed; choose another name.")


async def newest_version(session: AsyncSession, app: str) -> int:
    """The newest version's number; 0 is the empty one that every app begins with."""
    return int((await session.scalar(select(func.max(SettingsVersion.version)).where(SettingsVersion.app_id == app))) or 0)


async def sealed_of(session: AsyncSession, app: str, version: int) -> dict[str, str]:
    """Names and sealed values of a version."""
    if version == 0:
        return {}
    row = await session.get(SettingsVersion, (app, version))
    return {} if row is None else {str(name): str(token) for name, token in row.sealed.items()}


def opened(vault: Vault, app: str, sealed: Mapping[str, str]) -> dict[str, str]:
    """The values, for an instance's environment."""
    return {name: vault.open(token, owner=app, name=name).get_secret_value() for name, token in sealed.items()}


async def bring_back(t: Transaction, app: str, version: int, *, by: str) -> int:
    """Make the settings of an older version the newest, so that the next change and the next release go on from them; returns the
    newest's number. They stay as they are while another deployment of the app, with settings of its own, waits."""
    newest = await newest_version(t.session, app)
    waiting = await t.session.scalar(select(Deployment.id).where(Deployment.app_id == app, Deployment.state == "queued").limit(1))
    if version == newest or waiting is not None:
        return version
    old, wanted = await sealed_of(t.session, app, newest), await sealed_of(t.session, app, version)
    t.session.add(SettingsVersion(app_id=app, version=newest + 1, sealed=wanted, by=by))
    changed = sorted(name for name in wanted if wanted[name] != old.get(name))
    gone = sorted(name for name in old if name not in wanted)
    t.tell(app, SettingsChanged(by=by, set=changed, unset=gone, version=newest + 1))
    return newest + 1


async def change(
    t: Transaction, vault: Vault, who: Who, app: App, *, set: Mapping[str, str], unset: Sequence[str], current: int
) -> int | None:
    """Write the next version, on top of ``current``; None when nothing would differ in names.

    Raises:
        InvalidInput: a bad name, or an unset of what is not set.
        TooLarge: a value over 16,000 characters, or more than 60 settings.
    """
    check_names([*set, *unset])
    sealed = await sealed_of(t.session, app.id, current)
    unknown = sorted(name for name in unset if name not in sealed)
    if unknown:
        raise InvalidInput(f"{', '.join(unknown)} is not set for {app.slug!r}; `/nexus env list` shows what is.")
    for name, value in set.items():
        if len(value) > MAX_VALUE:
            raise TooLarge(f"The value of {name} has {len(value):,} characters; at most {MAX_VALUE:,} are kept.")
        if "\0" in value:
            raise InvalidInput(f"The value of {name} has a NUL character, which no environment can hold.")
        sealed[name] = vault.seal(SecretStr(value), owner=app.id, name=name)
    for name in unset:
        del sealed[name]
    if len(sealed) > MAX_SETTINGS:
        raise TooLarge(f"{len(sealed)} settings are more than the {MAX_SETTINGS} that one app may have.")
    if not set and not unset:
        return None
    version = await newest_version(t.session, app.id) + 1
    t.session.add(SettingsVersion(app_id=app.id, version=version, sealed=sealed, by=who.name))
    t.tell(app.id, SettingsChanged(by=who.name, set=sorted(set), unset=sorted(unset), version=version))
    return version
