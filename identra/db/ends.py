"""Ends of transactions, seen through whatever becomes of those who asked for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine


class Ends:
    """The commits and rollbacks under way."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    async def see_through(self, ending: Coroutine[Any, Any, None]) -> None:
        """Await an end; it goes on though its caller be cancelled meanwhile."""
        task = asyncio.create_task(ending)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await asyncio.shield(task)
