"""Changing the master key under a running service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from identra.keys.listing import list_keys

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from identra.db import Database
    from identra.events import Events
    from identra.keys.nouns import KeyRow
    from identra.keys.steps import Steps

TURNS: Final = 3


class Resealing:
    """Closes every key by the first master key, whichever of them closed it before.

    `demand_held` raises unless every node that is up holds that key.
    """

    def __init__(
        self,
        db: Database,
        steps: Steps,
        events: Events,
        first: str,
        demand_held: Callable[[], Awaitable[None]],
    ) -> None:
        self._db = db
        self._steps = steps
        self._events = events
        self._first = first
        self._demand_held = demand_held

    async def reseal(self) -> int:
        """Reseal key by key; how many were. Stopped in the middle, it goes on where it was.

        Raises MasterKeyError for a key that no configured master key opens.
        """
        await self._demand_held()
        resealed = 0
        for _ in range(TURNS):
            for key in await self._others():
                resealed += await self._steps.reseal(key.kid, key.sealed_by)
        if resealed:
            await self._events.record("key.resealed", sealed_by=self._first, keys=str(resealed))
        return resealed

    async def _others(self) -> list[KeyRow]:
        return [key for key in await list_keys(self._db) if key.sealed_by != self._first]
