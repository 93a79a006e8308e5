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
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

import structlog

from identra.meter import UNMETERED
from identra.replacement import YOUNG, wait_after
from identra.systemd import Unsupervised

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from identra.meter import Meter
    from identra.systemd import Supervisor

    Work = Callable[[int, "Word"], int]

LONGEST_STOP: Final = 20.0
"""Seconds after which workers that were asked to stop are killed."""

_TURN: Final = 0.5
_READY, _ANSWERS = b"r", b"a"
_STOPPERS: Final = frozenset({signal.SIGTERM, signal.SIGINT})


class Word:
    """What a worker sends its parent, through a pipe's end."""

    def __init__(self, end: int) -> None:
        self._end = end

    def ready(self) -> None:
        """It takes requests: said once."""
        os.write(self._end, _READY)

    def answers(self) -> None:
        """Its loop turns: said every second or so. A parent that does not listen misses it."""
        with suppress(BlockingIOError, BrokenPipeError):
            os.write(self._end, _ANSWERS)


class Beside(Protocol):
    """What the parent does beside keeping its workers. None of it waits or raises."""

    def waits_for(self) -> tuple[list[socket.socket], list[socket.socket]]:
        """The sockets that a turn is due for: once they can be read, or written to."""
        ...

    def turn(self) -> None:
        """Do what can be done at once."""
        ...

    def prepare(self) -> None:
        """A worker is about to be forked."""
        ...

    def leave(self) -> None:
        """This process is a worker now."""
        ...

    def started(self, pid: int) -> None:
        """A worker was forked."""
        ...

    def ended(self, pid: int, by: str) -> None:
        """A worker has ended."""
        ...

    def close(self) -> None:
        """The workers are about to be stopped; there is no further turn."""
        ...


class Alone:
    """Keeps the `Beside` contract of a parent that does nothing else."""

    url = ""

    def pen(self) -> Meter:
        """What a worker counts with."""
        return UNMETERED

    def waits_for(self) -> tuple[list[socket.socket], list[socket.socket]]:
        """None."""
        return [], []

    def turn(self) -> None:
        """Nothing."""

    def prepare(self) -> None:
        """Nothing."""

    def leave(self) -> None:
        """Nothing."""

    def started(self, pid: int) -> None:
        """Nothing."""

    def ended(self, pid: int, by: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


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

    def told(self) -> dict[str, object]:
        """What the log says of it."""
        return {"pid": self.pid, "by": self.by, "age": round(self.age, 1)}


class Workers:
    """Processes that all do the same work.

    `work(lifeline, word)` runs in each and answers its exit code: it says `ready` once, ends
    cleanly on SIGTERM, and when the file descriptor `lifeline` can be read: the parent is gone.
    `on_stop` is called in the parent before they are asked to end; `beside` is its other work,
    and `supervisor` is told how they fare.
    """

    def __init__(
        self,
        work: Work,
        on_stop: Callable[[], None],
        beside: Beside | None = None,
        supervisor: Supervisor | None = None,
    ) -> None:
        self._work = work
        self._on_stop = on_stop
        self._beside = beside or Alone()
        self._supervisor = supervisor or Unsupervised()
        self._started: dict[int, float] = {}
        self._due: list[float] = []
        self._failures = 0
        self._lifeline = os.pipe()
        self._news = os.pipe()
        self._wakes = os.pipe()
        for end in (*self._news, *self._wakes):
            os.set_blocking(end, False)

    def keep(self, count: int, on_ready: Callable[[], None]) -> int:
        """Run until SIGTERM or SIGINT; 0 then, 1 when a worker failed before all were ready."""
        self._hear_signals()
        for _ in range(count):
            self._start()
        ready = 0
        while True:
            self._wait()
            told = self._told()
            if ready < count <= ready + told:
                on_ready()
                self._supervisor.ready()
            ready += told
            if self._asked_to_stop():
                return self._stop(0)
            for end in self._ended():
                if ready < count:
                    structlog.get_logger("identra").warning("service not started", **end.told())
                    return self._stop(1)
                self._due.append(self._when_to_replace(end))
            self._replace()
            self._beside.turn()

    def _told(self) -> int:
        """How many workers said meanwhile that they are ready."""
        said = _drain(self._news[0])
        if _ANSWERS in said:
            self._supervisor.answered(time.monotonic())
        return said.count(_READY)

    def _wait(self) -> None:
        reads, writes = self._beside.waits_for()
        ours: list[int | socket.socket] = [self._wakes[0], self._news[0]]
        select.select([*ours, *reads], writes, [], self._turn())

    def _turn(self) -> float:
        """Seconds until it is looked again, at the latest: no worker that is due waits for that."""
        waits = [due - time.monotonic() for due in self._due]
        return max(0.0, min([_TURN, *waits]))

    def _hear_signals(self) -> None:
        signal.set_wakeup_fd(self._wakes[1], warn_on_full_buffer=False)
        for number in (*_STOPPERS, signal.SIGCHLD):
            signal.signal(number, _heard)

    def _asked_to_stop(self) -> bool:
        return bool(_STOPPERS & set(_drain(self._wakes[0])))

    def _start(self) -> None:
        sys.stdout.flush()
        self._beside.prepare()
        pid = os.fork()
        if pid == 0:
            self._become_worker()
        self._started[pid] = time.monotonic()
        self._beside.started(pid)

    def _become_worker(self) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            os.close(self._lifeline[1])
            self._beside.leave()
            code = self._work(self._lifeline[0], Word(self._news[1]))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _ended(self) -> Iterator[_End]:
        """The workers that have ended since last asked."""
        for pid in list(self._started):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                end = _End(pid, status, time.monotonic() - self._started.pop(pid))
                self._beside.ended(pid, end.by)
                yield end

    def _when_to_replace(self, end: _End) -> float:
        self._failures = self._failures + 1 if end.age < YOUNG else 0
        wait = wait_after(self._failures, end.age, alone=not self._started)
        structlog.get_logger("identra").warning("worker ended", **end.told(), wait=wait)
        return time.monotonic() + wait

    def _replace(self) -> None:
        now = time.monotonic()
        late = [due for due in self._due if due <= now]
        self._due = [due for due in self._due if due > now]
        for _ in late:
            self._start()

    def _stop(self, code: int) -> int:
        """Ask all to end; kill those that do not in time, or at once when asked again."""
        self._supervisor.stopping()
        self._on_stop()
        self._beside.close()
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


def _heard(_number: int, _frame: object) -> None:
    """Nothing: the wakeup file descriptor has told the loop already."""
