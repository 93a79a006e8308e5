"""Users of the original service, read from its own tables `users` and `external_identities`."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from piccolo.querystring import QueryString
from pydantic import ValidationError

from identra.db.catalogue import look_at
from identra.errors import OperatorError
from identra.portable.file import told
from identra.portable.record import Record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from identra.db import Database
    from identra.db.statement import Row
    from identra.portable.file import Entry

PAGE: Final = 500
COLUMNS: Final = {
    "users": {"id", "email", "hashed_password", "last_login_at", "created_at", "deleted_at"},
    "external_identities": {"user_id", "provider", "provider_user_id", "deleted_at"},
}
IDENTITIES: Final = (
    "SELECT user_id, provider, provider_user_id FROM external_identities WHERE deleted_at IS NULL"
)
PASSWORD: Final = "password"  # noqa: S105 - a provider's name, no secret


class OriginalUsers:
    """Reads users page by page. `proved`: whether their addresses count as proved."""

    def __init__(self, db: Database, *, proved: bool) -> None:
        self._db = db
        self._proved = proved

    async def read(self) -> AsyncIterator[Entry]:
        """Every user who is not deleted, numbered; a text says why one can't be taken.

        Raises OperatorError where the tables are not those of the original service.
        """
        for table, columns in COLUMNS.items():
            if missing := columns - (await look_at(self._db, table)).names:
                raise OperatorError(
                    f"the database has no {table}.{min(missing)}; it is not the original service's"
                )
        number, last = 0, None
        while rows := await self._page(last):
            theirs = await self._identities([row["id"] for row in rows])
            for row in rows:
                number += 1
                yield number, self._record(row, theirs[str(row["id"])])
            last = rows[-1]["id"]

    async def _page(self, last: Any) -> list[Row]:
        columns = "SELECT id, email, hashed_password, last_login_at, created_at FROM users"
        where = "deleted_at IS NULL"
        if last is None:
            return await self._db.fetch(
                QueryString(f"{columns} WHERE {where} ORDER BY id LIMIT {PAGE}")
            )
        after = f"{columns} WHERE {where} AND id > {{}} ORDER BY id LIMIT {PAGE}"
        return await self._db.fetch(QueryString(after, last))

    async def _identities(self, ids: Sequence[Any]) -> dict[str, list[Row]]:
        places = ", ".join("{}" for _ in ids)
        rows = await self._db.fetch(QueryString(f"{IDENTITIES} AND user_id IN ({places})", *ids))
        theirs: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            theirs[str(row["user_id"])].append(row)
        return theirs

    def _record(self, row: Row, identities: Sequence[Row]) -> Record | str:
        created = _moment(row["created_at"])
        made = {
            "user_id": str(row["id"]),
            "created_at": created,
            "last_login_at": _moment(row["last_login_at"]) if row["last_login_at"] else None,
            "addresses": self._addresses(row["email"], created),
            "identities": [_identity(each, created) for each in identities],
            "secrets": _secrets(row["hashed_password"], created),
        }
        try:
            return Record.model_validate(made).ordered()
        except ValidationError as fault:
            return told(fault)

    def _addresses(self, email: str | None, created: str) -> list[dict[str, Any]]:
        if not email:
            return []
        proved_at = created if self._proved else None
        return [{"email": email, "proved_at": proved_at, "created_at": created}]


def _identity(row: Row, created: str) -> dict[str, Any]:
    return {
        "provider": row["provider"],
        "provider_user_id": str(row["provider_user_id"]),
        "linked_at": created,
        "counts_from": created,
    }


def _secrets(hashed: str | None, created: str) -> list[dict[str, Any]]:
    return [{"provider": PASSWORD, "hash": hashed, "set_at": created}] if hashed else []


def _moment(found: Any) -> str:
    """A moment as a database gives it: aware or not (then UTC), or as text."""
    moment = found if isinstance(found, datetime) else datetime.fromisoformat(str(found))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
