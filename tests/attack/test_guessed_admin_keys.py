"""Attack: guess an admin key."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from callers import IMMEDIATE, access, open_house, reason, tokens
from clerks import LET_IN, Clerk, clerk, keys_of

from identra.adminkeys import PREFIX
from identra.limits import ENDED_ADMIN, FAILING_ADMIN
from identra.values import SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence

ON = LET_IN | IMMEDIATE
Sqlite = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


def guess(number: int) -> str:
    return f"{PREFIX}{number:016x}_{number:064x}"


async def test_past_the_allowance_no_guess_is_told(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """A right one neither, or the guess would be told by the answer; from elsewhere it is."""
    async with open_house(tmp_path, persistence, sections=ON, clock=clock) as house:
        guesser, desk = house.caller(), await clerk(house)
        for number in range(FAILING_ADMIN.most):
            answer = await guesser.ask("/admin/users", bearer=guess(number))
            assert reason(answer) == "INVALID_TOKEN"
        for key in (guess(0), "x", desk.key):
            answer = await guesser.ask("/admin/users", bearer=key)
            assert reason(answer) == "RATE_LIMITED"
            assert 1 <= int(answer.headers["retry-after"]) <= FAILING_ADMIN.window
        assert "users" in await desk.ask("/admin/users")
        clock.advance(FAILING_ADMIN.window)
        assert reason(await guesser.ask("/admin/users", bearer=desk.key)) == "200"


async def test_a_burst_of_guesses_is_told_no_more_than_the_allowance(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, sections=ON, clock=clock) as house:
        guesser = house.caller()
        burst = (guesser.ask("/admin/users", bearer=guess(number)) for number in range(40))
        told = [reason(answer) for answer in await asyncio.gather(*burst)]
        assert told.count("INVALID_TOKEN") == FAILING_ADMIN.most
        assert set(told) == {"INVALID_TOKEN", "RATE_LIMITED"}


@Sqlite
async def test_a_person_s_token_is_a_guess_like_any_other(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """At every route alike, and counted for all of them together."""
    async with open_house(tmp_path, persistence, sections=ON, clock=clock) as house:
        her = house.caller()
        pair = tokens(await her.register("ada@example.com"))
        ways = ("/admin/users", "/admin/keys", "/admin/events", "/admin/limits", "/admin/providers")
        for number in range(FAILING_ADMIN.most):
            answer = await her.ask(ways[number % len(ways)], bearer=access(pair))
            assert reason(answer) == "INVALID_TOKEN"
        assert reason(await her.ask("/admin/users", bearer=access(pair))) == "RATE_LIMITED"
        assert reason(await her.info(access(pair))) == "200"


@Sqlite
async def test_what_is_right_or_was_takes_nothing(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """A job that runs on with a key that ended locks nobody of its network out."""
    async with open_house(tmp_path, persistence, sections=ON, clock=clock) as house:
        desk = await clerk(house)
        _, ended = await keys_of(house).create("ended", ("users:read",), life=SECOND)
        clock.advance(1)
        late = Clerk(desk.caller, ended)
        for _ in range(ENDED_ADMIN.most):
            assert await late.ask("/admin/users") == "INVALID_TOKEN"
        assert await late.ask("/admin/users") == "RATE_LIMITED"
        assert "users" in await desk.ask("/admin/users")
        for _ in range(FAILING_ADMIN.most + 1):
            assert await desk.ask("/admin/users/x") == "NOT_FOUND"
        assert "users" in await desk.ask("/admin/users")


async def test_a_key_that_leaked_and_was_taken_back_does_not_fill_the_record(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Nor what is held about whomever it names; from however many networks it is shown."""
    async with open_house(tmp_path, persistence, sections=ON, clock=clock) as house:
        desk, victim = await clerk(house), "01900000-0000-7000-8000-000000000000"
        leaked = (await clerk(house, "leaked")).key
        await keys_of(house).revoke("leaked")
        burst = (Clerk(house.caller(), leaked).ask(f"/admin/users/{victim}") for _ in range(40))
        told = await asyncio.gather(*burst)
        assert told.count("INVALID_TOKEN") == ENDED_ADMIN.most
        assert set(told) == {"INVALID_TOKEN", "RATE_LIMITED"}
        page = await desk.ask("/admin/events", user_id=victim)
        assert len(page["events"]) == ENDED_ADMIN.most
        clock.advance(ENDED_ADMIN.window)
        assert await Clerk(house.caller(), leaked).ask("/admin/users") == "INVALID_TOKEN"
