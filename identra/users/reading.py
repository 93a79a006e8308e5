"""Who is known by what, and what is hers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from identra.db import Param
from identra.linking import Known
from identra.locales import stored
from identra.users.nouns import Credential, Holdings
from identra.users.whole import (
    candidate_in,
    in_session,
    known_in,
    select_by_secret,
    select_in_session,
    select_standing,
    select_whole,
    user_in,
)

if TYPE_CHECKING:
    from identra.db import Database
    from identra.linking import Candidate
    from identra.locales import Locale
    from identra.users.nouns import InSession, User
    from identra.values import Assertion


class Reading:
    """Questions about users; they change nothing."""

    def __init__(self, db: Database) -> None:
        self._db = db
        u = db.tables.users
        self._whole = select_whole(db)
        self._in_session = select_in_session(db)
        self._standing = select_standing(db)
        self._by_secret = select_by_secret(db)
        enabled = (u.id == Param("user_id")) & u.disabled_at.is_null()
        self._enabled = db.prepare(u.select(u.id).where(enabled))
        e, c = db.tables.emails, db.tables.credentials
        at_place = c.provider == Param("provider")
        owned = at_place & (c.user_id == Param("user_id"))
        self._kept = db.prepare(c.select(*_columns(c)).where(owned))
        addressed = e.email == Param("email")
        self._credential, self._proved_credential = (
            db.prepare(
                c.select(*_columns(c)).where(
                    at_place & c.user_id.is_in(e.select(e.user_id).where(whose))
                )
            )
            for whose in (addressed, addressed & e.proved_at.is_not_null())
        )

    async def known(self, assertion: Assertion, live: str | None = None) -> Known:
        """Who is known by the assertion's identity and its address."""
        by_identity = await self._by_identity(assertion.provider, assertion.subject)
        if assertion.address is None:
            return replace(by_identity, live=live)
        by_address = await self._by_address(assertion.address)
        if by_identity.identity is None:
            return replace(by_address, live=live)
        return replace(by_identity, owner=by_address.owner, claimant=by_address.claimant, live=live)

    async def known_address(self, email: str) -> Known:
        """Who proved or claims this address."""
        return await self._by_address(email)

    async def known_by_secret(self, credential: Credential, provider: str) -> Known:
        """The user of a credential whose secret was found right; nobody, if it was set anew."""
        kept = self._by_secret.bind(user_id=credential.user_id, provider=provider)
        return known_in(credential, await self._db.fetch(kept))

    async def hash_of(self, user_id: str, provider: str) -> str | None:
        """The hash kept for a user at a secret provider, or None."""
        row = await self._db.first(self._kept.bind(user_id=user_id, provider=provider))
        return str(row["hash"]) if row else None

    async def secret_since(self, user_id: str, provider: str) -> int | None:
        """When a user's secret at a provider was set, or None; a hash made anew changes nothing."""
        row = await self._db.first(self._kept.bind(user_id=user_id, provider=provider))
        return int(row["set_at"]) if row else None

    async def user(self, user_id: str) -> User | None:
        """A user with all that is hers, or None."""
        return user_in(user_id, await self._db.fetch(self._whole.bind(user_id=user_id)))

    async def in_session(self, user_id: str, session_id: str) -> InSession:
        """A user with all that is hers, and what is left of a session of hers; one statement."""
        both = self._in_session.bind(user_id=user_id, session_id=session_id)
        return in_session(user_id, await self._db.fetch(both))

    async def holdings(self, user_id: str) -> Holdings:
        """What is held as hers, the oldest first."""
        t = self._db.tables
        e, i, c = t.emails, t.identities, t.credentials
        addresses = e.select(e.email, e.created_at, e.proved_at, e.counts_from)
        identities = i.select(i.provider, i.subject, i.username, i.linked_at, i.counts_from)
        credentials = c.select(c.provider, c.set_at, c.change_required_at)
        return Holdings(
            *[
                tuple(await self._db.fetch(query.where(table.user_id == user_id).order_by(first)))
                for query, table, first in (
                    (addresses, e, e.created_at),
                    (identities, i, i.linked_at),
                    (credentials, c, c.set_at),
                )
            ]
        )

    async def locale_at(self, email: str) -> Locale | None:
        """The language of whoever proved an address; one statement, whoever has it."""
        t = self._db.tables
        proved = (t.emails.email == email) & t.emails.proved_at.is_not_null()
        owner = t.emails.select(t.emails.user_id).where(proved)
        row = await self._db.first(t.users.select(t.users.locale).where(t.users.id.is_in(owner)))
        return stored(row["locale"]) if row else None

    async def enabled(self, user_id: str) -> bool:
        """Whether there is such a user, and she may enter."""
        return await self._db.first(self._enabled.bind(user_id=user_id)) is not None

    async def find(self, email: str) -> str | None:
        """The user id of whoever proved or claims an address."""
        t = self._db.tables.emails
        row = await self._db.first(t.select(t.user_id).where(t.email == email))
        return str(row["user_id"]) if row else None

    async def identified(self, provider: str, subject: str) -> str | None:
        """The user id of whoever has an identity."""
        t = self._db.tables.identities
        query = t.select(t.user_id).where((t.provider == provider) & (t.subject == subject))
        row = await self._db.first(query)
        return str(row["user_id"]) if row else None

    async def credential(self, provider: str, email: str) -> Credential | None:
        """The credential of an address's user at a secret provider, or None.

        One statement whoever has the address, so that its time tells nothing.
        """
        row = await self._db.first(self._credential.bind(provider=provider, email=email))
        return Credential(**row) if row else None

    async def credential_of(self, user_id: str, provider: str) -> Credential | None:
        """The credential of a user at a secret provider, or None."""
        row = await self._db.first(self._kept.bind(user_id=user_id, provider=provider))
        return Credential(**row) if row else None

    async def proved(self, email: str, at: int) -> str | None:
        """The user who proved an address, by what counts at that instant; one statement."""
        t = self._db.tables.emails
        counts = t.counts_from.is_null() | (t.counts_from <= at)
        row = await self._db.first(
            t.select(t.user_id).where((t.email == email) & t.proved_at.is_not_null() & counts)
        )
        return str(row["user_id"]) if row else None

    async def proved_credential(self, provider: str, email: str) -> Credential | None:
        """The same, just for a user who proved the address."""
        row = await self._db.first(self._proved_credential.bind(provider=provider, email=email))
        return Credential(**row) if row else None

    async def _by_identity(self, provider: str, subject: str | None) -> Known:
        if subject is None:
            return Known()
        t = self._db.tables.identities
        which = (t.provider == provider) & (t.subject == subject)
        row = await self._db.first(t.select(t.user_id, t.counts_from).where(which))
        if row is None:
            return Known()
        return Known(identity=await self._candidate(row["user_id"]), counts_from=row["counts_from"])

    async def _by_address(self, email: str) -> Known:
        t = self._db.tables.emails
        row = await self._db.first(
            t.select(t.user_id, t.proved_at, t.counts_from).where(t.email == email)
        )
        if row is None:
            return Known()
        holder = await self._candidate(row["user_id"])
        if row["proved_at"] is not None:
            return Known(owner=holder, counts_from=row["counts_from"])
        return Known(claimant=holder)

    async def _candidate(self, user_id: str) -> Candidate | None:
        return candidate_in(user_id, await self._db.fetch(self._standing.bind(user_id=user_id)))


def _columns(credentials: Any) -> tuple[Any, ...]:
    """What is read of a credential."""
    c = credentials
    return c.user_id, c.hash, c.set_at, c.change_required_at
