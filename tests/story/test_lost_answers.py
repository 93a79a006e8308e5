"""A client that never got its answer gets it by asking again, and nobody slips in for that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from callers import House, access, open_house, reason, refresh, tokens

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence

ADA = "ada@example.com"
HOUR = 3600
KEY = {"Idempotency-Key": "kept beside the token"}
REFUSED = "INVALID_REFRESH_TOKEN"


async def _row(house: House) -> dict[str, Any]:
    row = await house.app.database.first(house.app.database.tables.sessions.select())
    assert row is not None
    return row


async def _ends(house: House) -> list[str]:
    t = house.app.database.tables.events
    found = await house.app.database.fetch(t.select(t.name).order_by(t.id))
    return [row["name"] for row in found if row["name"].startswith("session.")]


async def test_a_lone_client_with_its_key_lives_however_late_it_asks_again(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """An hour later, its answer lost again, and a second short of the session's end."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        ada, first = await house.owner(ADA)
        lost = tokens(await ada.refresh(refresh(first), **KEY))
        ends_at = lost["refresh_token"]["expires_at"]
        clock.advance(HOUR)
        for later in (1, HOUR, ends_at - clock() // 1_000_000 - HOUR - 2):
            clock.advance(later)
            again = tokens(await ada.refresh(refresh(first), **KEY))
            assert again["refresh_token"] == lost["refresh_token"]
            assert access(again) != access(lost)
            assert reason(await ada.info(access(again))) == "200"
        assert reason(await ada.refresh(refresh(lost), **KEY)) == "200"
        assert await _ends(house) == []


async def test_a_lone_client_without_its_key_an_hour_later_is_taken_for_a_thief(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Which its page says; nobody can tell the two apart."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        ada, first = await house.owner(ADA)
        lost = tokens(await ada.refresh(refresh(first), **KEY))
        clock.advance(HOUR)
        assert reason(await ada.refresh(refresh(first))) == REFUSED
        for token in (refresh(first), refresh(lost)):
            assert reason(await ada.refresh(token, **KEY)) == REFUSED
        assert await _ends(house) == ["session.theft"]


async def test_an_ended_session_is_not_opened_by_the_key_of_a_lost_answer(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        ada, first = await house.owner(ADA)
        lost = tokens(await ada.refresh(refresh(first), **KEY))
        await ada.say("/token/revoke", {"refresh_token": refresh(first)})
        clock.advance(HOUR)
        for token in (refresh(first), refresh(lost)):
            assert reason(await ada.refresh(token, **KEY)) == REFUSED
        assert await _ends(house) == ["session.revoked"]


async def test_whoever_was_overtaken_while_it_asked_turns_nothing_back(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Tabs read the row, and before they write the session goes two tokens further: they get the
    newest. Whichever has not read by then reads the row as it is: that is as good.
    """
    async with open_house(tmp_path, persistence, clock=clock) as house:
        ada, first = await house.owner(ADA)
        db = house.app.database
        t = db.tables.sessions
        advances = f"{clock()} {clock()}"
        async with db.transaction():
            await db.change(
                t.update({t.generation: 2, t.advances: advances}).where(t.generation == 0)
            )
            tabs = [asyncio.create_task(ada.refresh(refresh(first))) for _ in range(8)]
            await asyncio.wait(tabs, timeout=0.3)
        got = {refresh(tokens(answer)) for answer in await asyncio.gather(*tabs)}
        assert len(got) == 1
        assert (await _row(house))["generation"] == 2
        clock.advance(HOUR)
        assert reason(await ada.refresh(*got)) == "200"


async def test_a_session_that_ends_while_it_is_refreshed_stays_over(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Tabs read a live row, and before they write it is revoked: none gets a token."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        ada, first = await house.owner(ADA)
        row, db = await _row(house), house.app.database
        async with db.transaction():
            await house.app.sessions.end(row["id"], "asked", user_id=row["user_id"])
            tabs = [asyncio.create_task(ada.refresh(refresh(first))) for _ in range(8)]
            await asyncio.wait(tabs, timeout=0.3)
        assert {reason(answer) for answer in await asyncio.gather(*tabs)} == {REFUSED}
        assert (await _row(house))["generation"] == 0
        assert await _ends(house) == ["session.revoked"]
