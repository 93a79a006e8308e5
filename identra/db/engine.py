"""The database: opened once, asked in one way, its failures said in our words.

Queries are built with Piccolo's tables (`db.tables`) or as QueryStrings and run here.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from piccolo.query.base import Query
from piccolo.querystring import QueryString

from identra.db.instants import Turned, read_clocks
from identra.db.noroom import Room
from identra.db.onlyreads import OnlyReads
from identra.db.overtaken import again
from identra.db.statement import Bound, Engine, Occupancy, Param, Row, Session, Statement
from identra.db.tables import Tables
from identra.db.traced import Traced
from identra.db.transaction import Open, Transaction
from identra.deadline import in_time

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from piccolo.table import Table

    from identra.db.binding import Binding
    from identra.tracer import Tracer
    from identra.values import Clock

Runnable: TypeAlias = "Query[Any, Any] | QueryString | Bound"
T = TypeVar("T")

OVERTAKEN = 2.0
"""Seconds after which a transaction that was overtaken is not begun again."""


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
        self._current: ContextVar[Open | None] = ContextVar("transaction", default=None)

    async def fetch(self, query: Runnable) -> list[Row]:
        """Give all rows, each by column name."""
        bound = self._compile(query)
        async with in_time():
            place = self._place()
            try:
                return await place.rows(bound.sql, read_clocks(bound.args))
            except BaseException as fault:
                self._failed(fault)
                raise

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
            place = self._place()
            try:
                return await place.affected(bound.sql, read_clocks(bound.args))
            except BaseException as fault:
                self._failed(fault)
                raise

    def prepare(self, query: Query[Any, Any] | QueryString) -> Statement:
        """Compile a query once; `Param("name")` marks what `bind(name=…)` gives it each time.

        A Param that is None compares as `= NULL`, which is never true: write a query for it.
        """
        bound = self._compile(query)
        return Statement(bound.sql, tuple(bound.args))

    def prepare_insert(self, table: type[Table], *, empty: Collection[str] = ()) -> Statement:
        """Compile the insert of a row once: `bind` gives each column but the `empty` ones."""
        names = [column._meta.name for column in table._meta.columns]  # noqa: SLF001 - said nowhere else
        row: dict[str, Any] = {name: None if name in empty else Param(name) for name in names}
        return self.prepare(table.insert(table(**row)))

    def transaction(self, *, patient: bool = False) -> Transaction:
        """All or nothing: `async with db.transaction():`. It never joins another.

        An error or a cancellation inside undoes it. It belongs to its task: one started inside
        can't use the database until it is over. `patient` lifts the time limits of a request,
        for migrations and housekeeping.
        """
        begin = partial(self._engine.begin, patient=patient)
        return Transaction(self._current, begin, self.room)

    def once_lasting(self, act: Callable[[], None]) -> None:
        """Act when what is changed now lasts: after the commit of the open transaction, or at once.

        Never, where that is undone. `act` returns at once and raises nothing.
        """
        current = self._current.get()
        if current is None or current.ended:
            act()
        else:
            current.then.append(act)

    async def transact(self, body: Callable[[], Awaitable[T]]) -> T:
        """Run a body as one transaction; again from its start if another overtook it.

        The body asks this database and does nothing else. Raises what it raises, and Overtaken
        once it was overtaken for two seconds.
        """

        async def attempt() -> T:
            async with self.transaction():
                return await body()

        return await again(attempt, OVERTAKEN)

    async def jointly(self, body: Callable[[], Awaitable[T]]) -> T:
        """Run a body within the transaction that its task has open, else as one of its own."""
        current = self._current.get()
        if current is None or current.ended:
            return await self.transact(body)
        return await body()

    def only_reading(self) -> Database:
        """The same database for one that must not write: StoreUnavailable where it tries."""
        return Database(OnlyReads(self._engine), self._binding, self._clock)

    def traced(self, tracer: Tracer) -> Database:
        """The same database, whose statements are told to a tracer where there is one."""
        if not tracer.on:
            return self
        return Database(Traced(self._engine, tracer), self._binding, self._clock)

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

    def _place(self) -> Session | Engine:
        """Where the running task's statements go."""
        current = self._current.get()
        if current is None or current.ended:
            return self._engine
        if current.owner is not asyncio.current_task():
            raise RuntimeError("a task started inside a transaction can't use it; await instead")
        if current.broken:
            raise RuntimeError("this transaction has failed; leave it")
        return current.session

    def _failed(self, fault: BaseException) -> None:
        """A failure breaks the transaction that it happened in."""
        self.room.note(fault)
        current = self._current.get()
        if current is not None:
            current.broken = True
