"""The attacker has got in, and opens so many sessions that nobody can end them all: neither the
owner, who sets a new password, nor an operator, who disables the account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from callers import House, access, open_house, reason, tokens
from homes import PASSWORD, code_for

from identra.app import opened_office
from identra.sessions.ending import BATCH, MOST
from identra.settings import load

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Persistence

ADA = "ada@example.com"
BEYOND = BATCH // 2
PIECE = 250


async def live(house: House) -> int:
    t = house.app.database.tables.sessions
    return len(await house.app.database.fetch(t.select(t.id).where(t.revoked_at.is_null())))


async def multiply(house: House, times: int) -> None:
    """So many sessions more like the only one there is; their ids say that they are older."""
    db, t = house.app.database, house.app.database.tables.sessions
    row = await db.first(t.select())
    assert row
    for begin in range(0, times, PIECE):
        ids = (f"0-{number}" for number in range(begin, begin + PIECE))
        await db.change(t.insert(*(t(**row | {"id": one}) for one in ids)))


async def test_the_oldest_end_so_that_all_can_be_ended(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        owner, pair = await house.owner(ADA)
        bearer = access(pair)
        assert (
            reason(await owner.say("/me/password", {"password": PASSWORD}, bearer=bearer)) == "200"
        )
        await multiply(house, MOST + BEYOND)
        thief = house.caller()
        stolen = access(tokens(await thief.log_in(ADA)))
        assert await live(house) == MOST
        assert reason(await owner.info(bearer)) == "200", "it is the oldest that end"
        t = house.app.database.tables.events
        (event,) = await house.app.database.fetch(
            t.select().where((t.name == "session.revoked") & t.data.like("%crowded%"))
        )
        assert f'"sessions": "{BEYOND + 2}"' in event["data"]
        await owner.say("/password/reset", {"email": ADA})
        body = {"email": ADA, "code": code_for(house.app, ADA), "password": "a new phrase of hers"}
        assert reason(await owner.say("/password/reset/confirm", body)) == "200"
        assert await live(house) == 1
        assert reason(await thief.info(stolen)) == "INVALID_TOKEN"
        async with opened_office(load(house.settings, {})) as office:
            assert await office.disable(ADA, "abuse", by="test")
        assert await live(house) == 0
