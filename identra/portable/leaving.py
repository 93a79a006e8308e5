"""Users on their way out: read in the order of their ids, a page at a time."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from identra.db import Param
from identra.locales import stored
from identra.portable.record import Identity, OwnAddress, Record, Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from identra.db import Database

PAGE: Final = 200


async def leaving(db: Database) -> AsyncIterator[Record]:
    """Every user. Memory does not grow with their number."""
    t, last = db.tables.users, ""
    page = db.prepare(t.select(t.id).where(t.id > Param("last")).order_by(t.id).limit(PAGE))
    while rows := await db.fetch(page.bind(last=last)):
        ids = [row["id"] for row in rows]
        found = await records(db, ids)
        for user_id in ids:
            if user_id in found:
                yield found[user_id]
        last = ids[-1]


async def records(db: Database, ids: Sequence[str]) -> dict[str, Record]:
    """Those of these users that are there, whole."""
    t = db.tables
    addresses = await _theirs(db, t.emails, ids)
    identities = await _theirs(db, t.identities, ids)
    secrets = await _theirs(db, t.credentials, ids)
    leaving = await _theirs(db, t.departures, ids)
    rows = await db.fetch(t.users.select().where(t.users.id.is_in(list(ids))))
    return {
        row["id"]: Record.model_construct(
            user_id=row["id"],
            created_at=row["created_at"],
            last_login_at=row["last_login_at"],
            disabled_at=row["disabled_at"],
            disabled_reason=row["disabled_reason"],
            leaves_at=_leaves_at(row, leaving[row["id"]]),
            primary_email=row["primary_email"],
            locale=stored(row["locale"]),
            addresses=tuple(_address(each) for each in addresses[row["id"]]),
            identities=tuple(_identity(each) for each in identities[row["id"]]),
            secrets=tuple(_secret(each) for each in secrets[row["id"]]),
        ).ordered()
        for row in rows
    }


async def _theirs(db: Database, table: Any, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in await db.fetch(table.select().where(table.user_id.is_in(list(ids)))):
        grouped[row["user_id"]].append(row)
    return grouped


def _leaves_at(row: dict[str, Any], departures: list[dict[str, Any]]) -> int | None:
    """When a user leaves, if she is disabled still since she asked to."""
    asked = (one for one in departures if one["asked_at"] == row["disabled_at"])
    return next((one["leaves_at"] for one in asked), None)


def _address(row: dict[str, Any]) -> OwnAddress:
    return OwnAddress.model_construct(
        email=row["email"],
        proved_at=row["proved_at"],
        created_at=row["created_at"],
        counts_from=row["counts_from"],
    )


def _identity(row: dict[str, Any]) -> Identity:
    return Identity.model_construct(
        provider=row["provider"],
        provider_user_id=row["subject"],
        username=row["username"],
        linked_at=row["linked_at"],
        counts_from=row["counts_from"],
    )


def _secret(row: dict[str, Any]) -> Secret:
    return Secret.model_construct(
        provider=row["provider"],
        hash=row["hash"],
        set_at=row["set_at"],
        change_required_at=row["change_required_at"],
    )
