"""The real room of sessions over a database of its own, asked one call at a time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from homes import HERE, open_home

from identra.db import open_database
from identra.db.migrations import migrate
from identra.errors import InvalidRefreshToken
from identra.secret import uuid7
from identra.sessions import Origin
from identra.settings import Persistence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from clock import FrozenClock
    from homes import Sections

    from identra.app import App
    from identra.values import Token


QUIET: Sections = {
    "keys": {"algorithm": "ES256", "rotate_in_server": False},
    "housekeeping": {"in_server": False},
}
"""Nobody sweeps rows away or turns keys while the clock runs through years."""


class Room:
    """The real room on a real database, and a loop to ask it in."""

    def __init__(self, runner: asyncio.Runner, app: App, clock: FrozenClock) -> None:
        self.run, self.app, self.clock = runner.run, app, clock

    async def open(self) -> tuple[str, str]:
        """A new session's id and its first token."""
        async with self.app.database.transaction():
            users, user_id = self.app.database.tables.users, uuid7()
            await self.app.database.change(users.insert(users(id=user_id, created_at=self.clock())))
            origin = Origin(user_id, self.clock(), ("pwd",), "password")
            opened = await self.app.sessions.open(origin, HERE)
        return opened.session_id, self.app.sessions.pair(opened).refresh_token.token

    async def refresh(self, token: str, key: str | None) -> tuple[str, Token | None]:
        """The verdict of a refusal, or the token that was answered."""
        try:
            done = await self.app.sessions.refresh(token, idempotency_key=key)
        except InvalidRefreshToken as refused:
            return refused.detail, None
        return "", done.pair.refresh_token

    async def row(self, session_id: str) -> dict[str, Any]:
        t = self.app.database.tables.sessions
        row = await self.app.database.first(t.select().where(t.id == session_id))
        assert row is not None
        return row

    async def restore(self, row: dict[str, Any]) -> None:
        """Put an older row back, as restoring a backup does."""
        t = self.app.database.tables.sessions
        values = {getattr(t, name): value for name, value in row.items()}
        await self.app.database.change(t.update(values).where(t.id == row["id"]))

    async def ends(self, user_id: str) -> list[str]:
        """The names of her events, in their order."""
        t = self.app.database.tables.events
        hers = t.select(t.name).where(t.user_id == user_id).order_by(t.id)
        return [row["name"] for row in await self.app.database.fetch(hers)]


@contextmanager
def open_room(folder: Path, clock: FrozenClock, sections: Sections | None = None) -> Iterator[Room]:
    """On SQLite, all told the time by the clock."""
    with asyncio.Runner() as runner:
        house = _open_house(folder, clock, QUIET | (sections or {}))
        yield Room(runner, runner.run(house.__aenter__()), clock)
        runner.run(house.__aexit__(None, None, None))


@asynccontextmanager
async def _open_house(folder: Path, clock: FrozenClock, said: Sections) -> AsyncIterator[App]:
    place = Persistence(driver="sqlite", name=str(folder / "identra.db"))
    db = await open_database(place)
    await migrate(db)
    await db.close()
    async with open_home(folder, place, sections=said, clock=clock) as app:
        yield app
