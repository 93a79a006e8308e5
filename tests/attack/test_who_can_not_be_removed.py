"""The attacker has her account gather more than can be removed in time, so that nobody else's is
removed when its day comes, and nothing is swept any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest
from callers import access, open_house, reason

from identra.housekeeping import Housekeeping
from identra.users import Departures

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence

EVE, ADA, BOB = "eve@example.com", "ada@example.com", "bob@example.com"
GRACE = 14 * 86_400


@pytest.mark.parametrize("persistence", ["postgres"], indirect=True)  # whose rows can be held
async def test_whoever_takes_too_long_keeps_nobody_else(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        for email in (EVE, ADA, BOB):
            who, pair = await house.owner(email)
            assert reason(await who.end("/me", bearer=access(pair))) == "200"
        clock.advance(GRACE)
        db, users = house.app.database, house.app.users
        departures = Departures(db, users, users._events)
        eve = await users.find(EVE)
        blocking = await asyncpg.connect(
            host=persistence.host,
            port=persistence.port,
            user=persistence.user,
            database=persistence.name,
        )
        try:
            async with blocking.transaction():
                await blocking.execute("SELECT 1 FROM identra_users WHERE id = $1 FOR UPDATE", eve)
                swept = await Housekeeping(db, events_kept=None, departures=departures).sweep()
            assert swept.users == 2
            assert await house.rows("users", "departures") == {"users": 1, "departures": 1}
        finally:
            await blocking.close()
        swept = await Housekeeping(db, events_kept=None, departures=departures).sweep()
        assert swept.users == 1
