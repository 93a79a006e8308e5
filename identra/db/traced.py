"""An engine whose statements are told to a tracer: what each does to which table, no more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.db.statement import Engine, Occupancy, Row, Session
    from identra.tracer import Tracer

_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+[\"`]?(\w+)")


def summary(sql: str) -> str:
    """The verb of a statement and its first table: no value is in it."""
    found = _TABLE.search(sql)
    verb = sql.split(maxsplit=1)[0].upper()
    return f"{verb} {found[1]}" if found else verb


class Traced:
    """Another engine, whose statements and transactions are told. Its connections are the other's.

    It keeps the `Engine` contract.
    """

    def __init__(self, engine: Engine, tracer: Tracer) -> None:
        self.dialect = engine.dialect
        self.now = engine.now
        self.number = engine.number
        self._engine = engine
        self._tracer = tracer

    @property
    def occupancy(self) -> Occupancy:
        """The other's."""
        return self._engine.occupancy

    async def rows(self, sql: str, args: Sequence[Any]) -> list[Row]:
        """Run a statement by itself and give its rows."""
        with self._tracer.asking("database", self.dialect, summary(sql)):
            return await self._engine.rows(sql, args)

    async def affected(self, sql: str, args: Sequence[Any]) -> int:
        """Run a statement by itself and tell how many rows it changed."""
        with self._tracer.asking("database", self.dialect, summary(sql)):
            return await self._engine.affected(sql, args)

    async def begin(self, *, patient: bool) -> TracedSession:
        """Open a transaction."""
        with self._tracer.asking("database", self.dialect, "BEGIN"):
            session = await self._engine.begin(patient=patient)
        return TracedSession(session, self.dialect, self._tracer)

    async def close(self) -> None:
        """Close the other."""
        await self._engine.close()


class TracedSession:
    """A transaction of such an engine. It keeps the `Session` contract."""

    def __init__(self, session: Session, dialect: str, tracer: Tracer) -> None:
        self._session = session
        self._dialect = dialect
        self._tracer = tracer

    async def rows(self, sql: str, args: Sequence[Any]) -> list[Row]:
        """Run a statement and give its rows."""
        with self._tracer.asking("database", self._dialect, summary(sql)):
            return await self._session.rows(sql, args)

    async def affected(self, sql: str, args: Sequence[Any]) -> int:
        """Run a statement and tell how many rows it changed."""
        with self._tracer.asking("database", self._dialect, summary(sql)):
            return await self._session.affected(sql, args)

    async def commit(self) -> None:
        """Make everything last."""
        with self._tracer.asking("database", self._dialect, "COMMIT"):
            await self._session.commit()

    async def rollback(self) -> None:
        """Undo everything."""
        with self._tracer.asking("database", self._dialect, "ROLLBACK"):
            await self._session.rollback()
