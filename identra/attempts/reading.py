"""Reading kept attempts, by their own id, a request's, or what they were about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from identra.trail import Step, subject_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from identra.db import Database

MOST: Final = 100
"""Attempts that are read unless more are asked for, the newest of them."""
PAGE: Final = 500
"""Attempts that one statement reads."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An attempt as it was kept, the rest as `identra.trail.Attempt` says.

    `at` is when it began, in Unix microseconds, `ms` how long it took.
    """

    attempt_id: str
    at: int
    act: str
    provider: str
    outcome: str
    detail: str
    user_id: str | None
    subject: str
    request_id: str
    peer: str
    ms: int
    steps: tuple[Step, ...]

    def last(self, *names: str) -> Step | None:
        """The last step of one of these names."""
        return next((step for step in reversed(self.steps) if step.name in names), None)


class AttemptLog:
    """Questions about attempts. Each raises StoreUnavailable."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def find(self, attempt_id: str) -> Kept | None:
        """The attempt of that id, if it is kept."""
        t = self._db.tables.attempts
        row = await self._db.first(t.select().where(t.id == attempt_id))
        return _read(row) if row else None

    async def of_request(self, request_id: str) -> tuple[Kept, ...]:
        """The attempts that callers labelled so, newest first: a label is anybody's to choose."""
        t = self._db.tables.attempts
        return await self._newest(t.request_id == request_id)

    async def about(self, address: str) -> tuple[Kept, ...]:
        """The attempts about an address in its one spelling, newest first."""
        t = self._db.tables.attempts
        return await self._newest(t.subject == subject_of(address))

    async def before(self, kept: Kept) -> tuple[Kept, ...]:
        """Those about the same that began earlier, newest first."""
        if not kept.subject:
            return ()
        t = self._db.tables.attempts
        return await self._newest((t.subject == kept.subject) & (t.id < kept.attempt_id))

    async def of_user(
        self, user_id: str, known_as: Mapping[str, Sequence[str]], *, limit: int
    ) -> tuple[Kept, ...]:
        """A user's attempts, and those that are nobody's and about her; newest first.

        `known_as` says by provider what these are about, under "" whichever was asked.
        """
        t = self._db.tables.attempts
        found = await self._newest(t.user_id == user_id, limit)
        for provider, names in known_as.items():
            # By itself, since either goes by an index and both at once may not.
            about = t.subject.is_in([subject_of(each) for each in names])
            at_place = about & (t.provider == provider) if provider else about
            found += await self._newest(at_place & t.user_id.is_null(), limit)
        return tuple(sorted(found, key=lambda one: one.attempt_id, reverse=True)[:limit])

    async def _newest(self, which: Any, limit: int = MOST) -> tuple[Kept, ...]:
        """A page at a time: whoever asks for many keeps nobody waiting while they are read."""
        t = self._db.tables.attempts
        found: list[Kept] = []
        while (left := limit - len(found)) > 0:
            earlier = which & (t.id < found[-1].attempt_id) if found else which
            query = t.select().where(earlier).order_by(t.id, ascending=False)
            page = [_read(row) for row in await self._db.fetch(query.limit(min(left, PAGE)))]
            found += page
            if len(page) < PAGE:
                break
        return tuple(found)


def _read(row: dict[str, Any]) -> Kept:
    trail = json.loads(row["trail"])
    return Kept(
        attempt_id=row["id"],
        at=row["at"],
        act=row["act"],
        provider=row["provider"],
        outcome=row["outcome"],
        detail=trail["detail"],
        user_id=row["user_id"],
        subject=row["subject"],
        request_id=row["request_id"],
        peer=row["peer"],
        ms=trail["ms"],
        steps=tuple(Step(name, ms, MappingProxyType(facts)) for ms, name, facts in trail["steps"]),
    )
