"""PostgreSQL, and CockroachDB by the same protocol, through a pool of asyncpg connections.

Each call is held to its time limits. What the server undid for another's sake is done again if
it was a statement by itself, and raises Overtaken within a transaction.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

import asyncpg

from identra.db import tls
from identra.db.ends import Ends
from identra.db.noroom import NoRoom
from identra.db.overtaken import Overtaken, again
from identra.db.statement import Duplicate, Occupancy, Row
from identra.errors import Internal, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from identra.settings import Persistence

Dialect: TypeAlias = Literal["postgres", "cockroach"]
T = TypeVar("T")

CONNECT = 2.0
STATEMENT = 2.0
ACQUIRE = 1.0
PATIENCE = 60.0
SMALLEST, LARGEST = 1, 10
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

LOST = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""How asyncpg says that a connection is gone: the last, when it learns so between two calls."""


class Postgres:
    """The engine over one pool."""

    now = "CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)"
    number = "CAST({} AS BIGINT)"

    def __init__(self, pool: Any, version: float, dialect: Dialect) -> None:
        self.version = version
        self.dialect = dialect
        self.ends = Ends()
        self._pool = pool

    @property
    def occupancy(self) -> Occupancy:
        """Of the pool."""
        pool = self._pool
        used = pool.get_size() - pool.get_idle_size()
        return Occupancy(pool.get_max_size(), pool.get_size(), used)

    async def rows(self, sql: str, args: Sequence[Any]) -> list[Row]:
        """Run one statement on a connection of the pool."""
        return [dict(row) for row in await again(partial(self._fetch, sql, args), STATEMENT)]

    async def affected(self, sql: str, args: Sequence[Any]) -> int:
        """Run one statement on a connection of the pool."""
        return counted(await again(partial(self._execute, sql, args), STATEMENT))

    async def begin(self, *, patient: bool) -> PostgresSession:
        """Open a transaction on a connection of its own."""
        with translated():
            connection = await self._borrow()
            session = PostgresSession(self, connection, PATIENCE if patient else STATEMENT)
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

        After a failure nobody waits until it is given back: a statement that was given up is first
        taken back from the server, and a silent one lets a second pass over that.
        """
        connection = await self._borrow()
        try:
            answer = await ask(connection)
        except BaseException:
            self.ends.leave(self.release(connection))
            raise
        await self.release(connection)
        return answer

    async def _borrow(self) -> Any:
        """A connection. Where one is idle nothing is waited for: a clock would only cost time."""
        idle = self._pool.get_idle_size() > 0
        return await self._pool.acquire(timeout=None if idle else ACQUIRE)

    async def release(self, connection: Any) -> None:
        """Give a connection back; one still in a transaction is rolled back on the way."""
        await self._pool.release(connection, timeout=ACQUIRE)

    async def close(self) -> None:
        """Let what runs end, for a moment; then hang up."""
        try:
            async with asyncio.timeout(STATEMENT):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()


class PostgresSession:
    """A transaction on a connection that nobody else has meanwhile."""

    def __init__(self, engine: Postgres, connection: Any, limit: float) -> None:
        self._engine = engine
        self._connection = connection
        self._transaction = connection.transaction()
        self._limit = limit

    async def start(self, *, patient: bool) -> None:
        """Begin; a patient transaction puts the server's own limit off, for itself."""
        await self._transaction.start()
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
            await self._transaction.commit()
        finally:
            await self._engine.release(self._connection)

    async def _rollback(self) -> None:
        try:
            await self._transaction.rollback()
        except (*LOST, asyncpg.PostgresError):
            with suppress(asyncpg.InterfaceError):  # the pool may have dropped it already
                self._connection.terminate()
        finally:
            await self._engine.release(self._connection)


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
    with translated():
        pool = await asyncpg.create_pool(
            **{part: value for part, value in where.items() if value is not None},
            min_size=SMALLEST,
            max_size=LARGEST,
            timeout=CONNECT,
            command_timeout=STATEMENT,
            reset=_leave,
            server_settings={
                "application_name": "identra",
                "statement_timeout": str(int(STATEMENT * 1000)),
                **SESSION[dialect],
            },
        )
        async with pool.acquire(timeout=ACQUIRE) as connection:
            version = connection.get_server_version()
    return Postgres(pool, float(f"{version.major}.{version.minor}"), dialect)


async def _leave(_connection: Any) -> None:
    """Reset nothing: nothing here sets session state, and a reset costs a round trip a call."""
