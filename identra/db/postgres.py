"""PostgreSQL through a pool of asyncpg connections, each call held to its time limits."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import asyncpg

from identra.db.statement import Duplicate, Row
from identra.errors import Internal, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Sequence

CONNECT = 2.0
STATEMENT = 2.0
ACQUIRE = 1.0
PATIENCE = 60.0
SMALLEST, LARGEST = 1, 10
OURS = ("22", "23")
"""SQLSTATE classes that blame the statement's values, not the server."""

LOST = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""How asyncpg says that a connection is gone: the last, when it learns so between two calls."""


class Postgres:
    """The engine over one pool."""

    dialect = "postgres"
    now = "CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)"

    def __init__(self, pool: Any, version: float) -> None:
        self.version = version
        self._pool = pool
        self._ending: set[asyncio.Task[None]] = set()

    async def rows(self, sql: str, args: Sequence[Any]) -> list[Row]:
        """Run one statement on a connection of the pool."""
        with translated():
            async with self._pool.acquire(timeout=ACQUIRE) as connection:
                return [dict(row) for row in await connection.fetch(sql, *args)]

    async def affected(self, sql: str, args: Sequence[Any]) -> int:
        """Run one statement on a connection of the pool."""
        with translated():
            async with self._pool.acquire(timeout=ACQUIRE) as connection:
                return counted(await connection.execute(sql, *args))

    async def begin(self, *, patient: bool) -> PostgresSession:
        """Open a transaction on a connection of its own."""
        with translated():
            connection = await self._pool.acquire(timeout=ACQUIRE)
            session = PostgresSession(self, connection, PATIENCE if patient else STATEMENT)
            try:
                await session.start(patient=patient)
            except BaseException:
                await session.rollback()
                raise
        return session

    async def end(self, ending: Coroutine[Any, Any, None]) -> None:
        """See a transaction's end through, though its caller be cancelled meanwhile."""
        task = asyncio.create_task(ending)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        await asyncio.shield(task)

    async def release(self, connection: Any) -> None:
        """Give a connection back; one still in a transaction is rolled back on the way."""
        await self._pool.release(connection)

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
            await self._engine.end(self._commit())

    async def rollback(self) -> None:
        """Undo it; on a lost connection the server has done so."""
        await self._engine.end(self._rollback())

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
        if str(error.sqlstate).startswith(OURS):
            raise Internal(f"postgres: {error}") from error
        raise StoreUnavailable(f"postgres: {error}", retry_after=1) from error
    except LOST as error:
        said = f"postgres: {type(error).__name__}: {error}"
        raise StoreUnavailable(said, retry_after=1) from error


async def open_pool(  # noqa: PLR0913 - as many as an address has parts
    *,
    database: str,
    host: str | None,
    port: int | None,
    user: str | None,
    password: str | None,
    sslmode: str | None,
) -> Postgres:
    """Connect. Raises StoreUnavailable when the server can't be reached in time."""
    where = {
        "host": host,
        "port": port,
        "user": user,
        "password": password,
        "ssl": sslmode,
        "database": database,
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
                "default_transaction_isolation": "read committed",
            },
        )
        async with pool.acquire(timeout=ACQUIRE) as connection:
            version = connection.get_server_version()
    return Postgres(pool, float(f"{version.major}.{version.minor}"))


async def _leave(_connection: Any) -> None:
    """Reset nothing: nothing here sets session state, and a reset costs a round trip a call."""
