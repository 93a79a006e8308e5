"""PostgreSQL, and CockroachDB by the same protocol, through a pool of asyncpg connections.

The pool is ours: asyncpg's own makes a task, two timers and a future for each loan, which cost as
much as the statement.

Each call is held to its time limits. What the server undid for another's sake is done again if
it was a statement by itself, and raises Overtaken within a transaction.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

import asyncpg

from identra.db import tls
from identra.db.ends import Ends
from identra.db.noroom import NoRoom
from identra.db.overtaken import Overtaken, again
from identra.db.pool import Pool
from identra.db.postgres_wire import LOST, STATEMENT, Wire, connect
from identra.db.statement import Duplicate, Occupancy, Row
from identra.errors import Internal, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from identra.settings import Persistence

Dialect: TypeAlias = Literal["postgres", "cockroach"]
T = TypeVar("T")

ACQUIRE = 1.0
PATIENCE = 60.0
LARGEST = 10
USUAL_PORT: Final[dict[Dialect, int]] = {"postgres": 5432, "cockroach": 26257}
SESSION: Final[dict[Dialect, dict[str, str]]] = {
    "postgres": {"default_transaction_isolation": "read committed"},
    "cockroach": {},
}
"""CockroachDB stays serialisable: its weaker levels are a setting of the whole cluster."""

UNDONE = frozenset({"40001", "40P01"})
FULL = frozenset({"53100"})
OURS = ("22", "23")
"""SQLSTATE classes that blame the statement's values, not the server."""


class Postgres:
    """The engine over one pool."""

    now = "CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)"
    number = "CAST({} AS BIGINT)"

    def __init__(self, pool: Pool[Wire], version: float, dialect: Dialect) -> None:
        self.version = version
        self.dialect = dialect
        self.ends = Ends()
        self.pool = pool

    @property
    def occupancy(self) -> Occupancy:
        """Of the pool."""
        return self.pool.occupancy

    async def rows(self, sql: str, args: Sequence[Any]) -> list[Row]:
        """Run one statement on a connection of the pool."""
        return [dict(row) for row in await again(partial(self._fetch, sql, args), STATEMENT)]

    async def affected(self, sql: str, args: Sequence[Any]) -> int:
        """Run one statement on a connection of the pool."""
        return counted(await again(partial(self._execute, sql, args), STATEMENT))

    async def begin(self, *, patient: bool) -> PostgresSession:
        """Open a transaction on a connection of its own."""
        with translated():
            wire = await self.pool.lend()
            session = PostgresSession(self, wire, PATIENCE if patient else STATEMENT)
            try:
                await session.start(patient=patient)
            except BaseException:
                await session.rollback()
                raise
        return session

    async def _fetch(self, sql: str, args: Sequence[Any]) -> list[Any]:
        with translated():
            found: list[Any] = await self._lend(lambda connection: connection.fetch(sql, *args))
            return found

    async def _execute(self, sql: str, args: Sequence[Any]) -> str:
        with translated():
            status: str = await self._lend(lambda connection: connection.execute(sql, *args))
            return status

    async def _lend(self, ask: Callable[[Any], Awaitable[T]]) -> T:
        """Have one statement asked on a connection of the pool.

        Nobody waits until a connection that gave no answer is in step again: a silent server lets
        a second pass over that.
        """
        wire = await self.pool.lend()
        try:
            answer = await ask(wire.connection)
        except asyncpg.PostgresError:  # the server's own word: both ends are in step
            self.pool.take_back(wire)
            raise
        except BaseException:
            self.ends.leave(self._recover(wire))
            raise
        self.pool.take_back(wire)
        return answer

    async def _recover(self, wire: Wire) -> None:
        try:
            await wire.recover()
        finally:
            self.pool.take_back(wire)

    async def close(self) -> None:
        """Let what runs end, for a moment; then hang up."""
        await self.pool.close()


class PostgresSession:
    """A transaction on a connection that nobody else has meanwhile."""

    def __init__(self, engine: Postgres, wire: Wire, limit: float) -> None:
        self._engine = engine
        self._wire = wire
        self._connection = wire.connection
        self._limit = limit

    async def start(self, *, patient: bool) -> None:
        """Begin; a patient transaction puts the server's own limit off, for itself."""
        await self._connection.execute("BEGIN")
        if patient:
            await self._connection.execute("SET LOCAL statement_timeout = 0")

    async def rows(self, sql: str, args: Sequence[Any]) -> list[Row]:
        """Read what this transaction sees."""
        with translated():
            found = await self._connection.fetch(sql, *args, timeout=self._limit)
            return [dict(row) for row in found]

    async def affected(self, sql: str, args: Sequence[Any]) -> int:
        """Write within the transaction."""
        with translated():
            return counted(await self._connection.execute(sql, *args, timeout=self._limit))

    async def commit(self) -> None:
        """Make it last; a caller cancelled here has it done all the same."""
        with translated():
            await self._engine.ends.see_through(self._commit())

    async def rollback(self) -> None:
        """Undo it; on a lost connection the server has done so."""
        await self._engine.ends.see_through(self._rollback())

    async def _commit(self) -> None:
        try:
            await self._connection.execute("COMMIT")
        except LOST:
            self._wire.drop()
            raise
        finally:
            self._engine.pool.take_back(self._wire)

    async def _rollback(self) -> None:
        try:
            await self._connection.execute("ROLLBACK")
        except (*LOST, asyncpg.PostgresError):
            self._wire.drop()
        finally:
            self._engine.pool.take_back(self._wire)


def counted(status: str) -> int:
    """Read the rows from a command's tag: `UPDATE 3`; a tag without a number counts none."""
    last = status.rsplit(" ", 1)[-1]
    return int(last) if last.isdecimal() else 0


@contextmanager
def translated() -> Iterator[None]:
    """Say PostgreSQL's and asyncpg's failures in our words."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise Duplicate(str(error)) from error
    except asyncpg.DataError as error:
        raise Internal(f"postgres: {error}") from error
    except asyncpg.PostgresError as error:
        if error.sqlstate in UNDONE:
            raise Overtaken(f"postgres: {error}", retry_after=1) from error
        if error.sqlstate in FULL:
            raise NoRoom(f"postgres: {error}", retry_after=1) from error
        if str(error.sqlstate).startswith(OURS):
            raise Internal(f"postgres: {error}") from error
        raise StoreUnavailable(f"postgres: {error}", retry_after=1) from error
    except LOST as error:
        said = f"postgres: {type(error).__name__}: {error}"
        raise StoreUnavailable(said, retry_after=1) from error


async def open_pool(settings: Persistence, dialect: Dialect) -> Postgres:
    """Connect. Raises StoreUnavailable when the server can't be reached in time."""
    where = {
        "host": settings.host,
        "port": settings.port or USUAL_PORT[dialect],
        "user": settings.user,
        "password": settings.password.get_secret_value() if settings.password else None,
        "ssl": tls.verifying(settings) or settings.sslmode,
        "database": settings.name,
    }
    reach = partial(connect, _said(where), SESSION[dialect])
    pool = Pool(reach, size=LARGEST, wait=ACQUIRE)
    with translated():
        first = await reach()
    pool.welcome(first)
    version = first.connection.get_server_version()
    return Postgres(pool, float(f"{version.major}.{version.minor}"), dialect)


def _said(where: dict[str, Any]) -> dict[str, Any]:
    return {part: value for part, value in where.items() if value is not None}
