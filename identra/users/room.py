"""Changes to users; all of them inside the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from identra.secret import uuid7
from identra.users.reading import Reading

if TYPE_CHECKING:
    from identra.db import Database
    from identra.events import Events
    from identra.linking import Decision
    from identra.locales import Locale
    from identra.values import Assertion, Clock


class Users(Reading):
    """Users with their addresses, identities and credentials, read and written."""

    def __init__(self, db: Database, events: Events, clock: Clock) -> None:
        super().__init__(db)
        self._events = events
        self._clock = clock

    async def apply(
        self, decision: Decision, assertion: Assertion, counts_from: int | None = None
    ) -> str:
        """Do what was decided; the user's id. Raises Duplicate where another was quicker."""
        if decision.unclaim and assertion.address:
            await self._unclaim(decision.unclaim, assertion.address)
        if decision.lock_out:
            await self._drop_secrets(decision.lock_out)
        user_id = decision.user_id or await self._create()
        if assertion.address and (decision.prove or decision.claim):
            await self._own(user_id, assertion.address, proved=decision.prove)
        if decision.link and assertion.subject:
            await self._link(user_id, assertion, counts_from or assertion.at)
        return user_id

    async def enter(self, user_id: str, at: int, locale: Locale | None = None) -> bool:
        """Note that she entered, and hold her row; False if she is gone or disabled.

        With a `locale` it is hers from now on.
        """
        t = self._db.tables.users
        noted: dict[Any, Any] = {t.last_login_at: at} | ({t.locale: locale} if locale else {})
        entered = await self._db.change(
            t.update(noted).where((t.id == user_id) & t.disabled_at.is_null())
        )
        return bool(entered)

    async def touch(self, user_id: str) -> None:
        """Hold her row until the transaction ends; changes nothing."""
        t = self._db.tables.users
        await self._db.change(t.update({t.created_at: t.created_at}).where(t.id == user_id))

    async def set_secret(self, user_id: str, provider: str, hashed: str) -> None:
        """Keep a hash as her credential at a secret provider, in place of any former one."""
        t = self._db.tables.credentials
        now = self._clock()
        mine = (t.user_id == user_id) & (t.provider == provider)
        if not await self._db.change(t.update({t.hash: hashed, t.set_at: now}).where(mine)):
            await self._db.change(
                t.insert(t(id=uuid7(), user_id=user_id, provider=provider, hash=hashed, set_at=now))
            )
        await self._events.record("password.set", user_id=user_id, provider=provider)

    async def rehash(self, user_id: str, provider: str, former: str, hashed: str) -> None:
        """Replace a hash by a stronger one of the same secret, if it is still the one."""
        t = self._db.tables.credentials
        mine = (t.user_id == user_id) & (t.provider == provider) & (t.hash == former)
        await self._db.change(t.update({t.hash: hashed}).where(mine))

    async def disable(self, user_id: str, reason: str) -> bool:
        """Shut a user out; whether she was not already."""
        t = self._db.tables.users
        changed = await self._db.change(
            t.update({t.disabled_at: self._clock(), t.disabled_reason: reason}).where(
                (t.id == user_id) & t.disabled_at.is_null()
            )
        )
        if changed:
            await self._events.record("user.disabled", user_id=user_id, reason=reason)
        return bool(changed)

    async def enable(self, user_id: str) -> bool:
        """Let a disabled user in again; whether she was disabled."""
        t = self._db.tables.users
        changed = await self._db.change(
            t.update({t.disabled_at: None, t.disabled_reason: None}).where(
                (t.id == user_id) & t.disabled_at.is_not_null()
            )
        )
        if changed:
            await self._events.record("user.enabled", user_id=user_id)
        return bool(changed)

    async def _create(self) -> str:
        t = self._db.tables.users
        user_id = uuid7()
        await self._db.change(t.insert(t(id=user_id, created_at=self._clock())))
        await self._events.record("user.created", user_id=user_id)
        return user_id

    async def _own(self, user_id: str, email: str, *, proved: bool) -> None:
        t = self._db.tables.emails
        proved_at = self._clock() if proved else None
        changed = await self._db.change(
            t.update({t.proved_at: proved_at}).where(
                (t.email == email) & (t.user_id == user_id) & t.proved_at.is_null()
            )
        )
        if not changed:
            await self._db.change(
                t.insert(
                    t(
                        email=email,
                        user_id=user_id,
                        proved_at=proved_at,
                        created_at=self._clock(),
                    )
                )
            )
        if proved:
            await self._events.record("address.proved", user_id=user_id)

    async def _link(self, user_id: str, assertion: Assertion, counts_from: int) -> None:
        t = self._db.tables.identities
        row: dict[str, Any] = {
            "id": uuid7(),
            "user_id": user_id,
            "provider": assertion.provider,
            "subject": assertion.subject,
            "username": assertion.username,
            "linked_at": assertion.at,
            "counts_from": counts_from,
        }
        await self._db.change(t.insert(t(**row)))
        await self._events.record("identity.linked", user_id=user_id, provider=assertion.provider)

    async def _unclaim(self, user_id: str, email: str) -> None:
        t = self._db.tables.emails
        lost = await self._db.change(
            t.delete().where((t.email == email) & (t.user_id == user_id) & t.proved_at.is_null())
        )
        if lost:
            await self._events.record("address.lost", user_id=user_id)

    async def _drop_secrets(self, user_id: str) -> None:
        t = self._db.tables.credentials
        await self._db.change(t.delete().where(t.user_id == user_id))
