"""How long is waited: one deadline for all that a request asks of its stores, retries included.

A use case opens it, every wait for a store is charged to it, and so is what the request waited
until anybody took it in. What waits for a provider or for a hash is not, and outside of use cases
(migrations, housekeeping) there is none. A call into a plugin has a bound of its own.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from identra.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from types import TracebackType

P = ParamSpec("P")
T = TypeVar("T")

STORES: Final = 4.0
"""Seconds."""
PARTING: Final = 0.5
"""Seconds beyond that, for what must be put right although the request has failed."""
FARTHEST: Final = 9.5
"""Seconds from its beginning after which a request that asked a provider has no store any more."""


@dataclass(slots=True)
class _Left:
    """What is left for the stores, when it began, and until when there are any, by `monotonic`."""

    seconds: float
    began: float = field(default_factory=monotonic)
    until: float = inf

    @property
    def now(self) -> float:
        return max(min(self.seconds, self.until - monotonic()), 0.0)


_WAITED: Final[ContextVar[float]] = ContextVar("seconds that nobody took the request in", default=0)
_LEFT: Final[ContextVar[_Left | None]] = ContextVar("time left for the stores", default=None)


def one_deadline(
    act: Callable[P, Coroutine[Any, Any, T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    """Give a use case STORES seconds for its stores; one within another shares its time."""

    @wraps(act)
    async def within(*arguments: P.args, **named: P.kwargs) -> T:
        if _LEFT.get() is not None:
            return await act(*arguments, **named)
        waited = _WAITED.get()
        token = _LEFT.set(_Left(max(STORES - waited, PARTING), monotonic() - waited))
        try:
            return await act(*arguments, **named)
        finally:
            _LEFT.reset(token)

    return within


@contextmanager
def having_waited(seconds: float) -> Iterator[None]:
    """Charge the use case inside for so many seconds, in which nobody took its request in.

    Something is left to it, for a request that waited is mostly answered at once.
    """
    token = _WAITED.set(seconds)
    try:
        yield
    finally:
        _WAITED.reset(token)


def elsewhere(most: float) -> float:
    """The seconds that a provider has: until `most` after the beginning of the running request.

    What is left to its stores from now on ends in time for an answer within ten seconds.
    """
    left = _LEFT.get()
    if left is None:
        return most
    left.until = left.began + FARTHEST
    return max(left.began + most - monotonic(), 0.0)


@contextmanager
def parting() -> Iterator[None]:
    """Give what is done inside PARTING seconds of its own, however many the request has left."""
    token = _LEFT.set(_Left(PARTING))
    try:
        yield
    finally:
        _LEFT.reset(token)


def time_left() -> float | None:
    """The seconds the running request still has for its stores; None without a deadline."""
    left = _LEFT.get()
    return None if left is None else left.now


def in_time() -> Waiting:
    """Wait for a store no longer than the request has time. Raises StoreUnavailable."""
    return Waiting(_LEFT.get())


class Waiting:
    """`async with`: a wait that is charged to a request, and ends with its time."""

    __slots__ = ("_began", "_bound", "_left")

    def __init__(self, left: _Left | None) -> None:
        self._left = left

    async def __aenter__(self) -> None:
        left = self._left
        if left is None:
            return
        if left.now <= 0:
            raise StoreUnavailable("no time left for the stores", retry_after=1)
        self._began = monotonic()
        self._bound = asyncio.timeout(left.now)
        await self._bound.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._left is None:
            return
        self._left.seconds -= monotonic() - self._began
        try:
            await self._bound.__aexit__(kind, error, trace)
        except TimeoutError as late:
            error = late
        if isinstance(error, TimeoutError):
            raise StoreUnavailable("the stores took too long in all", retry_after=1) from error


@contextmanager
def charged() -> Iterator[None]:
    """Charge the running request for what is waited inside, without ending that wait."""
    left, began = _LEFT.get(), monotonic()
    try:
        yield
    finally:
        if left is not None:
            left.seconds -= monotonic() - began


async def bounded(call: Coroutine[Any, Any, T], seconds: float) -> T:
    """What a plugin's coroutine gives within so many seconds. Raises TimeoutError, and as it does.

    It runs as a task of its own: one that swallows its cancellation is left behind, not waited
    for, and one that would end the process only fails.
    """
    task = asyncio.create_task(_contained(call))
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(_forget)
    if not task.done():
        raise TimeoutError
    if task.cancelled():
        raise RuntimeError("it cancelled itself")
    return task.result()


async def _contained(call: Coroutine[Any, Any, T]) -> T:
    try:
        return await call
    except (SystemExit, KeyboardInterrupt) as end:
        raise RuntimeError("it asked the process to end") from end


def _forget(task: asyncio.Task[Any]) -> None:
    """Look at what became of a task that was left behind, lest the loop complains."""
    if not task.cancelled():
        task.exception()
