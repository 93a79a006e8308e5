"""Finding users among many: a page costs the same wherever it stands, whoever is on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from piccolo.querystring import QueryString

from identra.db import Param
from identra.users.nouns import Page
from identra.users.whole import select_many, users_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.db import Database
    from identra.users.nouns import User

PIECE: Final = 500
"""Users that one statement reads whole."""

_LISTED: Final = "SELECT id FROM identra_users WHERE id > {} ORDER BY id LIMIT {}"
_BEGINNING: Final = """
SELECT email, user_id FROM identra_emails
 WHERE email {from_} {} AND email < {}
   AND 0 = (SELECT COUNT(*) FROM identra_emails AS hers
             WHERE hers.user_id = identra_emails.user_id
               AND hers.email >= {} AND hers.email < {}
               AND (hers.created_at < identra_emails.created_at
                    OR hers.created_at = identra_emails.created_at
                       AND hers.email < identra_emails.email))
 ORDER BY email LIMIT {}
"""
"""Whoever has several addresses that begin so is found by the oldest of them alone. Older ones are
counted, not asked to be none: no planner makes a join of a count, which would read all of a wide
range for a narrow page."""


class Finding:
    """Pages of users. Who comes or goes meanwhile has nobody else appear twice or left out.

    Each takes at most `limit` users, and `after` as the page before told it.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._listed = db.prepare(QueryString(_LISTED, Param("after"), Param("limit")))
        low, end = Param("low"), Param("end")
        values = (low, end, Param("prefix"), end, Param("limit"))
        self._first, self._next = (
            db.prepare(QueryString(_BEGINNING.strip().replace("{from_}", sign), *values))
            for sign in (">=", ">")
        )

    async def page(self, *, limit: int, after: str = "") -> Page:
        """All users, in the order of their ids."""
        rows = await self._db.fetch(self._listed.bind(after=after, limit=limit + 1))
        return await self._page([(row["id"], row["id"]) for row in rows], limit)

    async def beginning(self, prefix: str, *, limit: int, after: str = "") -> Page:
        """Those with an address that begins so, in the order of these.

        `prefix` is not empty, of ASCII, and stands for itself: nothing in it is a wildcard.
        """
        query = self._next if after else self._first
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        asked = query.bind(low=after or prefix, end=end, prefix=prefix, limit=limit + 1)
        rows = await self._db.fetch(asked)
        return await self._page([(row["email"], row["user_id"]) for row in rows], limit)

    async def _page(self, found: Sequence[tuple[str, str]], limit: int) -> Page:
        """The users of a page, of which one more was looked for; each with her place."""
        here = found[:limit]
        users = await self._whole([user_id for _, user_id in here])
        return Page(users, here[-1][0] if len(found) > limit else "")

    async def _whole(self, ids: Sequence[str]) -> tuple[User, ...]:
        users: dict[str, User] = {}
        for first in range(0, len(ids), PIECE):
            users |= users_in(await self._db.fetch(select_many(ids[first : first + PIECE])))
        return tuple(users[user_id] for user_id in ids if user_id in users)
