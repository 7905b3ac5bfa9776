"""What of an app's migrations has run on the data that it has now, told from its releases.

Asked by the build work, which warns of what the others would do to those data. It never looks into the database.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.ledger.tables import Blob, Build, Deployment, Revision


async def migrations_run(session: AsyncSession, app: str) -> Mapping[str, str] | None:
    """Path and text of the migrations that have run; None when nothing of the app was ever live, so that it has no data."""
    rows = await session.execute(
        select(Deployment.release, Deployment.from_release, Deployment.with_data, Revision.files)
        .join(Build, Deployment.build_id == Build.id)
        .join(Revision, Build.revision_id == Revision.id)
        .where(Deployment.app_id == app, Deployment.state == "live")
        .order_by(Deployment.release, Deployment.created_at)
    )
    run: dict[str, str] | None = None  # path to the digest of its text
    after: dict[int, dict[str, str]] = {}  # a release, and what had run while it was live
    for release, source, with_data, files in rows:
        if with_data and source in after:  # the data are those of that time
            run = after[source]
        else:
            run = {**(run or {}), **{path: sha for path, sha in files.items() if path.startswith("migrations/")}}
        after[release] = run
    if run is None:
        return None
    found = await session.execute(select(Blob.sha256, Blob.content).where(Blob.sha256.in_(set(run.values()))))
    texts = dict(found.all())
    return {path: texts[sha] for path, sha in run.items()}
