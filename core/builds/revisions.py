"""Revisions: immutable file trees in the ledger, each file's text kept once by its digest.

Written by the build work, read by the engine's face and by verification.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.files import FileTree
from core.ids import new_id
from core.ledger.tables import Blob, Revision
from core.words.plan import Plan


async def save_revision(session: AsyncSession, app: str, tree: FileTree, plan: Plan) -> str:
    """Keep a tree; the same tree of the same app gives the same revision, with the newest plan. Returns the revision's id."""
    shas = {path: hashlib.sha256(content.encode()).hexdigest() for path, content in tree.items()}
    blobs = {shas[path]: content for path, content in tree.items()}
    if blobs:
        await session.execute(
            insert(Blob).values([{"sha256": s, "content": c} for s, c in sorted(blobs.items())]).on_conflict_do_nothing()
        )
    made = await session.execute(
        insert(Revision)
        .values(
            id=new_id("r"),
            app_id=app,
            digest=tree.digest,
            framework=plan.framework,
            files=shas,
            plan=plan.model_dump(mode="json"),
        )
        .on_conflict_do_update(index_elements=["app_id", "digest"], set_={"plan": plan.model_dump(mode="json")})
        .returning(Revision.id)
    )
    return str(made.scalar_one())


async def load_tree(session: AsyncSession, revision: str) -> tuple[FileTree, Plan]:
    """The tree and the plan of a revision."""
    row = await session.get(Revision, revision)
    assert row is not None
    rows = await session.execute(select(Blob.sha256, Blob.content).where(Blob.sha256.in_(set(row.files.values()))))
    content = dict(rows.all())
    return FileTree({path: content[sha] for path, sha in row.files.items()}), Plan.model_validate(row.plan)


def changes_between(old: FileTree | None, new: FileTree) -> dict[str, str]:
    """Path to "added", "changed" or "removed"; empty for a first revision."""
    if old is None:
        return {}
    changed = {path: "changed" if path in old else "added" for path in new if old.get(path) != new[path]}
    return changed | {path: "removed" for path in old if path not in new}
