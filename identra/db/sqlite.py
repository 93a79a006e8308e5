"""SQLite as a service's database: kept-open connections, one writer at a time, many readers.

WAL lets readers go on while one writes. Writers take turns in the order they came within this
process, and by BEGIN IMMEDIATE between processes, so that none fails halfway.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from identra.db.lane import Lane, TooLate
from identra.db.noroom import NoRoom
from identra.db.statement import Duplicate, Occupancy, Row
from identra.errors import Internal, OperatorError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")

VERSION = float(".".join(sqlite3.sqlite_version.split(".")[:2]))
OLDEST = (3, 35)
READERS = 3
STATEMENT = 2.0
ACQUIRE = 1.0
TURN = 3.0
"""Seconds in all that a writer waits for its turn, here and among processes."""
PATIENCE = 60.0
BUSY_READER = 2.0
BUSY_WRITER = 0.005
"""SQLite's own waiting for a lock grows to 100 ms a step, too coarse between busy processes:
so it gives up at once and is asked again until the turn is over."""

TWICE = frozenset(
    {
        sqlite3.SQLITE_CONSTRAINT_UNIQUE,
        sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
        sqlite3.SQLITE_CONSTRAINT_ROWID,
    }
)


class Sqlite:
    """The engine over one file; several processes may open it, each its own."""

    dialect = "sqlite"
    now = "identra_now()"
    number = "CAST({} AS BIGINT)"

    def __init__(self, writer: Lane, readers: Sequence[Lane]) -> None:
        self._writer = writer
        self._readers = readers
        self._turn = asyncio.Lock()

    @property
    def occupancy(self) -> Occupancy:
        """Of the lanes: all are open, and those are used that have work."""
        lanes = (*self._readers, self._writer)
        return Occupancy(len(lanes), len(lanes), sum(lane.waiting > 0 for lane in lanes))

    async def rows(self, sql: str, args: Sequence[Any]) -> list[Row]:
        """Read beside the writer; a statement that writes and returns rows takes its turn."""
        with translated():
            if not sql.startswith("SELECT"):
                return await self._write(partial(read, sql=sql, args=args))
            reader = min(self._readers, key=lambda lane: lane.waiting)
            return await reader.run(
                partial(read, sql=sql, args=args), wait=ACQUIRE, limit=STATEMENT
            )

    async def affected(self, sql: str, args: Sequence[Any]) -> int:
        """Write one statement as a transaction of its own."""
        with translated():
            return await self._write(partial(write, sql=sql, args=args))

    async def begin(self, *, patient: bool) -> SqliteSession:
        """Take the writer's turn and open a transaction."""
        give_up = time.monotonic() + (PATIENCE if patient else TURN)
        with translated():
            await self._take_turn(give_up)
            session = SqliteSession(self._writer, self._turn, PATIENCE if patient else STATEMENT)
            try:
                await asyncio.shield(
                    self._writer.run(partial(insist, sql="BEGIN IMMEDIATE", give_up=give_up))
                )
            except BaseException:
                session.undo()
                raise
        return session

    async def close(self) -> None:
        """Let what runs end, then close every connection."""
        for lane in (*self._readers, self._writer):
            await lane.close()

    async def _write(self, work: Callable[..., T]) -> T:
        give_up = time.monotonic() + TURN
        await self._take_turn(give_up)
        done = self._writer.run(
            lambda connection: until(give_up, lambda: work(connection)), limit=TURN + STATEMENT
        )
        done.add_done_callback(partial(give_on, self._turn))
        # Cancelled or not, the turn is given on only when the work has ended.
        return await asyncio.shield(done)

    async def _take_turn(self, give_up: float) -> None:
        async with asyncio.timeout(give_up - time.monotonic()):
            await self._turn.acquire()


class SqliteSession:
    """A transaction on the writer's connection, holding its turn."""

    def __init__(self, writer: Lane, turn: asyncio.Lock, limit: float) -> None:
        self._writer = writer
        self._turn = turn
        self._limit = limit

    async def rows(self, sql: str, args: Sequence[Any]) -> list[Row]:
        """Read what this transaction sees."""
        with translated():
            return await self._writer.run(partial(read, sql=sql, args=args), limit=self._limit)

    async def affected(self, sql: str, args: Sequence[Any]) -> int:
        """Write within the transaction."""
        with translated():
            return await self._writer.run(partial(write, sql=sql, args=args), limit=self._limit)

    async def commit(self) -> None:
        """Make it last; a caller cancelled here has it done all the same."""
        with translated():
            await asyncio.shield(self._end(commit))

    async def rollback(self) -> None:
        """Undo it."""
        await asyncio.shield(self.undo())

    def undo(self) -> asyncio.Future[None]:
        """Queue the undoing, which also gives the turn on, without waiting for it."""
        return self._end(abandon)

    def _end(self, work: Callable[[sqlite3.Connection], None]) -> asyncio.Future[None]:
        ended = self._writer.run(work)
        ended.add_done_callback(partial(give_on, self._turn))
        return ended


