"""A transaction: `async with`, and whether what is inside lasts."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from identra.deadline import charged, in_time, time_left
from identra.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextvars import ContextVar, Token
    from types import TracebackType

    from identra.db.noroom import Room
    from identra.db.statement import Session


@dataclass(slots=True)
class Open:
    """The transaction of one task. A broken one only rolls back; `then` is for when it lasts."""

    session: Session
    owner: asyncio.Task[Any] | None
    broken: bool = False
    ended: bool = False
    then: list[Callable[[], None]] = field(default_factory=list)


class Transaction:
    """`async with`: everything inside lasts, or none of it."""

    def __init__(
        self,
        current: ContextVar[Open | None],
        begin: Callable[[], Awaitable[Session]],
        room: Room,
    ) -> None:
        self._current = current
        self._begin = begin
        self._room = room
        self._open: Open | None = None
        self._token: Token[Open | None] | None = None

    async def __aenter__(self) -> None:
        current = self._current.get()
        if current is not None and not current.ended:
            raise RuntimeError("a transaction is open already; they don't nest")
        async with in_time():
            self._open = Open(await self._begin(), asyncio.current_task())
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
                await self._commit(self._open.session)
            for act in self._open.then:
                act()
            return
        await self._undo(self._open.session)
        if error is None and self._open.broken:
            raise RuntimeError("a failure inside the transaction was swallowed; it is undone")
        if error is None:
            raise StoreUnavailable("no time left to commit", retry_after=1)

    async def _commit(self, session: Session) -> None:
        try:
            await session.commit()
        except BaseException as fault:
            self._room.note(fault)
            raise

    async def _undo(self, session: Session) -> None:
        """Undo it; past the deadline the engine sees that through by itself."""
        with charged(), suppress(TimeoutError):
            async with asyncio.timeout(time_left()):
                await session.rollback()
