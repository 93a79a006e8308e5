"""The ring's transactions: each leaves it valid, so that a process may die between any two."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from identra.db import Duplicate
from identra.keys.making import new_pair, new_secret
from identra.keys.nouns import KeyRefused

if TYPE_CHECKING:
    from identra.db import Database
    from identra.keys.making import NewKey
    from identra.keys.nouns import Algorithm, KeyRow
    from identra.keys.sealing import Sealing
    from identra.keys.steps import Steps
    from identra.master import MasterKey


class Lost(KeyRefused):
    """Another process changed the ring meanwhile: nothing was done here."""

    def __init__(self) -> None:
        super().__init__("the ring changed meanwhile; look at `identra keys list` and try again")


class Turning:
    """Turns the ring by one step: of all processes that try one has its way, the others Lost."""

    def __init__(self, db: Database, steps: Steps, sealing: Sealing) -> None:
        self._db = db
        self._steps = steps
        self._sealing = sealing

    async def publish(self, algorithm: Algorithm, signs_from: int) -> str:
        """Make a key that will sign, and publish it; its kid."""
        by = await self._sealing.demand_common()
        key = await asyncio.to_thread(new_pair, algorithm)
        try:
            await self._db.transact(partial(self._steps.insert_passive, key, by, signs_from))
        except Duplicate:
            raise Lost from None
        return key.kid

    async def hasten(self, kid: str, signs_from: int) -> None:
        """Have the waiting key sign earlier."""
        _demand(await self._steps.hasten(kid, signs_from))

    async def promote(self, kid: str) -> None:
        """Have the waiting key sign; the active one verifies only, from now on."""
        await self._db.transact(partial(self._promote, kid))

    async def retire(self, key: KeyRow) -> None:
        """Take a key that does not sign out of the key set."""
        await self._db.transact(partial(self._retire, key))

    async def revoke(self, key: KeyRow) -> None:
        """Take a key that does not sign out of the key set for good."""
        await self._db.transact(partial(self._revoke, key))

    async def revoke_for(self, key: KeyRow, heir: str) -> None:
        """Revoke the active key, and have the waiting one sign."""
        await self._db.transact(partial(self._revoke_for, key, heir))

    async def replace(self, key: KeyRow, algorithm: Algorithm) -> str:
        """Revoke the active key or secret, and have a new one in its place at once; its kid."""
        by = await self._sealing.common_or_first()
        made = await self._new(key, algorithm)
        await self._db.transact(partial(self._replace, key, made, by))
        return made.kid

    async def renew_secret(self) -> str:
        """Have a new secret prove what is made from now on; the former proves what it made."""
        by = await self._sealing.demand_common()
        made = new_secret()
        await self._db.transact(partial(self._renew, made, by))
        return made.kid

    async def _promote(self, kid: str) -> None:
        _demand(await self._steps.demote(await self._holder("sig")))
        _demand(await self._steps.promote(kid))

    async def _retire(self, key: KeyRow) -> None:
        _demand(await self._steps.retire(key))

    async def _revoke(self, key: KeyRow) -> None:
        _demand(await self._steps.revoke(key))

    async def _revoke_for(self, key: KeyRow, heir: str) -> None:
        await self._revoke(key)
        _demand(await self._steps.promote(heir))

    async def _replace(self, key: KeyRow, made: NewKey, by: MasterKey) -> None:
        await self._revoke(key)
        await self._steps.insert_active(made, by)

    async def _renew(self, made: NewKey, by: MasterKey) -> None:
        _demand(await self._steps.demote(await self._holder("mac")))
        await self._steps.insert_active(made, by)

    async def _new(self, key: KeyRow, algorithm: Algorithm) -> NewKey:
        return (
            new_secret() if key.purpose == "mac" else await asyncio.to_thread(new_pair, algorithm)
        )

    async def _holder(self, slot: str) -> str:
        t = self._db.tables.keys
        row = await self._db.first(t.select(t.id).where(t.slot == slot))
        return str(row["id"]) if row else ""


def _demand(changed: object) -> None:
    if not changed:
        raise Lost
