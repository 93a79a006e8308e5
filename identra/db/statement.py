"""SQL ready to run, and what an engine must be able to do with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, Any]


class Duplicate(Exception):
    """A unique constraint said "once": the row is there already."""


@dataclass(frozen=True, slots=True)
class Param:
    """Stands in a query for a value that comes when the query is run."""

    name: str


@dataclass(frozen=True, slots=True)
class Bound:
    """SQL in the engine's own spelling and the values for its places."""

    sql: str
    args: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """A query compiled once, for paths where building it each time costs too much."""

    sql: str
    args: tuple[Any, ...]

    def bind(self, **values: Any) -> Bound:
        """Give every `Param` its value by name.

        A name that is missing or unknown raises TypeError: a typing mistake is never a NULL.
        """
        names = {arg.name for arg in self.args if isinstance(arg, Param)}
        if names != values.keys():
            raise TypeError(f"the statement takes {sorted(names)}, not {sorted(values)}")
        return Bound(
            self.sql,
            [values[arg.name] if isinstance(arg, Param) else arg for arg in self.args],
        )


@dataclass(frozen=True, slots=True)
class Occupancy:
    """Connections of an engine: the most there may be, those open, and those used now."""

    most: int
    open: int
    used: int


class Session(Protocol):
    """One open transaction of an engine.

    `commit` and `rollback` end it and give its connection back, also when the caller is
    cancelled meanwhile; exactly one of them is called.
    """

    async def rows(self, sql: str, args: Sequence[Any]) -> list[Row]:
        """Run a statement and give its rows."""
        ...

    async def affected(self, sql: str, args: Sequence[Any]) -> int:
        """Run a statement and tell how many rows it changed."""
        ...

    async def commit(self) -> None:
        """Make everything last."""
        ...

    async def rollback(self) -> None:
        """Undo everything; never raises for a connection that is already lost."""
        ...


class Engine(Protocol):
    """A kind of database: connections, time limits, and its own errors put into our words.

    Every method raises StoreUnavailable when the database can't do its work now, Duplicate when
    a unique constraint refuses, Internal when the statement itself is at fault. A statement by
    itself that was Overtaken is run again; within a transaction that is its caller's to decide.
    """

    @property
    def dialect(self) -> str:
        """Which SQL it speaks: sqlite, postgres, cockroach, mysql or mariadb."""
        ...

    @property
    def now(self) -> str:
        """The SQL for Unix microseconds, the same all through one statement."""
        ...

    @property
    def number(self) -> str:
        """The SQL that makes a 64-bit integer of the value at its `{}`."""
        ...

    @property
    def occupancy(self) -> Occupancy:
        """How its connections are used at this moment."""
        ...

    async def rows(self, sql: str, args: Sequence[Any]) -> list[Row]:
        """Run one statement by itself and give its rows."""
        ...

    async def affected(self, sql: str, args: Sequence[Any]) -> int:
        """Run one statement by itself and tell how many rows it changed."""
        ...

    async def begin(self, *, patient: bool) -> Session:
        """Open a transaction that may write; `patient` lifts the time limits of requests."""
        ...

    async def close(self) -> None:
        """Give every connection up."""
        ...
