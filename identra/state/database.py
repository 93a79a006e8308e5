"""Short-lived state in the SQL database: every worker and node sees it, by the database's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piccolo.querystring import QueryString

from identra.db import Param
from identra.db.upsert import keep, tally
from identra.state import Count, checked
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.db import Database
    from identra.state import Addition


class DatabaseState:
    """Keeps the `State` contract on one table. The database is its caller's to close."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._table = db.tables.state
        self._keep = keep(db, only_absent=False)
        self._keep_new = keep(db, only_absent=True)
        self._tally = tally(db)
        live = (self._table.id == Param("id")) & (self._table.expires_at > db.now())
        self._value = db.prepare(self._table.select(self._table.value).where(live))
        self._remove = db.prepare(
            self._table.delete().where(live & (self._table.value == Param("value")))
        )
        remains = QueryString("{} - {}", self._table.expires_at, db.now()).as_alias("remains")
        self._look = db.prepare(
            self._table.select(self._table.tally.as_alias("tally"), remains).where(live)
        )

    async def put(self, key: str, value: str, *, ttl: int, replace: bool = True) -> bool:
        """Keep a value, atomically."""
        store = self._keep if replace else self._keep_new
        return await store(id=checked(key), value=value, life=ttl * SECOND)

    async def get(self, key: str) -> str | None:
        """Read a value."""
        row = await self._db.first(self._value.bind(id=checked(key)))
        return (row["value"] or None) if row else None

    async def take(self, key: str) -> str | None:
        """Remove what was read, if it is still that: one taker's removal affects a row."""
        while row := await self._db.first(self._value.bind(id=checked(key))):
            if await self._db.change(self._remove.bind(id=key, value=row["value"])):
                return row["value"] or None
        return None

    async def drop(self, *keys: str) -> None:
        """Remove what these hold, in one statement."""
        named = self._table.id.is_in([checked(key) for key in keys])
        await self._db.change(self._table.delete().where(named))

    async def count(self, key: str, *, ttl: int, by: int = 1) -> Count:
        """Add atomically; looking takes no writer's turn."""
        if by == 0:
            row = await self._db.first(self._look.bind(id=checked(key)))
        else:
            row = await self._tally(id=checked(key), by=by, life=ttl * SECOND)
        if row is None:
            return Count(0, 0)
        # A statement that waited for its turn goes by an earlier instant than the one before it.
        return Count(row["tally"], min(ttl, -(-row["remains"] // SECOND)))

    async def count_all(
        self, additions: Sequence[Addition], *, dropping: Sequence[str] = ()
    ) -> list[Count]:
        """Count one after the other."""
        if dropping:
            await self.drop(*dropping)
        return [await self.count(one.key, ttl=one.ttl, by=one.by) for one in additions]

    async def ping(self) -> None:
        """Raise StoreUnavailable unless the database answers."""
        await self._db.ping()

    async def close(self) -> None:
        """Leave the database open: it is not this store's own."""
