"""Which nodes are up, by the database they share."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from identra.errors import IdentraError, StoreUnavailable
from identra.secret import uuid7
from identra.state.database import DatabaseState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.db import Database

PREFIX: Final = "node:"
AFTER: Final = "node;"
"""The least key that sorts behind every node's."""

ANNOUNCE_EVERY: Final = 5.0
LIVES: Final = 20
"""Seconds after its last word that a node counts as up."""

log = structlog.get_logger(__name__)

_WRITING, _READING = "writing", "reading"


@dataclass(frozen=True, slots=True)
class LiveNodes:
    """How many processes are up, how many of them write, and which master keys each holds."""

    all: int
    writing: int
    holding: tuple[frozenset[str], ...] = ()

    def lacking(self, key_id: str) -> int:
        """How many of them do not hold this master key."""
        return sum(key_id not in held for held in self.holding)


class Nodes:
    """This process among the others. `db` must be writable, also where the node only reads.

    `holds` are the ids of the master keys that this node can open the ring with.
    """

    def __init__(self, db: Database, *, read_only: bool = False, holds: Sequence[str] = ()) -> None:
        self._db = db
        self._state = DatabaseState(db)
        self._key = PREFIX + uuid7()
        self._says = " ".join((_READING if read_only else _WRITING, *holds))
        self._said = False
        self._begun = self._failed = 0
        self._saying = asyncio.Lock()

    async def announce(self) -> None:
        """Say that this node is up. Raises StoreUnavailable."""
        async with self._saying:
            await self._say()

    async def reassure(self) -> None:
        """Say it again if it could not be said the last time. Raises StoreUnavailable.

        So a database that answers and takes nothing, as on a full disk, is noticed. Anybody may
        have this asked: all who wait go by one saying.
        """
        asked = self._begun
        async with self._saying:
            if self._said:
                return
            if self._failed > asked:
                raise StoreUnavailable("this node could not be announced", retry_after=1)
            await self._say()

    async def announce_or_warn(self) -> None:
        """Say it, or log that it could not be said."""
        try:
            await self.announce()
        except IdentraError as fault:
            log.warning("node not announced", cause=str(fault))

    async def leave(self) -> None:
        """Say that it is no longer. Raises StoreUnavailable."""
        await self._state.take(self._key)

    async def leave_quietly(self) -> None:
        """Say it if that can be said: its last word is soon forgotten anyway."""
        with suppress(IdentraError):
            await self.leave()

    async def live(self) -> LiveNodes:
        """Those that are up now. Raises StoreUnavailable."""
        t = self._db.tables.state
        ours = (t.id >= PREFIX) & (t.id < AFTER) & (t.expires_at > self._db.now())
        rows = await self._db.fetch(t.select(t.value).where(ours))
        said = [row["value"].split() for row in rows]
        return LiveNodes(
            all=len(said),
            writing=sum(does == _WRITING for does, *_ in said),
            holding=tuple(frozenset(held) for _, *held in said),
        )

    async def _say(self) -> None:
        self._begun += 1
        number, self._said = self._begun, False
        try:
            await self._state.put(self._key, self._says, ttl=LIVES)
        except StoreUnavailable:
            self._failed = number
            raise
        self._said = True
