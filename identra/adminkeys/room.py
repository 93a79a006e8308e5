"""The room of admin keys: made, looked at, taken back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from identra.adminkeys.nouns import SCOPES, AdminKey, read, write
from identra.db import Duplicate, Param
from identra.errors import NotFound, OperatorError
from identra.secret import digest, same
from identra.values import HOUR

if TYPE_CHECKING:
    from collections.abc import Collection

    from identra.adminkeys.nouns import Scope
    from identra.db import Database
    from identra.events import Events
    from identra.values import Clock

COARSE: Final = HOUR
"""When a key was used is written down as seldom as that."""
_PURPOSE: Final = "admin key"


class AdminKeys:
    """Keeps a digest of each. 256 random bits need no slower one. Raises StoreUnavailable."""

    def __init__(self, db: Database, events: Events, clock: Clock) -> None:
        self._db = db
        self._events = events
        self._clock = clock
        t = db.tables.admin_keys
        self._found = db.prepare(t.select().where(t.id == Param("key_id")).limit(1))

    async def create(
        self, name: str, scopes: Collection[Scope], *, life: int
    ) -> tuple[AdminKey, str]:
        """Make a key that lives so long (µs): what is kept of it, and the key, told once.

        Raises OperatorError for a name that any key ever had: the record names callers by it.
        """
        now, (key_id, written) = self._clock(), write()
        ordered = tuple(scope for scope in SCOPES if scope in scopes)
        key = AdminKey(key_id, name, ordered, now, now + life)
        try:
            await self._db.transact(partial(self._insert, key, digest(_PURPOSE, written)))
        except Duplicate as taken:
            raise OperatorError(f"there is, or was, a key named {name}; choose another") from taken
        return key, written

    async def list(self) -> tuple[AdminKey, ...]:
        """Every key, the newest first, those that are over too."""
        t = self._db.tables.admin_keys
        rows = await self._db.fetch(t.select().order_by(t.created_at, t.id, ascending=False))
        return tuple(_key(row) for row in rows)

    async def revoke(self, name: str) -> bool:
        """Take a key back, from the next call on; whether it was not so already.

        Raises NotFound.
        """
        t = self._db.tables.admin_keys
        row = await self._db.first(t.select(t.id).where(t.name == name))
        if row is None:
            raise NotFound(f"no admin key {name}")
        return await self._db.transact(partial(self._revoke, row["id"], name))

    async def find(self, written: str) -> AdminKey | None:
        """The key that is written so, be it over or not; None for anything else."""
        key_id = read(written)
        row = None if key_id is None else await self._db.first(self._found.bind(key_id=key_id))
        right = same(digest(_PURPOSE, written), row["digest"] if row else "")
        return _key(row) if row and right else None

    async def used(self, key: AdminKey) -> None:
        """Remember, now and then, that a key is in use."""
        t, now = self._db.tables.admin_keys, self._clock()
        if key.last_used_at is not None and now - key.last_used_at < COARSE:
            return
        values: dict[Any, Any] = {t.last_used_at: now}
        await self._db.change(t.update(values).where(t.id == key.key_id))

    async def _insert(self, key: AdminKey, hashed: str) -> None:
        t = self._db.tables.admin_keys
        row = t(
            id=key.key_id,
            name=key.name,
            digest=hashed,
            scopes=" ".join(key.scopes),
            created_at=key.created_at,
            expires_at=key.expires_at,
        )
        await self._db.change(t.insert(row))
        scopes = " ".join(key.scopes)
        await self._events.record(
            "admin_key.created", key=key.key_id, key_name=key.name, scopes=scopes
        )

    async def _revoke(self, key_id: str, name: str) -> bool:
        t = self._db.tables.admin_keys
        values: dict[Any, Any] = {t.revoked_at: self._clock()}
        which = (t.id == key_id) & t.revoked_at.is_null()
        changed = await self._db.change(t.update(values).where(which)) > 0
        if changed:
            await self._events.record("admin_key.revoked", key=key_id, key_name=name)
        return changed


def _key(row: dict[str, Any]) -> AdminKey:
    return AdminKey(
        key_id=row["id"],
        name=row["name"],
        scopes=tuple(row["scopes"].split()),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        last_used_at=row["last_used_at"],
    )
