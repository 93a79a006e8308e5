"""Removing what is over: sessions, state, events and attempts past their time, users who left."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import structlog

from identra.db import Param
from identra.dispatches import DELIVERED, WAITING
from identra.errors import IdentraError
from identra.secret import uuid7_at
from identra.values import DAY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from identra.db import Database
    from identra.state import State
    from identra.users import Departures

BATCH: Final = 500
"""Rows that one statement removes: few enough for a login to slip in between."""

SESSIONS_KEPT: Final = DAY
"""How long a session's row outlives the session: late refreshes are still told apart in the log."""

DELIVERED_KEPT: Final = DAY
DISPATCHES_KEPT: Final = 30 * DAY
"""How long what was delivered can be looked at, and what was not can be sent again."""

ATTEMPTS_KEPT: Final = 30 * DAY
ATTEMPTS_MOST: Final = 1_000_000

FAILURES: Final = 5
"""Users that can't be removed in a turn before it is the database that can't."""

SWEEP_EVERY: Final = 3600
SWEEP_LOOKS: Final = 60.0
"""Seconds between two sweeps, and between two looks whether one is due."""

TURN: Final = "housekeeping"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """How many rows went."""

    sessions: int
    state: int
    spent: int
    events: int
    attempts: int
    users: int
    dispatches: int


class Housekeeping:
    """Keeps the tables from growing for ever. Any number of processes may sweep at once.

    `events_kept` is in microseconds; None keeps the events for ever. Of attempts `attempts_most`
    are kept, the newest, so that no flood of them fills a disk.
    """

    def __init__(
        self,
        db: Database,
        *,
        events_kept: int | None,
        attempts_most: int = ATTEMPTS_MOST,
        departures: Departures | None = None,
    ) -> None:
        self._db = db
        self._events_kept = events_kept
        self._attempts_most = attempts_most
        self._departures = departures

    @property
    def writes(self) -> bool:
        """Whether its database may be written at all."""
        return self._db.writable

    async def sweep_in_turn(self, turns: State) -> None:
        """Sweep unless some process did within the hour; trouble is logged, and tried again."""
        try:
            if await turns.put(TURN, "taken", ttl=SWEEP_EVERY, replace=False):
                log.info("swept", **asdict(await self.sweep()))
        except IdentraError as fault:
            log.warning("not swept", cause=str(fault))

    async def sweep(self) -> Swept:
        """Remove all that is over by now, in small batches, resting as long as each one took.

        Raises StoreUnavailable; what went until then is gone, and the next sweep goes on.
        """
        now = await self._db.instant()
        t = self._db.tables
        return Swept(
            sessions=await self._end_sessions(now - SESSIONS_KEPT),
            state=await self._clear(t.state, t.state.expires_at, now),
            spent=await self._clear(t.spent, t.spent.expires_at, now),
            events=await self._forget_events(now),
            attempts=await self._forget_attempts(now),
            dispatches=await self._forget_dispatches(now),
            users=await self._let_go(now),
        )

    async def _let_go(self, now: int) -> int:
        """Remove the users whose time of grace is over."""
        if self._departures is None:
            return 0
        gone = failed = 0
        for user_id in await self._departures.due(now):
            began = monotonic()
            try:
                gone += await self._departures.remove(user_id, due=now)
            except IdentraError as fault:  # whoever has too much keeps nobody else
                log.warning("user not removed", user_id=user_id, cause=str(fault))
                failed += 1
                if failed == FAILURES:
                    raise
            await asyncio.sleep(monotonic() - began)
        return gone

    async def _forget_attempts(self, now: int) -> int:
        t = self._db.tables.attempts
        one_too_many = t.select(t.at).order_by(t.at, ascending=False).limit(1)
        row = await self._db.first(one_too_many.offset(self._attempts_most))
        until = max(now - ATTEMPTS_KEPT, row["at"] if row else 0)
        return await self._clear(t, t.at, until)

    async def _forget_dispatches(self, now: int) -> int:
        """What was delivered a day ago, and what was given up, or waits, since a month.

        Nothing waits so long but for a target that the settings no longer name.
        """
        t = self._db.tables.dispatches
        old = uuid7_at(now - DISPATCHES_KEPT)
        delivered = t.state == DELIVERED
        return (
            await self._clear(t, t.settled_at, now - DISPATCHES_KEPT)
            + await self._clear(t, t.settled_at, now - DELIVERED_KEPT, delivered)
            + await self._clear(t, t.id, old, t.state == WAITING)
        )

    async def _forget_events(self, now: int) -> int:
        if self._events_kept is None:
            return 0
        t = self._db.tables.events
        return await self._clear(t, t.at, now - self._events_kept)

    async def _clear(self, table: Any, instant: Any, until: int | str, further: Any = None) -> int:
        """Remove the rows whose indexed instant has come, of those the ones that are `further`."""
        cleared = 0
        over = instant <= until if further is None else (instant <= until) & further
        query = table.select(table.id).where(over).limit(BATCH)
        while rows := await self._db.fetch(query):
            began = monotonic()
            cleared += await self._remove(table, [row["id"] for row in rows], over)
            await asyncio.sleep(monotonic() - began)
        return cleared

    async def _end_sessions(self, until: int) -> int:
        """Walk the sessions by primary key: an index on what every refresh changes costs more."""
        ended, t = 0, self._db.tables.sessions
        over = (t.idle_ends_at <= until) | (t.revoked_at <= until)
        async for rows in self._walk(t, t.id, t.idle_ends_at, t.revoked_at):
            began = monotonic()
            ids = [row["id"] for row in rows if _is_over(row, until)]
            ended += await self._remove(t, ids, over) if ids else 0
            await asyncio.sleep(monotonic() - began)
        return ended

    async def _walk(self, table: Any, *columns: Any) -> AsyncIterator[list[dict[str, Any]]]:
        last = ""
        query = table.select(*columns).where(table.id > Param("last")).order_by(table.id)
        page = self._db.prepare(query.limit(BATCH))
        while rows := await self._db.fetch(page.bind(last=last)):
            yield rows
            last = rows[-1]["id"]

    async def _remove(self, table: Any, ids: list[str], over: Any) -> int:
        """Remove those of these rows that are over still: one may have been renewed meanwhile."""
        return await self._db.change(table.delete().where(table.id.is_in(ids) & over))


def _is_over(row: dict[str, Any], until: int) -> bool:
    revoked = row["revoked_at"]
    return row["idle_ends_at"] <= until or (revoked is not None and revoked <= until)
