"""Pictures of what a build made, kept with it while somebody may want to look at them.

Written by the build work in the transaction that makes the build ready, read for the page, removed by pruning.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import NotFound
from core.ledger.tables import PictureRow
from core.verification.pictures import MediaType, Picture
from core.words.events import PictureFact


async def keep_picture(session: AsyncSession, build: str, picture: Picture | None) -> PictureFact | None:
    """Keep it with a build that is in the ledger already; what is told of it."""
    if picture is None:
        return None
    row = PictureRow(
        build_id=build,
        digest=picture.digest,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        content=picture.content,
    )
    await session.merge(row)  # two that are the same are one
    return PictureFact(digest=row.digest, width=row.width, height=row.height)


async def load_picture(session: AsyncSession, build: str, digest: str) -> Picture:
    """
    Raises:
        NotFound: the build has no such picture, or it is not kept any more.
    """
    row = await session.scalar(select(PictureRow).where(PictureRow.build_id == build, PictureRow.digest == digest))
    if row is None:
        raise NotFound("There is no such picture of this build, or it is not kept any more.")
    return Picture(content=row.content, media_type=cast(MediaType, row.media_type), width=row.width, height=row.height)
