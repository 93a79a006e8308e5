"""Who is known by what, and what is hers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from identra.db import Param
from identra.linking import Candidate, Known
from identra.locales import stored
from identra.users.nouns import Credential, Identity, OwnAddress, User

if TYPE_CHECKING:
    from identra.db import Database
    from identra.locales import Locale
    from identra.values import Assertion


class Reading:
    """Questions about users; they change nothing."""

    def __init__(self, db: Database) -> None:
        self._db = db
        t, hers = db.tables, Param("user_id")
        u, e, i, c = t.users, t.emails, t.identities, t.credentials
        addresses = e.select(e.email, e.proved_at).where(e.user_id == hers)
        identities = i.select(i.provider, i.subject, i.username, i.linked_at).where(
            i.user_id == hers
        )
        self._user = db.prepare(u.select().where(u.id == hers))
        enabled = (u.id == hers) & u.disabled_at.is_null()
        self._enabled = db.prepare(u.select(u.id).where(enabled))
        self._addresses_of = db.prepare(addresses.order_by(e.created_at))
        self._identities_of = db.prepare(identities.order_by(i.linked_at))
        self._secrets_of = db.prepare(c.select(c.provider).where(c.user_id == hers))

    async def known(self, assertion: Assertion, live: str | None = None) -> Known:
        """Who is known by the assertion's identity and its address."""
        identity = await self._by_identity(assertion.provider, assertion.subject)
        if assertion.address is None:
            return Known(identity=identity, live=live)
        return await self._by_address(assertion.address, identity, live)

    async def known_address(self, email: str) -> Known:
        """Who proved or claims this address."""
        return await self._by_address(email, None, None)

    async def known_user(self, user_id: str) -> Known:
        """The user a proof has already named."""
        return Known(identity=await self._candidate(user_id))

    async def hash_of(self, user_id: str, provider: str) -> str | None:
        """The hash kept for a user at a secret provider, or None."""
        t = self._db.tables.credentials
        row = await self._db.first(
            t.select(t.hash).where((t.user_id == user_id) & (t.provider == provider))
        )
        return str(row["hash"]) if row else None

    async def secret_since(self, user_id: str, provider: str) -> int | None:
        """When a user's secret at a provider was set, or None; a hash made anew changes nothing."""
        t = self._db.tables.credentials
        row = await self._db.first(
            t.select(t.set_at).where((t.user_id == user_id) & (t.provider == provider))
        )
        return int(row["set_at"]) if row else None

    async def user(self, user_id: str) -> User | None:
        """A user with all that is hers, or None."""
        row = await self._db.first(self._user.bind(user_id=user_id))
        if row is None:
            return None
        return User(
            user_id=user_id,
            created_at=row["created_at"],
            last_login_at=row["last_login_at"],
            disabled_at=row["disabled_at"],
            disabled_reason=row["disabled_reason"],
            addresses=await self._addresses(user_id),
            identities=await self._identities(user_id),
            secrets=await self._secrets(user_id),
            locale=stored(row["locale"]),
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

    async def list(self, *, limit: int, after: str = "") -> tuple[str, ...]:
        """User ids in the order of their making, a page at a time."""
        t = self._db.tables.users
        rows = await self._db.fetch(t.select(t.id).where(t.id > after).order_by(t.id).limit(limit))
        return tuple(row["id"] for row in rows)

    async def credential(self, provider: str, email: str) -> Credential | None:
        """The credential of an address's user at a secret provider, or None."""
        return await self._credential(provider, self._db.tables.emails.email == email)

    async def proved_credential(self, provider: str, email: str) -> Credential | None:
        """The same, just for a user who proved the address."""
        t = self._db.tables.emails
        return await self._credential(provider, (t.email == email) & t.proved_at.is_not_null())

    async def _credential(self, provider: str, address: Any) -> Credential | None:
        """One statement whoever has the address, so that its time tells nothing."""
        t = self._db.tables
        c, holder = t.credentials, t.emails.select(t.emails.user_id).where(address)
        row = await self._db.first(
            c.select(c.user_id, c.hash, c.set_at).where(
                (c.provider == provider) & c.user_id.is_in(holder)
            )
        )
        return Credential(**row) if row else None

    async def _by_identity(self, provider: str, subject: str | None) -> Candidate | None:
        if subject is None:
            return None
        t = self._db.tables.identities
        row = await self._db.first(
            t.select(t.user_id).where((t.provider == provider) & (t.subject == subject))
        )
        return await self._candidate(row["user_id"]) if row else None

    async def _by_address(self, email: str, identity: Candidate | None, live: str | None) -> Known:
        t = self._db.tables.emails
        row = await self._db.first(t.select(t.user_id, t.proved_at).where(t.email == email))
        if row is None:
            return Known(identity=identity, live=live)
        holder = await self._candidate(row["user_id"])
        if row["proved_at"] is not None:
            return Known(identity=identity, owner=holder, live=live)
        return Known(identity=identity, claimant=holder, live=live)

    async def _candidate(self, user_id: str) -> Candidate | None:
        t = self._db.tables.users
        row = await self._db.first(t.select(t.disabled_at).where(t.id == user_id))
        if row is None:
            return None
        return Candidate(user_id, row["disabled_at"] is not None, await self._proved(user_id))

    async def _proved(self, user_id: str) -> bool:
        t = self._db.tables
        e, i = t.emails, t.identities
        address = await self._db.first(
            e.select(e.email).where((e.user_id == user_id) & e.proved_at.is_not_null()).limit(1)
        )
        if address:
            return True
        identity = await self._db.first(i.select(i.id).where(i.user_id == user_id).limit(1))
        return identity is not None

    async def _addresses(self, user_id: str) -> tuple[OwnAddress, ...]:
        rows = await self._db.fetch(self._addresses_of.bind(user_id=user_id))
        return tuple(OwnAddress(**row) for row in rows)

    async def _identities(self, user_id: str) -> tuple[Identity, ...]:
        rows = await self._db.fetch(self._identities_of.bind(user_id=user_id))
        return tuple(Identity(**row) for row in rows)

    async def _secrets(self, user_id: str) -> tuple[str, ...]:
        rows = await self._db.fetch(self._secrets_of.bind(user_id=user_id))
        return tuple(row["provider"] for row in rows)
