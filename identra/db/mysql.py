"""MySQL and MariaDB through a pool of asyncmy connections, each call held to its time limits."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from asyncmy.errors import MySQLError

from identra.db import tls
from identra.db.ends import Ends
from identra.db.mysql_wire import COLLATION, PATIENCE, STATEMENT, Place, Unfit, connect
from identra.db.noroom import NoRoom
from identra.db.overtaken import Overtaken, again
from identra.db.pool import Pool
from identra.db.statement import Duplicate, Occupancy, Row
from identra.errors import Internal, OperatorError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from identra.db.mysql_wire import Answer, Dialect, Wire
    from identra.settings import Persistence

ACQUIRE = 1.0
LARGEST = 10

TWICE = frozenset({1062, 1586})
UNDONE = frozenset({1020, 1213})
"""Deadlock; and MariaDB's word for a row that changed since it was read."""
FULL = frozenset({1021, 1114})
"""The disk; and a table that can't grow, for want of disk as a rule."""
OURS = ("22", "23")
"""SQLSTATE classes that blame the statement's values, not the server."""
OURS_BY_NUMBER = frozenset({1364, 1366})
"""A value that is missing or unfit, where the server gives no state to tell by."""

LOST = (OSError, TimeoutError, Unfit)

_CHANGED = """
SELECT table_name AS place, engine AS found FROM information_schema.tables
WHERE table_schema = DATABASE() AND LEFT(table_name, 8) = 'identra_' AND engine <> 'InnoDB'
UNION ALL
SELECT CONCAT(table_name, '.', column_name), collation_name FROM information_schema.columns
WHERE table_schema = DATABASE() AND LEFT(table_name, 8) = 'identra_' AND collation_name <> ?
"""


class Mysql:
    """The engine over one pool."""

    now = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))"
    number = "CAST({} AS SIGNED)"

    def __init__(self, pool: Pool[Wire], dialect: Dialect) -> None:
        self.dialect = dialect
        self.ends = Ends()
        self.pool = pool

    @property
    def occupancy(self) -> Occupancy:
        """Of the pool."""
        return self.pool.occupancy

    async def rows(self, sql: str, args: Sequence[Any]) -> list[Row]:
        """Run one statement on a connection of the pool."""
        return (await self._alone(sql, args)).rows

    async def affected(self, sql: str, args: Sequence[Any]) -> int:
        """Run one statement on a connection of the pool."""
        return (await self._alone(sql, args)).affected

    async def begin(self, *, patient: bool) -> MysqlSession:
        """Open a transaction on a connection of its own."""
        with translated():
            wire = await self.pool.lend()
            try:
                await wire.begin(patient=patient)
            except BaseException:
                self.pool.take_back(wire)
                raise
        return MysqlSession(self, wire, patient=patient)

    async def close(self) -> None:
        """Let what runs end, for a moment; then hang up."""
        await self.pool.close()

    async def _alone(self, sql: str, args: Sequence[Any]) -> Answer:
        return await again(partial(self._once, sql, args), STATEMENT)

    async def _once(self, sql: str, args: Sequence[Any]) -> Answer:
        with translated():
            async with self.pool.lent() as wire:
                return await wire.run(sql, args)


class MysqlSession:
    """A transaction on a connection that nobody else has meanwhile.

    A statement that changes the schema commits what came before it: nothing here can help that.
    """

    def __init__(self, engine: Mysql, wire: Wire, *, patient: bool) -> None:
        self._engine = engine
        self._wire = wire
        self._patient = patient
        self._limit = PATIENCE if patient else STATEMENT

    async def rows(self, sql: str, args: Sequence[Any]) -> list[Row]:
        """Read what this transaction sees."""
        with translated():
            return (await self._wire.run(sql, args, self._limit)).rows

    async def affected(self, sql: str, args: Sequence[Any]) -> int:
        """Write within the transaction."""
        with translated():
            return (await self._wire.run(sql, args, self._limit)).affected

    async def commit(self) -> None:
        """Make it last; a caller cancelled here has it done all the same."""
        with translated():
            await self._engine.ends.see_through(self._commit())

    async def rollback(self) -> None:
        """Undo it; on a lost connection the server does so."""
        await self._engine.ends.see_through(self._rollback())

    async def _commit(self) -> None:
        try:
            await self._wire.commit(self._limit)
        except BaseException:
            self._wire.drop()
            raise
        finally:
            self._leave()

    async def _rollback(self) -> None:
        try:
            with suppress(*LOST, MySQLError):
                await self._wire.rollback()
        finally:
            self._leave()

    def _leave(self) -> None:
        # A patient connection keeps its long limits, and the locks it named: it is not lent again.
        if self._patient:
            self._wire.drop()
        self._engine.pool.take_back(self._wire)


@contextmanager
def translated() -> Iterator[None]:
    """Say MySQL's and asyncmy's failures in our words."""
    try:
        yield
    except MySQLError as error:
        number, state = error.args[0], str(error.sqlstate)
        said = f"mysql: {error}"
        if number in TWICE:
            raise Duplicate(said) from error
        if number in UNDONE:
            raise Overtaken(said, retry_after=1) from error
        if number in FULL:
            raise NoRoom(said, retry_after=1) from error
        if state.startswith(OURS) or number in OURS_BY_NUMBER:
            raise Internal(said) from error
        raise StoreUnavailable(said, retry_after=1) from error
    except LOST as error:
        said = f"mysql: {error}" if str(error) else "mysql: no answer came in time"
        raise StoreUnavailable(said, retry_after=1) from error


async def open_pool(settings: Persistence) -> Mysql:
    """Connect, and look whether server and tables keep what Identra promises.

    Raises StoreUnavailable when the server can't be reached in time, OperatorError when it or
    its tables are unfit.
    """
    secret = settings.password
    place = Place(
        host=settings.host,
        port=settings.port,
        user=settings.user,
        password=secret.get_secret_value() if secret else None,
        database=settings.name,
        attempts=tls.attempts(settings),
    )
    try:
        with translated():
            first = await connect(place)
    except StoreUnavailable as error:
        if isinstance(error.__cause__, Unfit):
            raise OperatorError(f"persistence.driver: {error.__cause__}") from error
        raise
    pool = Pool(partial(connect, place), size=LARGEST, wait=ACQUIRE)
    pool.welcome(first)
    engine = Mysql(pool, first.dialect)
    try:
        await _demand_unchanged(engine)
    except BaseException:
        await engine.close()
        raise
    return engine


async def _demand_unchanged(engine: Mysql) -> None:
    collation = COLLATION[engine.dialect]
    for row in await engine.rows(_CHANGED, (collation,)):
        raise OperatorError(
            f"persistence.name: {row['place']} is {row['found']}; Identra's tables are InnoDB and"
            f" compare bytes ({collation}): restore them as `identra migrate` makes them"
        )
