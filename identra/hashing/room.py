"""Hashing and verifying, off the event loop."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from base64 import b64encode
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import Argon2Error, InvalidHashError

from identra import foreign
from identra.errors import Busy
from identra.hashing.line import Line
from identra.secret import token_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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

    @property
    def crowded(self) -> bool:
        """Whether there may be somebody for whom there is no room."""
        return self._line.crowded

    def has_room(self, asking: Asking) -> bool:
        """Whether there is room for whoever asks, as far as is told of it."""
        return self._line.has_room(asking)

    @contextmanager
    def place(self, asking: Asking) -> Iterator[Place]:
        """Room for one hash, taken before anything else is done for it. Raises Busy at once."""
        if not self._line.take(asking):
            raise no_room()
        place = Place(asking, self._hasher, self._decoy, self._line, self._threads)
        try:
            yield place
        finally:
            place.leave_unused()

    async def hash(self, secret: str, asking: Asking) -> str:
        """The PHC string of a secret, with a salt of its own. Raises Busy."""
        with self.place(asking) as place:
            return await place.hash(secret)

    def outdated(self, hashed: str) -> bool:
        """Whether a hash was made elsewhere, or with other parameters than today's."""
        return foreign.read(hashed) is not None or self._hasher.check_needs_rehash(hashed)

    def close(self) -> None:
        """Let go of the threads; hashes under way are finished, those that wait are not begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        while work := self._line.next():
            work.done.cancel()


class Place:
    """Room for one hash in the line. What was begun keeps it until it is done."""

    def __init__(
        self,
        asking: Asking,
        hasher: PasswordHasher,
        decoy: str,
        line: Line[_Work],
        threads: ThreadPoolExecutor,
    ) -> None:
        self._asking = asking
        self._hasher = hasher
        self._decoy = decoy
        self._line = line
        self._threads = threads
        self._used = False

    async def hash(self, secret: str) -> str:
        """The PHC string of a secret, with a salt of its own."""
        return await self.run(lambda: self._hasher.hash(secret))

    async def verify(self, hashed: str | None, secret: str) -> bool:
        """Whether the secret made the hash; with no hash, the same work and False."""
        matched = await self.run(lambda: self._matches(hashed or self._decoy, secret))
        return matched and hashed is not None

    async def run(self, act: Callable[[], T]) -> T:
        """Have it done by a thread, when its turn has come."""
        work, self._used = _Work(self._asking, act), True
        self._line.wait(self._asking, work)
        # Which thread is free is the pool's affair, whose work it does then is the line's.
        self._threads.submit(self._take_turn)
        done: Future[T] = work.done
        return await asyncio.wrap_future(done)

    def leave_unused(self) -> None:
        """Give the place back, unless a thread will do so."""
        if not self._used:
            self._line.leave(self._asking)

    def _matches(self, hashed: str, secret: str) -> bool:
        if check := foreign.read(hashed):
            return check(secret.encode())
        try:
            return self._hasher.verify(hashed, secret)
        except (Argon2Error, InvalidHashError):
            return False

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


def no_room() -> Busy:
    """What is raised where there is no room for a hash."""
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
