"""A user with all that is hers, in one statement: each part a few rows of one union."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from piccolo.querystring import QueryString

from identra.db import Param
from identra.users.nouns import Identity, OwnAddress, User

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.db import Database, Statement

_WHOLE: Final = """
SELECT 'user' AS part, disabled_reason AS a, '' AS b, '' AS c,
       created_at AS x, last_login_at AS y, disabled_at AS z
  FROM identra_users WHERE id = {}
UNION ALL
SELECT 'address', email, '', '', created_at, proved_at, 0
  FROM identra_emails WHERE user_id = {}
UNION ALL
SELECT 'identity', provider, subject, username, linked_at, 0, 0
  FROM identra_identities WHERE user_id = {}
UNION ALL
SELECT 'secret', provider, '', '', set_at, 0, 0
  FROM identra_credentials WHERE user_id = {}
"""
"""What a part has no column for is '' or 0: every database finds the same types for the union."""


def select_whole(db: Database) -> Statement:
    """All rows that speak of the user `user_id`."""
    hers = Param("user_id")
    return db.prepare(QueryString(_WHOLE.strip(), hers, hers, hers, hers))


def user_in(user_id: str, rows: Sequence[dict[str, Any]]) -> User | None:
    """The user that the rows speak of; None where she has none of her own."""
    parts: dict[str, list[dict[str, Any]]] = {"user": [], "address": [], "identity": []}
    for row in sorted(rows, key=_age):
        parts.setdefault(row["part"], []).append(row)
    if not parts["user"]:
        return None
    (own,) = parts["user"]
    return User(
        user_id=user_id,
        created_at=own["x"],
        last_login_at=own["y"],
        disabled_at=own["z"],
        disabled_reason=own["a"],
        addresses=tuple(OwnAddress(row["a"], row["y"]) for row in parts["address"]),
        identities=tuple(
            Identity(row["a"], row["b"], row["c"], row["x"]) for row in parts["identity"]
        ),
        secrets=tuple(row["a"] for row in parts.get("secret", ())),
    )


def _age(row: dict[str, Any]) -> int:
    return int(row["x"])
