"""The single statements by which the ring changes, each by compare-and-set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from identra.keys.nouns import NEXT

if TYPE_CHECKING:
    from identra.db import Database
    from identra.db.statement import Row
    from identra.events import Events
    from identra.keys.making import NewKey
    from identra.keys.nouns import KeyRow, KeyState, Lives
    from identra.master import MasterKey, MasterKeys


class Steps:
    """What a transaction over the ring is made of. Each answers whether it had its effect.

    "Exactly one active key, at most one waiting" is a unique constraint: the active key holds
    its purpose's slot, the waiting one the next. `lives` are this process's own lifetimes.
    """

    def __init__(self, db: Database, master: MasterKeys, events: Events, lives: Lives) -> None:
        self._db = db
        self._master = master
        self._events = events
        self._lives = lives

    async def insert_active(self, key: NewKey, by: MasterKey) -> None:
        """Add a key that signs at once, sealed. Raises Duplicate while another one does."""
        await self._insert(key, by, "active", key.purpose)
        await self._events.record("key.activated", kid=key.kid, algorithm=key.algorithm)

    async def insert_passive(self, key: NewKey, by: MasterKey, signs_from: int) -> None:
        """Add a key that waits, sealed. Raises Duplicate while another one does."""
        await self._insert(key, by, "passive", NEXT, signs_from)
        await self._events.record("key.published", kid=key.kid, algorithm=key.algorithm)

    async def promote(self, kid: str) -> bool:
        """Give the signing slot, which is free, to the waiting key."""
        t = self._db.tables.keys
        now = await self._db.instant()
        row = await self._db.first(t.select(t.algorithm, t.lives).where(t.id == kid))
        if row is None or not await self._change(kid, "passive", "active", slot="sig", at=now):
            return False
        await self._events.record("key.activated", kid=kid, algorithm=row["algorithm"])
        return True

    async def demote(self, kid: str) -> bool:
        """Take the slot away from the active key, which becomes a former one."""
        now = await self._db.instant()
        return await self._change(kid, "active", "former", slot=None, at=now)

    async def retire(self, key: KeyRow) -> bool:
        """Take a key that does not sign out of the key set, and forget its private part."""
        now = await self._db.instant()
        if not await self._change(key.kid, key.state, "retired", slot=None, at=now, sealed=""):
            return False
        await self._events.record("key.retired", kid=key.kid)
        return True

    async def revoke(self, key: KeyRow) -> bool:
        """Take any key out of the key set for good, and forget its private part."""
        now = await self._db.instant()
        if not await self._change(key.kid, key.state, "revoked", slot=None, at=now, sealed=""):
            return False
        await self._events.record("key.revoked", kid=key.kid)
        return True

    async def hasten(self, kid: str, signs_from: int) -> bool:
        """Have the waiting key sign earlier."""
        t = self._db.tables.keys
        waiting = (t.id == kid) & (t.state == "passive")
        return bool(await self._db.change(t.update({t.signs_from: signs_from}).where(waiting)))

    async def own_up(self, row: Row) -> None:
        """Have a key kept for as long as what this process puts under it, whatever others do."""
        t = self._db.tables.keys
        lives = self._lives.under(row["purpose"])
        if row["lives"] < lives:
            shorter = (t.id == row["id"]) & (t.lives < lives)
            await self._db.change(t.update({t.lives: lives}).where(shorter))

    async def reseal(self, kid: str, sealed_by: str) -> bool:
        """Open a key by the master key that sealed it, and close it by the first."""
        t = self._db.tables.keys
        same = (t.id == kid) & (t.sealed_by == sealed_by)
        row = await self._db.first(t.select(t.sealed).where(same))
        if row is None:
            return False
        first = self._master.first
        sealed = row["sealed"] and first.seal(self._master.open(row["sealed"], sealed_by))
        anew: dict[Any, Any] = {t.sealed: sealed, t.sealed_by: first.key_id}
        return bool(await self._db.change(t.update(anew).where(same & (t.sealed == row["sealed"]))))

    async def _change(
        self, kid: str, state: str, becomes: KeyState, *, slot: str | None, at: int, **more: str
    ) -> bool:
        t = self._db.tables.keys
        values: dict[Any, Any] = {t.state: becomes, t.slot: slot, t.changed_at: at}
        values |= {getattr(t, name): value for name, value in more.items()}
        same = (t.id == kid) & (t.state == state)
        return bool(await self._db.change(t.update(values).where(same)))

    async def _insert(
        self, key: NewKey, by: MasterKey, state: KeyState, slot: str, signs_from: int | None = None
    ) -> None:
        t = self._db.tables.keys
        now = await self._db.instant()
        row = t(
            id=key.kid,
            purpose=key.purpose,
            algorithm=key.algorithm,
            state=state,
            slot=slot,
            public=key.public,
            sealed=by.seal(key.private),
            sealed_by=by.key_id,
            created_at=now,
            changed_at=now,
            signs_from=signs_from,
            lives=self._lives.under(key.purpose),
        )
        await self._db.change(t.insert(row))
