"""One SQLite connection kept open on one thread: one hop there and back for each piece of work."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

STEPS_BETWEEN_LOOKS = 10_000
"""Steps of SQLite's machine between two looks at the time: about a millisecond."""


OPENING = 2.0
PAUSE = 0.005


class TooLate(Exception):
    """The work waited for its turn longer than its caller would have."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work, the future that waits for it, and the seconds it may wait and run."""

    work: Work[Any]
    answer: asyncio.Future[Any]
    start_by: float
    limit: float


class Lane:
    """Does one job after the other and answers each to the one who asked.

    A job whose asker has gone before its turn is left out; one that has begun is ended. A file
    that is not `ours` is opened as it is, to be read.
    """

    def __init__(self, path: str, busy: float, *, only_reads: bool, ours: bool = True) -> None:
        self._path = path
        self._busy = busy
        self._only_reads = only_reads
        self._ours = ours
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._instant = 0
        self._stop_at = math.inf
        self._closed = False
        self.waiting = 0
        self._thread = threading.Thread(target=self._live, name="identra-sqlite", daemon=True)

    async def open(self) -> None:
        """Start the thread and connect; raise sqlite3.Error when that fails."""
        self._thread.start()
        await self.run(lambda _: None)

    def run(
        self, work: Work[T], *, wait: float = math.inf, limit: float = math.inf
    ) -> asyncio.Future[T]:
        """Queue work; its turn must come within `wait` seconds and it may take `limit`."""
        answer: asyncio.Future[T] = self._loop.create_future()
        if self._closed:
            answer.set_exception(TooLate("the connection is closed"))
            return answer
        self.waiting += 1
        self._jobs.put(Job(work, answer, time.monotonic() + wait, limit))
        return answer

    async def close(self) -> None:
        """End the thread after the jobs before; closing twice is closing once."""
        self._closed = True
        self._jobs.put(None)
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    def _live(self) -> None:
        connection: sqlite3.Connection | None = None
        while (job := self._jobs.get()) is not None:
            try:
                if connection is None:
                    connection = self._connect()
                result, error = self._do(job, connection), None
            except Exception as failure:  # noqa: BLE001 - it is handed to the one who asked
                result, error = None, failure
            try:
                self._loop.call_soon_threadsafe(self._settle, job.answer, result, error)
            except RuntimeError:  # the loop has ended, and with it everyone who asked
                break
        if connection is not None:
            connection.close()

    def _do(self, job: Job, connection: sqlite3.Connection) -> Any:
        if job.answer.cancelled():
            return None
        began = time.monotonic()
        if began > job.start_by:
            raise TooLate("no connection came free in time")
        self._stop_at = began + job.limit
        self._instant = time.time_ns() // 1000
        return job.work(connection)

    def _connect(self) -> sqlite3.Connection:
        place = f"{Path(self._path).absolute().as_uri()}?mode={'rw' if self._ours else 'ro'}"
        connection = sqlite3.connect(place, timeout=self._busy, isolation_level=None, uri=True)
        try:
            if self._ours:
                keep_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA query_only = {int(self._only_reads)}")
        except BaseException:
            connection.close()
            raise
        connection.create_function("identra_now", 0, lambda: self._instant)
        connection.set_progress_handler(
            lambda: time.monotonic() > self._stop_at, STEPS_BETWEEN_LOOKS
        )
        return connection

    def _settle(self, answer: asyncio.Future[Any], result: object, error: Exception | None) -> None:
        self.waiting -= 1
        if answer.done():
            return
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)


def is_taken(connection: sqlite3.Connection) -> bool:
    """Whether another program has tables of our names there: it will be refused, as it is."""
    names = {name for (name,) in connection.execute(_OUR_NAMES)}
    return bool(names) and "identra_migrations" not in names


_OUR_NAMES = "SELECT name FROM sqlite_master WHERE substr(name, 1, 8) = 'identra_'"


def keep_wal(connection: sqlite3.Connection) -> None:
    """Have the file write ahead; where another process is just turning that on, wait for it.

    SQLite itself does not wait there, whatever its own timeout.
    """
    give_up = time.monotonic() + OPENING
    while True:
        try:
            if not is_taken(connection):
                connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
        else:
            return
        time.sleep(PAUSE)
