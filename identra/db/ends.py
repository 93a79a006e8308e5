"""Ends of transactions and loans, seen through whatever becomes of those who asked for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine


class Ends:
    """The commits, rollbacks and returns under way."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    async def see_through(self, ending: Coroutine[Any, Any, None]) -> None:
        """Await an end; it goes on though its caller be cancelled meanwhile."""
        await asyncio.shield(self._begin(ending))

    def leave(self, ending: Coroutine[Any, Any, None]) -> None:
        """Let an end come about without anybody who waits, or hears of its failure."""
        self._begin(ending).add_done_callback(_forget)

    def _begin(self, ending: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(ending)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task


def _forget(ended: asyncio.Task[None]) -> None:
    if not ended.cancelled():
        ended.exception()
