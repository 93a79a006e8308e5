"""Changing the master key under a running service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from identra.keys.listing import list_keys

if TYPE_CHECKING:
    from identra.db import Database
    from identra.events import Events
    from identra.keys.nouns import KeyRow
    from identra.keys.sealing import Sealing
    from identra.keys.steps import Steps

TURNS: Final = 3


class Resealing:
    """Closes every key by the first master key, whichever of them closed it before."""

    def __init__(self, db: Database, steps: Steps, events: Events, sealing: Sealing) -> None:
        self._db = db
        self._steps = steps
        self._events = events
        self._sealing = sealing

    async def reseal(self) -> int:
        """Reseal key by key; how many were. Stopped in the middle, it goes on where it was.

        Raises MasterKeyError while a node that is up lacks the first master key, and for a key
        that none at hand opens.
        """
        first = (await self._sealing.demand_first()).key_id
        resealed = 0
        for _ in range(TURNS):
            for key in await self._others(first):
                resealed += await self._steps.reseal(key.kid, key.sealed_by)
        if resealed:
            await self._events.record("key.resealed", sealed_by=first, keys=str(resealed))
        return resealed

    async def _others(self, first: str) -> list[KeyRow]:
        return [key for key in await list_keys(self._db) if key.sealed_by != first]
