"""Hashing and verifying, off the event loop."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from base64 import b64encode
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import Argon2Error, InvalidHashError

from identra import foreign
from identra.errors import Busy
from identra.hashing.line import Line
from identra.secret import token_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from identra.hashing.line import Asking

T = TypeVar("T")

QUEUE_PER_THREAD: Final = 4
NICER: Final = 10
"""By how much a hashing thread is nicer than its process: the event loop goes first."""
NICEST: Final = 19


class Hashing:
    """Hash and verify with argon2id (RFC 9106). Beyond threads and line, everything is Busy."""

    def __init__(self, *, memory_kib: int, time_cost: int, parallelism: int, threads: int) -> None:
        self._hasher = PasswordHasher(
            time_cost=time_cost, memory_cost=memory_kib, parallelism=parallelism, type=Type.ID
        )
        self._threads = ThreadPoolExecutor(
            threads, thread_name_prefix="identra-hash", initializer=_be_nice
        )
        self._line: Line[_Work] = Line(threads * (1 + QUEUE_PER_THREAD))
        self._decoy = _decoy(self._hasher)

    @property
    def busy(self) -> int:
        """How many hashes are under way or waiting, of the `room` that there is for them."""
        return self._line.taken

    @property
    def room(self) -> int:
        """How many hashes may be under way or waiting."""
        return self._line.room

    def demand_room(self, asking: Asking) -> None:
        """Raise Busy where a hash would be refused now, before anything is done for it."""
        if not self._line.has_room(asking):
            raise _full()

    async def hash(self, secret: str, asking: Asking) -> str:
        """The PHC string of a secret, with a salt of its own. Raises Busy."""
        return await self._run(asking, lambda: self._hasher.hash(secret))

    async def verify(self, hashed: str | None, secret: str, asking: Asking) -> bool:
        """Whether the secret made the hash; with no hash, the same work and False. Raises Busy."""
        matched = await self._run(asking, lambda: self._matches(hashed or self._decoy, secret))
        return matched and hashed is not None

    def outdated(self, hashed: str) -> bool:
        """Whether a hash was made elsewhere, or with other parameters than today's."""
        return foreign.read(hashed) is not None or self._hasher.check_needs_rehash(hashed)

    def close(self) -> None:
        """Let go of the threads; hashes under way are finished, those that wait are not begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        while work := self._line.next():
            work.done.cancel()

    def _matches(self, hashed: str, secret: str) -> bool:
        if check := foreign.read(hashed):
            return check(secret.encode())
        try:
            return self._hasher.verify(hashed, secret)
        except (Argon2Error, InvalidHashError):
            return False

    async def _run(self, asking: Asking, act: Callable[[], T]) -> T:
        work = _Work(asking, act)
        if not self._line.enter(asking, work):
            raise _full()
        # Which thread is free is the pool's affair, whose work it does then is the line's.
        self._threads.submit(self._take_turn)
        done: Future[T] = work.done
        return await asyncio.wrap_future(done)

    def _take_turn(self) -> None:
        if work := self._line.next():
            work.finish(self._line)


@dataclass(frozen=True, slots=True)
class _Work:
    """What somebody waits for. Where the caller has left, it keeps its place until its turn."""

    asking: Asking
    act: Callable[[], Any]
    done: Future[Any] = field(default_factory=Future)

    def finish(self, line: Line[_Work]) -> None:
        """Do it, give the place back, and only then tell: who asks again at once finds room."""
        wanted = self.done.set_running_or_notify_cancel()
        try:
            result = self.act() if wanted else None
        except BaseException as fault:  # noqa: BLE001 - whoever waits is told, whatever it is
            line.leave(self.asking)
            self.done.set_exception(fault)
            return
        line.leave(self.asking)
        if wanted:
            self.done.set_result(result)


def _full() -> Busy:
    return Busy("the hash queue is full", retry_after=1)


def _be_nice() -> None:
    """Let this thread take what the event loop and everybody else leave of a processor.

    Only Linux keeps a niceness for each thread; elsewhere the number might name somebody else.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # a sandbox may forbid it: then it is as without
            nicer = min(os.getpriority(os.PRIO_PROCESS, 0) + NICER, NICEST)
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nicer)


def _decoy(hasher: PasswordHasher) -> str:
    """A PHC string (of today's parameters, all random) that no secret has made: same work, no."""
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, tag = (b64encode(token_bytes(n)).rstrip(b"=").decode() for n in (16, hasher.hash_len))
    return f"$argon2id$v=19${costs}${salt}${tag}"