def give_on(turn: asyncio.Lock, done: asyncio.Future[Any]) -> None:
    """Let the next writer begin; a failure that nobody waits for any more is let go."""
    turn.release()
    if not done.cancelled():
        done.exception()


def read(connection: sqlite3.Connection, *, sql: str, args: Sequence[Any]) -> list[Row]:
    """Run a statement and fetch all of its rows, by column name."""
    cursor = connection.execute(sql, args)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def write(connection: sqlite3.Connection, *, sql: str, args: Sequence[Any]) -> int:
    """Run a statement and tell how many rows it changed."""
    cursor = connection.execute(sql, args)
    cursor.fetchall()  # Piccolo's inserts return their key, and count only once that is read
    return max(cursor.rowcount, 0)


def insist(connection: sqlite3.Connection, *, sql: str, give_up: float) -> None:
    """Run a statement that may have to wait for another process."""
    until(give_up, lambda: connection.execute(sql))


def until(give_up: float, attempt: Callable[[], T]) -> T:
    """Try again while another process has the lock and there is time."""
    while True:
        try:
            return attempt()
        except sqlite3.OperationalError as error:
            if not _busy(error) or time.monotonic() > give_up:
                raise


def commit(connection: sqlite3.Connection) -> None:
    """Commit, or leave nothing of the transaction."""
    try:
        insist(connection, sql="COMMIT", give_up=time.monotonic() + ACQUIRE)
    except sqlite3.Error:
        abandon(connection)
        raise


def abandon(connection: sqlite3.Connection) -> None:
    """Roll back whatever may be open; a full disk has done so by itself already."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


@contextmanager
def translated() -> Iterator[None]:
    """Say SQLite's failures in our words."""
    try:
        yield
    except (TimeoutError, TooLate) as error:
        raise StoreUnavailable("sqlite: no turn came in time", retry_after=1) from error
    except sqlite3.IntegrityError as error:
        if error.sqlite_errorcode in TWICE:
            raise Duplicate(str(error)) from error
        raise Internal(f"sqlite: {error}") from error
    except (sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError) as error:
        raise Internal(f"sqlite: {error}") from error
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
            raise NoRoom(f"sqlite: {error}", retry_after=1) from error
        raise StoreUnavailable(f"sqlite: {error}", retry_after=1) from error


def _busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


async def open_file(name: str) -> Sqlite:
    """Open the file, making it for its owner's eyes only when it is not there.

    Raises OperatorError for what is no file, StoreUnavailable when it can't be opened.
    """
    if not name or name.startswith("file:") or ":memory:" in name:
        raise OperatorError("persistence.name: SQLite needs a file that all workers can open")
    if sqlite3.sqlite_version_info < OLDEST:
        raise OperatorError("persistence.driver: SQLite 3.35 or newer is needed")
    try:
        make_private(Path(name))
    except OSError as error:
        raise StoreUnavailable(f"sqlite: {name}: {error.strerror}", retry_after=1) from error
    return await _connect(name)


async def open_theirs(name: str) -> Sqlite:
    """Open another program's file to read it, changing nothing. Raises StoreUnavailable."""
    try:
        demand_file(Path(name))
    except OSError as error:
        raise StoreUnavailable(f"sqlite: {name}: {error.strerror}", retry_after=1) from error
    return await _connect(name, ours=False)


def demand_file(path: Path) -> None:
    """Raise OSError unless it is a file that can be read."""
    path.open("rb").close()


def make_private(path: Path) -> None:
    """Make the file (0600) and, if missing, its directory (0700)."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


async def _connect(name: str, *, ours: bool = True) -> Sqlite:
    writer = Lane(name, BUSY_WRITER, only_reads=not ours, ours=ours)
    readers = [Lane(name, BUSY_READER, only_reads=True, ours=ours) for _ in range(READERS)]
    engine = Sqlite(writer, readers)
    try:
        with translated():
            for lane in (writer, *readers):
                await lane.open()
    except BaseException:
        await engine.close()
        raise
    return engine
