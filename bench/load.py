"""The load generator: keep-alive connections that ask again as soon as they are answered.

It runs in a process of its own. HTTP is read only as far as needed to find an answer's end, so
that one generator keeps several workers busy; how busy it was itself is part of what it tells.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, cast

import frames
import uvloop

if TYPE_CHECKING:
    from bench.callers import Caller

BETWEEN = 0.005
"""Seconds between two connections: of a burst, one worker of several takes most."""

BUSY = 503

PATIENCE = 30.0
"""Seconds that the last answers may take after the time is over."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Plan:
    """Whom to ask, by which callers (a connection each), for how many seconds."""

    address: tuple[str, int]
    callers: tuple[Caller, ...]
    seconds: float
    rpc: bool = False
    """Whether the callers speak gRPC."""
    every: float = 0.0
    """Seconds from one question of a caller to the next, answered or not; 0: once answered."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back: seconds of each answer, answers by status, the callers as they are now.

    Refusals (503) are timed apart: they are answered before what was asked is done.
    `busy` is the generator's own processor time as a share of one processor: near 1, it was
    itself what was measured.
    """

    callers: tuple[Caller, ...]
    seconds: float
    latencies: list[float]
    refusals: list[float]
    statuses: Counter[int]
    busy: float


@dataclass(slots=True)
class _Tally:
    """Where the lines of a plan write what they hear."""

    until: float
    every: float
    latencies: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


def run(plan: Plan) -> Heard:
    """Ask for the planned time, then wait for what is under way. Raises Unexpected, OSError."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(plan))


async def _run(plan: Plan) -> Heard:
    loop, host, port = asyncio.get_running_loop(), *plan.address
    began, worked = time.perf_counter(), time.process_time()
    tally = _Tally(began + plan.seconds, plan.every)
    kind = _Calls if plan.rpc else _Requests
    lines = [kind(caller, tally) for caller in plan.callers]
    async with asyncio.timeout(plan.seconds + PATIENCE):
        for line in lines:
            await loop.create_connection(partial(_itself, line), host, port)
            await asyncio.sleep(BETWEEN)
        await asyncio.gather(*(line.over for line in lines))
    seconds = time.perf_counter() - began
    busy = (time.process_time() - worked) / seconds
    return Heard(plan.callers, seconds, tally.latencies, tally.refusals, tally.statuses, busy)


def _itself(line: _Line) -> _Line:
    return line


class _Line(asyncio.Protocol):
    """One connection: a question, its answer, the next question."""

    def __init__(self, caller: Caller, tally: _Tally) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._caller = caller
        self._tally = tally

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._due = time.perf_counter()
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(error or ConnectionError("the server hung up"))

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(self._question())

    def _question(self) -> bytes:
        raise NotImplementedError

    def _answered(self, status: int, body: bytes) -> None:
        now = time.perf_counter()
        refused = status == BUSY
        (self._tally.refusals if refused else self._tally.latencies).append(now - self._asked)
        self._tally.statuses[status] += 1
        try:
            self._caller.hear(status, body)
        except Exception as error:  # noqa: BLE001 - handed to the one who runs the plan
            self._end(error)
            return
        if now < self._tally.until:
            self._go_on(now)
        else:
            self._end(None)

    def _go_on(self, now: float) -> None:
        """Ask when it is time: at once where no pace is kept, or where it is behind its pace."""
        self._due += self._tally.every
        if self._tally.every and self._due > now:
            asyncio.get_running_loop().call_later(self._due - now, self._ask)
        else:
            self._ask()

    def _end(self, error: Exception | None) -> None:
        if error is None:
            self.over.set_result(None)
        else:
            self.over.set_exception(error)
        self._transport.close()


class _Requests(_Line):
    """HTTP/1.1."""

    _heard = b""

    def data_received(self, data: bytes) -> None:
        self._heard += data
        end = self._heard.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._heard, 0, end)
        if len(self._heard) >= end + 4 + (int(length[1]) if length else 0):
            status, body = int(self._heard[9:12]), self._heard[end + 4 :]
            self._heard = b""
            self._answered(status, body)

    def _question(self) -> bytes:
        return self._caller.say()


class _Calls(_Line):
    """gRPC: a caller has a path, and says and hears messages. Without one it failed: 500."""

    _stream = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._heard = bytearray()
        self._block = frames.head(self._caller.path)
        cast("asyncio.Transport", transport).write(frames.greeting())
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        for kind, flags, payload in frames.frames(self._heard):
            if kind in {frames.SETTINGS, frames.PING} and not flags & frames.ACK:
                echo = payload if kind == frames.PING else b""
                self._transport.write(frames.frame(kind, frames.ACK, 0, echo))
            elif kind == frames.DATA:
                self._message += payload
            if kind in {frames.DATA, frames.HEADERS} and flags & frames.END_STREAM:
                self._answered(200 if self._message else 500, self._message[5:])

    def _question(self) -> bytes:
        self._stream += 2
        self._message = b""
        return frames.call(self._block, self._caller.say(), self._stream)
