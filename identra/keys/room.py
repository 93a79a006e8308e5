"""Who holds the ring in a process, and hands out its keys."""

from __future__ import annotations

import asyncio
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final

import structlog

from identra.db import Duplicate
from identra.errors import IdentraError, OperatorError, StoreUnavailable
from identra.keys.making import may_be_new, new_pair, new_secret
from identra.keys.nouns import NoKeysError
from identra.keys.opening import open_ring

if TYPE_CHECKING:
    from collections.abc import Callable

    from identra.db import Database
    from identra.keys.making import NewKey
    from identra.keys.nouns import Algorithm, Jwks, Ring, RingSecret, SigningKey
    from identra.keys.steps import Steps
    from identra.master import MasterKeys
    from identra.values import Clock

log = structlog.get_logger(__name__)

RELOAD_EVERY: Final = 3.0
"""Seconds between two readings: every process knows of a change before 5 have gone by."""

RELOAD_FOR_UNKNOWN: Final = 1.0
STALE_AFTER: Final = 120.0
"""Seconds after which a ring that could not be read again signs and proves nothing more: less than
a former key is kept beyond its tokens, so that no token outlives the key that verifies it, and no
revoked key is believed for longer."""


class Keys:
    """Hands out the signing key, verifiers by kid, and the ring's secrets.

    `clock` tells the time by which ids are made, `ticks` seconds that never jump.
    """

    def __init__(
        self,
        db: Database,
        master: MasterKeys,
        steps: Steps,
        clock: Clock,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self._db = db
        self._master = master
        self._steps = steps
        self._clock = clock
        self._ticks = ticks
        self._ring: Ring | None = None
        self._read_at = self._tried_at = 0.0
        self._begun = self._held = self._failed = 0
        self._reading = asyncio.Lock()

    async def load(self) -> None:
        """Read and open the ring. Raises NoKeysError, MasterKeyError, StoreUnavailable."""
        async with self._reading:
            await self._read()

    async def refresh(self) -> None:
        """Read the ring again if what is held is older than its interval. Raises as `fresh`."""
        if self.age >= RELOAD_EVERY:
            await self._share(0)

    async def reload_or_warn(self) -> None:
        """Read the ring again; what can't be read leaves the former one in use, and a warning."""
        try:
            await self.load()
        except (OperatorError, IdentraError) as fault:
            log.warning("key ring not reloaded", cause=str(fault))
        except Exception as fault:  # noqa: BLE001 - one odd row must not end the reading for good
            log.warning("key ring not reloaded", cause=type(fault).__name__)

    @property
    def ring(self) -> Ring:
        """The ring as last read. Raises NoKeysError before the first load."""
        if self._ring is None:
            raise NoKeysError("the key ring was not read yet")
        return self._ring

    @property
    def age(self) -> float:
        """Seconds since the ring was read."""
        return self._ticks() - self._read_at

    @property
    def fresh(self) -> Ring:
        """The ring, unless it is too old to go by. Raises StoreUnavailable then."""
        if self.age > STALE_AFTER:
            raise StoreUnavailable("the key ring could not be read for too long", retry_after=5)
        return self.ring

    def signer(self) -> SigningKey:
        """The one active signing key. Raises StoreUnavailable as `fresh` does."""
        return self.fresh.signer

    async def verifier(self, kid: str) -> SigningKey | None:
        """The published key of that id; an unknown one is looked for. Raises as `fresh` does."""
        if kid not in self.fresh.verifiers:
            await self._look_for(kid)
        return self.fresh.verifiers.get(kid)

    def current_secret(self) -> RingSecret:
        """The active secret. Raises StoreUnavailable as `fresh` does."""
        return self.fresh.secret

    async def secret(self, secret_id: str) -> RingSecret | None:
        """The secret of that id; an unknown one is looked for. Raises as `fresh` does."""
        if secret_id not in self.fresh.secrets:
            await self._look_for(secret_id)
        return self.fresh.secrets.get(secret_id)

    def published(self) -> Jwks:
        """The key set that verifiers read: answered however old, since they live by it."""
        return self.ring.jwks

    async def init(self, algorithm: Algorithm) -> bool:
        """Make the first keys if there are none; whether any were made. Concurrency-safe."""
        t = self._db.tables.keys
        if await self._db.first(t.select(t.id).limit(1)):
            return False
        # Finding primes takes a while, in which others are to be answered.
        made = (await asyncio.to_thread(new_pair, algorithm), new_secret())
        try:
            await self._db.transact(partial(self._insert_all, made))
        except Duplicate:
            return False
        return True

    async def _insert_all(self, made: tuple[NewKey, ...]) -> None:
        for key in made:
            await self._steps.insert_active(key, self._master.first)

    async def _look_for(self, key_id: str) -> None:
        """Read the ring again, at most once a second; who asks meanwhile waits for that reading.

        Waiting rather than refusing: the key may be newer than what is held here, and refusing
        an honest refresh token logs somebody out. What can't be new is not waited for.
        """
        if may_be_new(key_id, self._clock()):
            await self._share(RELOAD_FOR_UNKNOWN)

    async def _share(self, rest: float) -> None:
        """See one reading end that began after this, `rest` seconds after the one before.

        All who wait go by its outcome: were each to try again after a failure, they would wait for
        one another. Raises StoreUnavailable for it.
        """
        asked = self._begun
        async with self._reading:
            if self._held > asked:
                return
            if self._failed > asked:
                raise StoreUnavailable("the key ring could not be read", retry_after=1)
            await asyncio.sleep(self._tried_at + rest - self._ticks())
            try:
                await self._read()
            except OperatorError as fault:
                raise StoreUnavailable(str(fault), retry_after=5) from fault

    async def _read(self) -> None:
        self._begun += 1
        number, began = self._begun, self._ticks()
        self._tried_at = began
        try:
            ring = await self._opened()
        except Exception:
            self._failed = number
            raise
        self._ring, self._read_at, self._held = ring, began, number

    async def _opened(self) -> Ring:
        t = self._db.tables.keys
        rows = await self._db.fetch(t.select().where(t.state != "retired"))
        ring = open_ring(rows, self._master, self._ring)
        await self._own_up(ring)
        return ring

    async def _own_up(self, ring: Ring) -> None:
        """Have the active keys kept for as long as what this process puts under them."""
        if not self._db.writable:
            return
        for kid in (ring.signer.kid, ring.secret.secret_id):
            await self._steps.own_up(ring.rows[kid])
