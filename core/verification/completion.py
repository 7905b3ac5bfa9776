"""Finishing what must not be left half-done, also when the caller is cancelled meanwhile.

Called by the artifact store (a thread cannot be cancelled: the folder it works in must not be removed under it) and by the
try-out (its instance and database must be gone before the cancellation goes on).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


async def complete(work: Awaitable[T]) -> T:
    """Await ``work`` to its end. A cancellation that comes meanwhile is raised after it, in place of its result or error."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # seen: or asyncio would complain that nobody looked
        raise cancelled
    return task.result()


async def in_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking file work in a thread, to its end."""
    return await complete(asyncio.to_thread(function, *args, **kwargs))
