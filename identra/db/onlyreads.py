"""An engine that only reads: for a node that serves while its database is being copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from identra.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.db.statement import Engine, Occupancy, Row

RETRY_AFTER = 30


class OnlyReads:
    """Another engine, of which only what reads is left. Its connections are the other's."""

    def __init__(self, engine: Engine) -> None:
        self.dialect = engine.dialect
        self.now = engine.now
        self.number = engine.number
        self._engine = engine

    @property
    def occupancy(self) -> Occupancy:
        """The other's."""
        return self._engine.occupancy

    async def rows(self, sql: str, args: Sequence[Any]) -> list[Row]:
        """Read; a statement that writes and gives rows is refused like any other."""
        if not sql.startswith("SELECT"):
            self._refuse()
        return await self._engine.rows(sql, args)

    async def affected(self, sql: str, args: Sequence[Any]) -> NoReturn:
        """Refuse."""
        del sql, args
        self._refuse()

    async def begin(self, *, patient: bool) -> NoReturn:
        """Refuse."""
        del patient
        self._refuse()

    async def close(self) -> None:
        """Leave the connections to the other."""

    def _refuse(self) -> NoReturn:
        raise StoreUnavailable("this node only reads", retry_after=RETRY_AFTER)
