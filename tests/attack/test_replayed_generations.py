"""A thief holds all tokens that a session ever had but its current one: each of them ends it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from callers import access, open_house, reason, refresh, tokens
from parlour import Room, open_room

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence

ADA = "ada@example.com"
OUTSIDE_GRACE = 31
REFUSED = "INVALID_REFRESH_TOKEN"
MANY = 20


@pytest.fixture
def room(tmp_path: Path, clock: FrozenClock) -> Iterator[Room]:
    with open_room(tmp_path, clock) as room:
        yield room


def test_each_older_token_ends_the_session_once_with_one_event(room: Room) -> None:
    """Those that the row remembers, and those that it has forgotten; with their own keys too."""
    session, first = room.run(room.open())
    known = [first]
    for generation in range(MANY):
        room.clock.advance(OUTSIDE_GRACE)
        _, got = room.run(room.refresh(known[-1], f"key {generation}"))
        assert got
        known.append(got.token)
    room.clock.advance(OUTSIDE_GRACE)
    row = room.run(room.row(session))
    stolen = [(token, None) for token in known[:-1]]
    stolen += [(token, f"key {generation}") for generation, token in enumerate(known[:-2])]
    for number, (token, key) in enumerate(stolen, start=1):
        assert room.run(room.refresh(token, key)) == ("theft", None)
        assert room.run(room.refresh(token, key)) == ("over", None)
        assert room.run(room.refresh(known[-1], None)) == ("over", None)
        assert room.run(room.ends(row["user_id"])) == ["session.theft"] * number
        room.run(room.restore(row))
    assert room.run(room.refresh(known[-1], None))[1]


async def test_of_many_thieves_at_once_one_ends_it_and_one_event_tells(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        ada, pair = await house.owner(ADA)
        pairs = [pair]
        for _ in range(MANY):
            clock.advance(OUTSIDE_GRACE)
            pairs.append(tokens(await ada.refresh(refresh(pairs[-1]))))
        clock.advance(OUTSIDE_GRACE)
        thieves = [house.caller().refresh(refresh(stolen)) for stolen in pairs[:-1]]
        answers = await asyncio.gather(*thieves)
        assert [reason(answer) for answer in answers] == [REFUSED] * MANY
        assert reason(await ada.refresh(refresh(pairs[-1]))) == REFUSED
        assert reason(await ada.info(access(pairs[-1]))) == "INVALID_TOKEN"
        t = house.app.database.tables.events
        found = await house.app.database.fetch(t.select().where(t.name.like("session.%")))
        assert [row["name"] for row in found] == ["session.theft"]
