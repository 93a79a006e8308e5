"""The database: opened once, asked in one way, its failures said in our words.

Queries are built with Piccolo's tables (`db.tables`) or as QueryStrings and run here.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from piccolo.query.base import Query
from piccolo.querystring import QueryString

from identra.db.instants import Turned, read_clocks
from identra.db.noroom import Room
from identra.db.onlyreads import OnlyReads
from identra.db.overtaken import again
from identra.db.statement import Bound, Engine, Occupancy, Row, Session, Statement
from identra.db.tables import Tables
from identra.deadline import charged, in_time, time_left
from identra.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import TracebackType

    from identra.db.binding import Binding
    from identra.values import Clock

Runnable: TypeAlias = "Query[Any, Any] | QueryString | Bound"
T = TypeVar("T")

OVERTAKEN = 2.0
"""Seconds after which a transaction that was overtaken is not begun again."""


@dataclass(slots=True)
class _Open:
    """The transaction of one task. A broken one only rolls back."""

    session: Session
    owner: asyncio.Task[Any] | None
    broken: bool = False
    ended: bool = field(default=False)
    then: list[Callable[[], None]] = field(default_factory=list)


class Database:
    """One open database. Raises StoreUnavailable whenever the store can't do its work.

    A statement runs by itself, or within the transaction that its own task has open.
    """

    def __init__(self, engine: Engine, binding: Binding, clock: Clock | None) -> None:
        self.dialect = engine.dialect
        self.tables = Tables.bound(binding)
        self._engine = engine
        self._binding = binding
        self._clock = clock
        self.room = Room()
        self._current: ContextVar[_Open | None] = ContextVar("transaction", default=None)

    async def fetch(self, query: Runnable) -> list[Row]:
        """Give all rows, each by column name."""
        bound = self._compile(query)
        async with in_time():
            with self.room.noted(), self._place() as place:
                return await place.rows(bound.sql, read_clocks(bound.args))

    async def first(self, query: Runnable) -> Row | None:
        """Give the first row, or None."""
        rows = await self.fetch(query)
        return rows[0] if rows else None

    async def change(self, query: Runnable) -> int:
        """Insert, update or delete; tell how many rows were affected.

        Raises Duplicate where a unique constraint refuses; within a transaction, that is then
        lost as a whole, on every engine alike.
        """
        bound = self._compile(query)
        async with in_time():
            with self.room.noted(), self._place() as place:
                return await place.affected(bound.sql, read_clocks(bound.args))

    def prepare(self, query: Query[Any, Any] | QueryString) -> Statement:
        """Compile a query once; `Param("name")` marks what `bind(name=…)` gives it each time.

        A Param that is None compares as `= NULL`, which is never true: write a query for it.
        """
        bound = self._compile(query)
        return Statement(bound.sql, tuple(bound.args))

    def transaction(self, *, patient: bool = False) -> Transaction:
        """All or nothing: `async with db.transaction():`. It never joins another.

        An error or a cancellation inside undoes it. It belongs to its task: one started inside
        can't use the database until it is over. `patient` lifts the time limits of a request,
        for migrations and housekeeping.
        """
        begin = partial(self._engine.begin, patient=patient)
        return Transaction(self._current, begin, self.room)

    async def transact(self, body: Callable[[], Awaitable[T]]) -> T:
        """Run a body as one transaction; again from its start if another overtook it.

        The body asks this database and does nothing else. Raises what it raises, and Overtaken
        once it was overtaken for two seconds.
        """

        async def attempt() -> T:
            async with self.transaction():
                return await body()

        return await again(attempt, OVERTAKEN)

    def once_lasting(self, act: Callable[[], None]) -> None:
        """Do something as soon as what this task has changed lasts; never if that is undone."""
        current = self._current.get()
        if current is None or current.ended:
            act()
        else:
            current.then.append(act)

    def only_reading(self) -> Database:
        """The same database for one that must not write: StoreUnavailable where it tries."""
        return Database(OnlyReads(self._engine), self._binding, self._clock)

    @property
    def writable(self) -> bool:
        """Whether it is not such a twin."""
        return not isinstance(self._engine, OnlyReads)

    @property
    def occupancy(self) -> Occupancy:
        """How its connections are used at this moment."""
        return self._engine.occupancy

    def now(self) -> QueryString:
        """Unix microseconds as SQL: the database's clock, one instant all through a statement."""
        if self._clock is None:
            return QueryString(self._engine.now)
        return QueryString(self._engine.number, Turned(self._clock))

    async def instant(self) -> int:
        """Ask the database what time it is, in Unix microseconds."""
        row = await self.first(QueryString("SELECT {} AS instant", self.now()))
        return int(row["instant"]) if row else 0

    async def ping(self) -> None:
        """Raise StoreUnavailable unless the database answers."""
        await self.fetch(QueryString("SELECT 1 AS pong"))

    async def close(self) -> None:
        """Give every connection up, once what is running has ended."""
        await self._engine.close()

    def _compile(self, query: Runnable) -> Bound:
        if isinstance(query, Bound):
            return query
        if isinstance(query, Query):
            query._validate()  # type: ignore[no-untyped-call]  # noqa: SLF001 - refuses all rows
            (query,) = query.querystrings
        sql, args = query.compile_string(engine_type=self._binding.engine_type)
        return Bound(sql, args)

    @contextmanager
    def _place(self) -> Iterator[Session | Engine]:
        """Where the running task's statements go; a failure there breaks its transaction."""
        current = self._current.get()
        if current is None or current.ended:
            yield self._engine
            return
        if current.owner is not asyncio.current_task():
            raise RuntimeError("a task started inside a transaction can't use it; await instead")
        if current.broken:
            raise RuntimeError("this transaction has failed; leave it")
        try:
            yield current.session
        except BaseException:
            current.broken = True
            raise


class Transaction:
    """`async with`: everything inside lasts, or none of it."""

    def __init__(
        self,
        current: ContextVar[_Open | None],
        begin: Callable[[], Awaitable[Session]],
        room: Room,
    ) -> None:
        self._current = current
        self._begin = begin
        self._room = room
        self._open: _Open | None = None
        self._token: Token[_Open | None] | None = None

    async def __aenter__(self) -> None:
        current = self._current.get()
        if current is not None and not current.ended:
            raise RuntimeError("a transaction is open already; they don't nest")
        async with in_time():
            self._open = _Open(await self._begin(), asyncio.current_task())
        self._token = self._current.set(self._open)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._open is None or self._token is None:
            raise RuntimeError("the transaction was never entered")
        self._current.reset(self._token)
        self._open.ended = True
        if error is None and not self._open.broken and time_left() != 0:
            async with in_time():
                with self._room.noted():
                    await self._open.session.commit()
            for act in self._open.then:
                act()
            return
        await self._undo(self._open.session)
        if error is None and self._open.broken:
            raise RuntimeError("a failure inside the transaction was swallowed; it is undone")
        if error is None:
            raise StoreUnavailable("no time left to commit", retry_after=1)

    async def _undo(self, session: Session) -> None:
        """Undo it; past the deadline the engine sees that through by itself."""
        with charged(), suppress(TimeoutError):
            async with asyncio.timeout(time_left()):
                await session.rollback()
