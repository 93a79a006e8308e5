"""Memory-hard hashes in a bounded number of threads, behind a bounded queue."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import Argon2Error, InvalidHashError

from identra import foreign
from identra.errors import Busy
from identra.secret import token_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

QUEUE_PER_THREAD: Final = 4


class Hashing:
    """Hash and verify with argon2id (RFC 9106). Beyond threads and queue, everything is Busy."""

    def __init__(self, *, memory_kib: int, time_cost: int, parallelism: int, threads: int) -> None:
        self._hasher = PasswordHasher(
            time_cost=time_cost, memory_cost=memory_kib, parallelism=parallelism, type=Type.ID
        )
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="identra-hash")
        self.room = self._free = threads * (1 + QUEUE_PER_THREAD)
        self._decoy = _decoy(self._hasher)

    @property
    def busy(self) -> int:
        """How many hashes are under way or waiting, of the `room` that there is for them."""
        return self.room - self._free

    async def hash(self, secret: str) -> str:
        """The PHC string of a secret, with a salt of its own. Raises Busy."""
        return await self._run(lambda: self._hasher.hash(secret))

    async def verify(self, hashed: str | None, secret: str) -> bool:
        """Whether the secret made the hash; with no hash, the same work and False. Raises Busy."""
        matched = await self._run(lambda: self._matches(hashed or self._decoy, secret))
        return matched and hashed is not None

    def outdated(self, hashed: str) -> bool:
        """Whether a hash was made elsewhere, or with other parameters than today's."""
        return foreign.read(hashed) is not None or self._hasher.check_needs_rehash(hashed)

    def close(self) -> None:
        """Let go of the threads; hashes under way are finished."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, hashed: str, secret: str) -> bool:
        if check := foreign.read(hashed):
            return check(secret.encode())
        try:
            return self._hasher.verify(hashed, secret)
        except (Argon2Error, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._free <= 0:
            raise Busy("the hash queue is full", retry_after=1)
        self._free -= 1
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        running.add_done_callback(self._make_room)
        return await asyncio.shield(running)

    def _make_room(self, finished: asyncio.Future[T]) -> None:
        self._free += 1
        if not finished.cancelled():
            finished.exception()


def _decoy(hasher: PasswordHasher) -> str:
    """A PHC string (of today's parameters, all random) that no secret has made: same work, no."""
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, tag = (b64encode(token_bytes(n)).rstrip(b"=").decode() for n in (16, hasher.hash_len))
    return f"$argon2id$v=19${costs}${salt}${tag}"
