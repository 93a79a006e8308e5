"""Keeping attempts: taken in at once, written beside the requests, several at a time.

Nobody who calls waits for it, and a call takes as long whether or not its attempt is kept.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import suppress
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import structlog

from identra.attempts.ration import Ration
from identra.db import Bound, Duplicate
from identra.deadline import parting
from identra.errors import Internal, StoreUnavailable
from identra.trail import SUCCEEDED

if TYPE_CHECKING:
    from identra.db import Database
    from identra.trail import Attempt
    from identra.values import Clock

WRITE_EVERY: Final = 0.5
"""Seconds between two writings."""
BATCHES: Final = (32, 8, 1)
"""Rows of one statement: of a few sizes, so that each is compiled and prepared once."""
ROOM: Final = 2000
"""Attempts that wait to be written in one process; any beyond are not kept."""
TELL_EVERY: Final = 60.0

Values: TypeAlias = dict[str, Any]

log = structlog.get_logger(__name__)


class Attempts:
    """Keeps what each attempt to get in met with. Where nothing may be written nothing is kept."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._ration = Ration()
        self._waiting: deque[tuple[Attempt, int]] = deque()
        self._writing = asyncio.Lock()
        self._inserting: dict[int, str] = {}
        self._unkept = 0
        self._told = monotonic()

    def keep(self, attempt: Attempt) -> None:
        """Have it written soon, unless there are too many that were refused."""
        if not self._db.writable or not attempt.attempt_id:
            return
        good = attempt.outcome == SUCCEEDED
        if len(self._waiting) < ROOM and (good or self._ration.take(attempt.peer, monotonic())):
            self._waiting.append((attempt, self._clock() - attempt.ms * 1_000))
        else:
            self._unkept += 1

    async def write(self) -> None:
        """Write what waits; what the database can't take now waits on."""
        with suppress(StoreUnavailable):
            async with self._writing:
                await self._write_all()
        if self._unkept and monotonic() - self._told >= TELL_EVERY:
            log.warning("attempts not kept", lost=self._unkept)
            self._unkept, self._told = 0, monotonic()

    async def _write_all(self) -> None:
        while waiting := len(self._waiting):
            size = next(size for size in BATCHES if size <= waiting)
            await self._write([values_of(*one) for one in islice(self._waiting, size)])
            for _ in range(size):
                self._waiting.popleft()

    async def close(self) -> None:
        """Write what still waits, if that is quickly done."""
        with parting():
            await self.write()

    async def _write(self, rows: list[Values]) -> None:
        try:
            await self._insert(rows)
        except (Duplicate, Internal):  # part of a batch whose answer was lost, or one odd row
            for row in rows:
                with suppress(Duplicate, Internal):
                    await self._insert([row])

    async def _insert(self, rows: list[Values]) -> None:
        sql = self._inserting.get(len(rows))
        if sql is None:
            t = self._db.tables.attempts
            sql = self._db.prepare(t.insert(*(t(**row) for row in rows))).sql
            self._inserting[len(rows)] = sql
        await self._db.change(Bound(sql, [value for row in rows for value in row.values()]))


def values_of(attempt: Attempt, at: int) -> Values:
    """A row of an attempt that began at that instant, in the order of the table's columns."""
    steps = [[step.ms, step.name, dict(step.facts)] for step in attempt.steps]
    trail = {"ms": attempt.ms, "detail": attempt.detail, "steps": steps}
    return {
        "id": attempt.attempt_id,
        "at": at,
        "act": attempt.act,
        "provider": attempt.provider[:32],
        "outcome": attempt.outcome,
        "user_id": attempt.user_id,
        "subject": attempt.subject,
        "request_id": attempt.request_id,
        "peer": attempt.peer,
        "trail": json.dumps(trail, separators=(",", ":"), ensure_ascii=False),
    }
