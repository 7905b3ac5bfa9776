"""What people sent along with the request for a build, kept with it.

Written by the build requests, read by the build work.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.ledger.tables import AttachmentRow
from core.words.attachment import Attachment


def keep_attachments(session: AsyncSession, build: str, attachments: Sequence[Attachment]) -> None:
    """Keep them with a build that is in the ledger already."""
    for position, one in enumerate(attachments):
        session.add(AttachmentRow(build_id=build, position=position, name=one.name, media_type=one.media_type, data=one.data))


async def load_attachments(session: AsyncSession, build: str) -> list[Attachment]:
    """In the order in which they were sent."""
    rows = await session.scalars(select(AttachmentRow).where(AttachmentRow.build_id == build).order_by(AttachmentRow.position))
    return [Attachment(name=row.name, media_type=row.media_type, data=row.data) for row in rows]
