"""Changes to users; all of them inside the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from identra.db import Param
from identra.secret import uuid7
from identra.users.reading import Reading

if TYPE_CHECKING:
    from identra.db import Database
    from identra.events import EventName, Events
    from identra.linking import Decision
    from identra.locales import Locale
    from identra.values import Assertion, Clock


class Users(Reading):
    """Users with their addresses, identities and credentials, read and written."""

    def __init__(self, db: Database, events: Events, clock: Clock) -> None:
        super().__init__(db)
        self._events = events
        self._clock = clock
        t, hers = db.tables.users, db.tables.users.id == Param("user_id")
        entering = hers & t.disabled_at.is_null()
        noted: dict[Any, Any] = {t.last_login_at: Param("at")}
        spoken: dict[Any, Any] = noted | {t.locale: Param("locale")}
        self._enter = db.prepare(t.update(noted).where(entering))
        self._enter_speaking = db.prepare(t.update(spoken).where(entering))
        self._touch = db.prepare(t.update({t.created_at: t.created_at}).where(hers))

    async def apply(
        self,
        decision: Decision,
        assertion: Assertion,
        counts_from: int | None = None,
        *,
        by: str = "",
    ) -> str:
        """Do what was decided; the user's id. Raises Duplicate where another was quicker.

        What becomes hers counts as proof that it is she from `counts_from` on. `by` is who had it
        done, where that is not she, here as in whatever else operators do.
        """
        if decision.unclaim and assertion.address:
            await self._unclaim(decision.unclaim, assertion.address)
        if decision.lock_out:
            await self.drop_secrets(decision.lock_out)
        user_id = decision.user_id or await self._create(by)
        if assertion.address and (decision.prove or decision.claim):
            proves = decision.prove
            await self._own(
                user_id, assertion.address, proved=proves, counts_from=counts_from, by=by
            )
        if decision.link and assertion.subject:
            await self._link(user_id, assertion, counts_from or assertion.at)
        return user_id

    async def enter(self, user_id: str, at: int, locale: Locale | None = None) -> bool:
        """Note that she entered, and hold her row; False if she is gone or disabled.

        With a `locale` it is hers from now on.
        """
        if locale is None:
            return bool(await self._db.change(self._enter.bind(user_id=user_id, at=at)))
        speaking = self._enter_speaking.bind(user_id=user_id, at=at, locale=locale)
        return bool(await self._db.change(speaking))

    async def touch(self, user_id: str) -> bool:
        """Hold her row until the transaction ends; changes nothing. False if she is gone."""
        return bool(await self._db.change(self._touch.bind(user_id=user_id)))

    async def speak(self, user_id: str, locale: Locale) -> None:
        """Have her mail come in that language until she asks for another."""
        t = self._db.tables.users
        await self._db.change(t.update({t.locale: locale}).where(t.id == user_id))

    async def set_secret(self, user_id: str, provider: str, hashed: str, *, by: str = "") -> None:
        """Keep a hash as her credential at a secret provider, in place of any former one."""
        t = self._db.tables.credentials
        now = self._clock()
        mine = (t.user_id == user_id) & (t.provider == provider)
        values: dict[Any, Any] = {t.hash: hashed, t.set_at: now, t.change_required_at: None}
        if not await self._db.change(t.update(values).where(mine)):
            await self._db.change(
                t.insert(t(id=uuid7(), user_id=user_id, provider=provider, hash=hashed, set_at=now))
            )
        await self._events.record("password.set", user_id=user_id, provider=provider, by=by)

    async def require_change(self, user_id: str, provider: str, *, by: str) -> bool:
        """Let her secret open nothing until she sets another; False where she has none."""
        t = self._db.tables.credentials
        mine = (t.user_id == user_id) & (t.provider == provider)
        required = await self._db.change(
            t.update({t.change_required_at: self._clock()}).where(mine)
        )
        if required:
            await self._events.record(
                "password.required", user_id=user_id, provider=provider, by=by
            )
        return bool(required)

    async def rehash(self, user_id: str, provider: str, former: str, hashed: str) -> None:
        """Replace a hash by a stronger one of the same secret, if it is still the one."""
        t = self._db.tables.credentials
        mine = (t.user_id == user_id) & (t.provider == provider) & (t.hash == former)
        await self._db.change(t.update({t.hash: hashed}).where(mine))

    async def unlink(self, user_id: str, provider: str, *, by: str = "") -> None:
        """Remove her identities at a provider."""
        t = self._db.tables.identities
        hers = (t.user_id == user_id) & (t.provider == provider)
        if await self._db.change(t.delete().where(hers)):
            await self._events.record(
                "identity.unlinked", user_id=user_id, provider=provider, by=by
            )

    async def promote(self, user_id: str, email: str) -> None:
        """Make a proved address of hers the primary one."""
        t = self._db.tables.users
        await self._db.change(t.update({t.primary_email: email}).where(t.id == user_id))
        await self._events.record("address.promoted", user_id=user_id)

    async def drop_address(self, user_id: str, email: str) -> None:
        """Remove an address of hers; one that she had chosen is chosen no longer."""
        e, u = self._db.tables.emails, self._db.tables.users
        await self._db.change(e.delete().where((e.email == email) & (e.user_id == user_id)))
        chosen = (u.id == user_id) & (u.primary_email == email)
        await self._db.change(u.update({u.primary_email: None}).where(chosen))
        await self._events.record("address.removed", user_id=user_id)

    async def disable(
        self, user_id: str, reason: str, *, at: int | None = None, by: str = ""
    ) -> bool:
        """Shut a user out, as of an instant; whether she was not already."""
        t = self._db.tables.users
        changed = await self._db.change(
            t.update({t.disabled_at: at or self._clock(), t.disabled_reason: reason}).where(
                (t.id == user_id) & t.disabled_at.is_null()
            )
        )
        if changed:
            await self._events.record("user.disabled", user_id=user_id, reason=reason, by=by)
        return bool(changed)

    async def enable(self, user_id: str, *, by: str) -> bool:
        """Let a disabled user in again, be she about to leave; whether she was disabled."""
        t, d = self._db.tables.users, self._db.tables.departures
        left = await self._db.change(d.delete().where(d.user_id == user_id))
        changed = await self._db.change(
            t.update({t.disabled_at: None, t.disabled_reason: None}).where(
                (t.id == user_id) & t.disabled_at.is_not_null()
            )
        )
        if changed:
            name: EventName = "user.restored" if left else "user.enabled"
            await self._events.record(name, user_id=user_id, by=by)
        return bool(changed)

    async def _create(self, by: str) -> str:
        t = self._db.tables.users
        user_id = uuid7()
        await self._db.change(t.insert(t(id=user_id, created_at=self._clock())))
        await self._events.record("user.created", user_id=user_id, by=by)
        return user_id

    async def _own(
        self, user_id: str, email: str, *, proved: bool, counts_from: int | None, by: str
    ) -> None:
        t = self._db.tables.emails
        proved_at = self._clock() if proved else None
        changed = await self._db.change(
            t.update({t.proved_at: proved_at, t.counts_from: counts_from}).where(
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
                        counts_from=counts_from,
                    )
                )
            )
        if proved:
            await self._events.record("address.proved", user_id=user_id, by=by)

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

    async def drop_secrets(self, user_id: str) -> None:
        """Remove every secret of hers."""
        t = self._db.tables.credentials
        await self._db.change(t.delete().where(t.user_id == user_id))
