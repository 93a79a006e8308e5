"""What each provider's name stands for: equal subjects at different places are different people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from piccolo.querystring import QueryString

from identra.db import Duplicate
from identra.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from identra.db import Database
    from identra.events import Events

LONGEST: Final = 255


class Issuers:
    """The issuer (or origin) of every provider, recorded when it first could serve."""

    def __init__(self, db: Database, events: Events) -> None:
        self._db = db
        self._events = events

    async def settle(self, found: Mapping[str, str]) -> dict[str, str]:
        """Record each name that is new, with its place; nothing where the database is only read.

        What is wrong, by name, with those that stood for another place until now.
        """
        recorded, wrong = await self._recorded(), {}
        for name, issuer in sorted(found.items()):
            if name not in recorded and self._db.writable and not _objection(issuer):
                recorded[name] = await self._record(name, issuer)
            if why := _objection(issuer) or _moved(issuer, recorded.get(name, issuer), name):
                wrong[name] = f"providers.{name}: {why}"
        return wrong

    async def rebind(self, name: str, issuer: str) -> tuple[str | None, int]:
        """Let a name stand for this place; what it was before, and how many identities it has.

        These keep their subjects: whoever has one at the place as it is now, is that person.
        """
        if why := _objection(issuer):
            raise OperatorError(f"providers.{name}: {why}")
        return await self._db.transact(lambda: self._rebind(name, issuer))

    async def _rebind(self, name: str, issuer: str) -> tuple[str | None, int]:
        t = self._db.tables.issuers
        former = (await self._recorded()).get(name)
        if former is None:
            await self._record(name, issuer)
        elif former != issuer:
            now = await self._db.instant()
            moved = t.update({t.issuer: issuer, t.recorded_at: now}).where(t.name == name)
            await self._db.change(moved)
        if former not in (None, issuer):
            await self._events.record("provider.rebound", provider=name, issuer=issuer)
        return former, await self._count(name)

    async def _count(self, name: str) -> int:
        counting = "SELECT COUNT(*) AS found FROM identra_identities WHERE provider = {}"
        row = await self._db.first(QueryString(counting, name))
        return int(row["found"]) if row else 0

    async def _record(self, name: str, issuer: str) -> str:
        """The place that is recorded now: ours, or that of whoever was quicker."""
        t = self._db.tables.issuers
        row = t(name=name, issuer=issuer, recorded_at=await self._db.instant())
        try:
            await self._db.change(t.insert(row))
        except Duplicate:
            return (await self._recorded())[name]
        return issuer

    async def _recorded(self) -> dict[str, str]:
        t = self._db.tables.issuers
        rows = await self._db.fetch(t.select(t.name, t.issuer))
        return {row["name"]: row["issuer"] for row in rows}


def _objection(issuer: str) -> str | None:
    if len(issuer) > LONGEST or not issuer.isascii() or not issuer.isprintable():
        return f"its issuer is no URL of at most {LONGEST} characters"
    return None


def _moved(issuer: str, recorded: str, name: str) -> str | None:
    if issuer == recorded:
        return None
    return (
        f"is {issuer} now and was {recorded}; people of two places are not the same, so give it a"
        f" name of its own, or, if the place only moved, run `identra plugins rebind {name}`"
    )
