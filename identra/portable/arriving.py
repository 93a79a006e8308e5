"""Users on their way in: all that is a user's, or nothing of her."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from identra.db import Duplicate
from identra.portable.leaving import records
from identra.secret import uuid7

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from identra.db import Database
    from identra.events import Events
    from identra.portable.record import Record

BATCH: Final = 200

Coming: TypeAlias = "tuple[int, Record]"


@dataclass(slots=True)
class Outcome:
    """How many came, how many were here already just so, and which lines were refused and why."""

    came: int = 0
    here: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)

    @property
    def seen(self) -> int:
        """How many were looked at."""
        return self.came + self.here + len(self.refused)

    def add(self, more: Outcome) -> None:
        """Add another's counts."""
        self.came += more.came
        self.here += more.here
        self.refused += more.refused


class Arrivals:
    """Takes users in. Told again, a user who is here just so is passed over: so it resumes."""

    def __init__(self, db: Database, events: Events) -> None:
        self._db = db
        self._events = events

    async def take(self, users: AsyncIterator[Coming], *, dry_run: bool) -> AsyncIterator[Outcome]:
        """Take them batch by batch, each told as an Outcome; a `dry_run` changes nothing.

        Nobody's row is ever written over: a user id, an address or an identity that another user
        has refuses the whole line.
        """
        batch: list[Coming] = []
        async for entry in users:
            batch.append(entry)
            if len(batch) == BATCH:
                yield await self._take(batch, dry_run=dry_run)
                batch = []
        if batch:
            yield await self._take(batch, dry_run=dry_run)

    async def _take(self, batch: Sequence[Coming], *, dry_run: bool) -> Outcome:
        outcome = Outcome()
        coming = await self._sort(batch, outcome)
        if dry_run:
            outcome.came = len(coming)
            return outcome
        try:
            await self._insert(coming)
            outcome.came = len(coming)
        except Duplicate:
            for entry in coming:
                await self._take_one(entry, outcome)
        return outcome

    async def _sort(self, batch: Sequence[Coming], outcome: Outcome) -> list[Coming]:
        """Those who may come: not here yet, and nothing of theirs is another's."""
        here = await records(self._db, [record.user_id for _, record in batch])
        holders = await self._holders(batch)
        coming = []
        for number, record in batch:
            if record.user_id in here:
                if here[record.user_id] == record:
                    outcome.here += 1
                else:
                    outcome.refused.append((number, "another user has this user_id"))
            elif taken := [key for key in _names(record) if key in holders]:
                outcome.refused.append((number, f"another user has {taken[0][0]}"))
            else:
                coming.append((number, record))
        return coming

    async def _holders(self, batch: Sequence[Coming]) -> set[tuple[str, str, str]]:
        t = self._db.tables
        emails = [own.email for _, record in batch for own in record.addresses]
        identities = [one for _, record in batch for one in record.identities]
        held: set[tuple[str, str, str]] = set()
        if emails:
            query = t.emails.select(t.emails.email).where(t.emails.email.is_in(emails))
            held |= {("its address", "", row["email"]) for row in await self._db.fetch(query)}
        if identities:
            i = t.identities
            # By both columns, as the index is: by subjects alone the whole table would be read.
            places = i.provider.is_in(sorted({one.provider for one in identities}))
            subjects = i.subject.is_in([one.provider_user_id for one in identities])
            query = i.select(i.provider, i.subject).where(places & subjects)
            rows = await self._db.fetch(query)
            held |= {("its identity", row["provider"], row["subject"]) for row in rows}
        return held

    async def _take_one(self, entry: Coming, outcome: Outcome) -> None:
        try:
            await self._insert([entry])
            outcome.came += 1
        except Duplicate:
            outcome.refused.append((entry[0], "another user was quicker"))

    async def _insert(self, coming: Sequence[Coming]) -> None:
        if not coming:
            return
        users = [record for _, record in coming]
        async with self._db.transaction(patient=True):
            await self._add(self._db.tables.users, [_user(record) for record in users])
            await self._add(self._db.tables.emails, [r for u in users for r in _addresses(u)])
            await self._add(self._db.tables.identities, [r for u in users for r in _identities(u)])
            await self._add(self._db.tables.credentials, [r for u in users for r in _secrets(u)])
            await self._add(self._db.tables.departures, [r for u in users for r in _departure(u)])
            for record in users:
                await self._events.record("user.created", user_id=record.user_id, by="import")

    async def _add(self, table: Any, rows: Sequence[dict[str, Any]]) -> None:
        if rows:
            await self._db.change(table.insert(*(table(**row) for row in rows)))


def _names(record: Record) -> list[tuple[str, str, str]]:
    addresses = [("its address", "", own.email) for own in record.addresses]
    return addresses + [
        ("its identity", one.provider, one.provider_user_id) for one in record.identities
    ]


def _user(record: Record) -> dict[str, Any]:
    return {
        "id": record.user_id,
        "created_at": record.created_at,
        "last_login_at": record.last_login_at,
        "disabled_at": record.disabled_at,
        "disabled_reason": record.disabled_reason,
        "primary_email": record.primary_email,
        "locale": record.locale,
    }


def _departure(record: Record) -> list[dict[str, Any]]:
    if record.leaves_at is None:
        return []
    asked_at = record.disabled_at
    return [{"user_id": record.user_id, "asked_at": asked_at, "leaves_at": record.leaves_at}]


def _addresses(record: Record) -> list[dict[str, Any]]:
    return [{"user_id": record.user_id, **own.model_dump()} for own in record.addresses]


def _identities(record: Record) -> list[dict[str, Any]]:
    return [
        {
            "id": uuid7(),
            "user_id": record.user_id,
            "provider": one.provider,
            "subject": one.provider_user_id,
            "username": one.username,
            "linked_at": one.linked_at,
            "counts_from": one.counts_from,
        }
        for one in record.identities
    ]


def _secrets(record: Record) -> list[dict[str, Any]]:
    return [
        {"id": uuid7(), "user_id": record.user_id, **secret.model_dump()}
        for secret in record.secrets
    ]
