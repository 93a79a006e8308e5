"""What an operator orders of single keys; what is unsafe is refused, with what to do instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.keys.listing import list_keys
from identra.keys.nouns import KeyRefused
from identra.keys.rotation import Done
from identra.values import rfc3339

if TYPE_CHECKING:
    from identra.db import Database
    from identra.keys.nouns import Algorithm, KeyRow
    from identra.keys.plan import RotationPolicy
    from identra.keys.turning import Turning


class Orders:
    """Adds, promotes, retires and revokes. Raises KeyRefused, and changes nothing then."""

    def __init__(self, db: Database, turning: Turning, policy: RotationPolicy) -> None:
        self._db = db
        self._turning = turning
        self._policy = policy

    async def add(self, algorithm: Algorithm | None = None) -> Done:
        """Publish a key that signs at its usual time, unless one waits already."""
        if waiting := await self._waiting():
            raise KeyRefused(f"key {waiting.kid} waits already; promote or retire it first")
        signs_from = await self._db.instant() + self._policy.ahead
        kid = await self._turning.publish(algorithm or self._policy.algorithm, signs_from)
        return Done("published", kid, signs_from)

    async def promote(self, kid: str) -> Done:
        """Have the waiting key sign now, if every verifier can know it by now."""
        key = await self._key(kid)
        if key.state != "passive":
            raise KeyRefused(f"key {kid} is {key.state}; only a passive key can be promoted")
        known_from = self._policy.known_from(key)
        if await self._db.instant() < known_from:
            raise KeyRefused(
                f"key {kid} was published too lately for every verifier to know it;"
                f" promote it from {rfc3339(known_from)} on"
            )
        await self._turning.promote(kid)
        return Done("promoted", kid)

    async def retire(self, kid: str) -> Done:
        """Take a key out of the key set, if nothing that it signed can be alive."""
        key = await self._key(kid)
        _demand_in_ring(key)
        if key.state == "active":
            raise KeyRefused(
                f"key {kid} is the active one; rotate first, or revoke it in an emergency"
            )
        if key.state == "former" and await self._db.instant() < key.needed_until:
            raise KeyRefused(
                f"what key {kid} signed may live until {rfc3339(key.needed_until)};"
                " retire it then, or revoke it in an emergency"
            )
        await self._turning.retire(key)
        return Done("retired", kid)

    async def revoke(self, kid: str) -> tuple[Done, ...]:
        """Take a key out of the key set at once; where it was active, another one is.

        That is the waiting key if every verifier can know it by now, else a new one. A key that
        was revoked before stays as it is, so that what was to follow can be taken up again.
        """
        key = await self._key(kid)
        done = Done("revoked", kid, purpose=key.purpose)
        if key.state == "revoked":
            return (done,)
        _demand_in_ring(key)
        if key.state != "active":
            await self._turning.revoke(key)
            return (done,)
        if key.purpose == "sig" and (heir := await self._heir()):
            await self._turning.revoke_for(key, heir)
            return (done, Done("promoted", heir))
        made = await self._turning.replace(key, self._policy.algorithm)
        return (done, Done("made", made, purpose=key.purpose))

    async def renew_secret(self) -> Done:
        """Have a new secret prove refresh tokens; the former proves those that it gave."""
        return Done("made", await self._turning.renew_secret(), purpose="mac")

    async def _heir(self) -> str | None:
        waiting = await self._waiting()
        known = waiting and self._policy.known_from(waiting) <= await self._db.instant()
        return waiting.kid if waiting and known else None

    async def _waiting(self) -> KeyRow | None:
        keys = await list_keys(self._db)
        return next((key for key in keys if key.state == "passive"), None)

    async def _key(self, kid: str) -> KeyRow:
        for key in await list_keys(self._db):
            if key.kid == kid:
                return key
        raise KeyRefused(f"the ring has no key {kid}; `identra keys list` names them")


def _demand_in_ring(key: KeyRow) -> None:
    if key.state in ("retired", "revoked"):
        raise KeyRefused(f"key {key.kid} is {key.state} already")
