"""A parent that keeps worker processes: starts them, replaces those that end, stops them all.

Sanic's own manager is not used: it does not replace a worker that was killed, starts each from
nothing, and kills its whole process group when one fails to start. Workers here are forked from
a parent that has imported the code already and holds no loop, pool or thread.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Work = Callable[[int, Callable[[], None]], int]

LONGEST_STOP: Final = 20.0
"""Seconds after which workers that were asked to stop are killed."""

YOUNG: Final = 5.0
"""A worker that ends younger than this, in seconds, is replaced after a growing wait."""

_LONGEST_WAIT: Final = 30.0
_TURN: Final = 0.5
_STOPPERS: Final = frozenset({signal.SIGTERM, signal.SIGINT})


@dataclass(frozen=True, slots=True)
class _End:
    """A worker that has ended: its status as waitpid(2) tells it, its age in seconds."""

    pid: int
    status: int
    age: float

    @property
    def by(self) -> str:
        """The signal that ended it, or its exit code."""
        code = os.waitstatus_to_exitcode(self.status)
        return f"signal {-code}" if code < 0 else f"exit {code}"


class Workers:
    """Processes that all do the same work.

    `work(lifeline, ready)` runs in each and answers its exit code: it calls `ready` once, ends
    cleanly on SIGTERM, and when the file descriptor `lifeline` can be read: the parent is gone.
    `on_stop` is called in the parent before they are asked to end.
    """

    def __init__(self, work: Work, on_stop: Callable[[], None]) -> None:
        self._work = work
        self._on_stop = on_stop
        self._started: dict[int, float] = {}
        self._due: list[float] = []
        self._failures = 0
        self._lifeline = os.pipe()
        self._news = os.pipe()
        self._wakes = os.pipe()
        for end in (self._news[0], *self._wakes):
            os.set_blocking(end, False)

    def keep(self, count: int, on_ready: Callable[[], None]) -> int:
        """Run until SIGTERM or SIGINT; 0 then, 1 when a worker failed before all were ready."""
        self._hear_signals()
        for _ in range(count):
            self._start()
        ready = 0
        while True:
            select.select([self._wakes[0], self._news[0]], [], [], _TURN)
            told = len(_drain(self._news[0]))
            if ready < count <= ready + told:
                on_ready()
            ready += told
            if self._asked_to_stop():
                return self._stop(0)
            for end in self._ended():
                if ready < count:
                    return self._stop(1)
                self._due.append(self._when_to_replace(end))
            self._replace()

    def _hear_signals(self) -> None:
        signal.set_wakeup_fd(self._wakes[1], warn_on_full_buffer=False)
        for number in (*_STOPPERS, signal.SIGCHLD):
            signal.signal(number, _heard)

    def _asked_to_stop(self) -> bool:
        return bool(_STOPPERS & set(_drain(self._wakes[0])))

    def _start(self) -> None:
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            self._become_worker()
        self._started[pid] = time.monotonic()

    def _become_worker(self) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            os.close(self._lifeline[1])
            code = self._work(self._lifeline[0], lambda: _tell(self._news[1]))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _ended(self) -> Iterator[_End]:
        """The workers that have ended since last asked."""
        for pid in list(self._started):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                yield _End(pid, status, time.monotonic() - self._started.pop(pid))

    def _when_to_replace(self, end: _End) -> float:
        self._failures = self._failures + 1 if end.age < YOUNG else 0
        wait = min(_LONGEST_WAIT, 2.0 ** (self._failures - 1)) if self._failures else 0.0
        structlog.get_logger("identra").warning(
            "worker ended", pid=end.pid, by=end.by, age=round(end.age, 1), wait=wait
        )
        return time.monotonic() + wait

    def _replace(self) -> None:
        now = time.monotonic()
        late = [due for due in self._due if due <= now]
        self._due = [due for due in self._due if due > now]
        for _ in late:
            self._start()

    def _stop(self, code: int) -> int:
        """Ask all to end; kill those that do not in time, or at once when asked again."""
        self._on_stop()
        until = time.monotonic() + LONGEST_STOP
        self._send(signal.SIGTERM)
        while self._started:
            select.select([self._wakes[0]], [], [], _TURN)
            if self._asked_to_stop() or time.monotonic() > until:
                self._send(signal.SIGKILL)
            for _ in self._ended():
                pass
        return code

    def _send(self, number: signal.Signals) -> None:
        for pid in self._started:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def _drain(end: int) -> bytes:
    try:
        return os.read(end, 4096)
    except BlockingIOError:
        return b""


def _tell(end: int) -> None:
    os.write(end, b"r")


def _heard(_number: int, _frame: object) -> None:
    """Nothing: the wakeup file descriptor has told the loop already."""
