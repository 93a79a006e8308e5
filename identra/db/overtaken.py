"""What the database undid in favour of another, and beginning it again."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

from identra.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

FIRST_PAUSE = 0.001


class Overtaken(
    StoreUnavailable,
    reason=StoreUnavailable.reason,
    code=StoreUnavailable.code,
    status=StoreUnavailable.status,
    says=StoreUnavailable.says,
):
    """A deadlock or a failed serialisation: nothing was done, and doing it again may succeed.

    Within a transaction all of it is undone.
    """


async def again(attempt: Callable[[], Awaitable[T]], limit: float) -> T:
    """Attempt until it is not overtaken, beginning no further attempt after `limit` seconds."""
    give_up = time.monotonic() + limit
    pause = FIRST_PAUSE
    while True:
        try:
            return await attempt()
        except Overtaken:
            if time.monotonic() + pause > give_up:
                raise
        await asyncio.sleep(pause)
        pause *= 2
