"""The attacker guesses the victim's mailed code; five guesses end a code, however they come, a
new code brings no new allowance, and a code opens just the thing and the address it was sent for.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from callers import Caller, House, open_house, reason, tokens
from homes import code_for

from identra.app.opening import system_clock
from identra.challenges import Challenges
from identra.errors import InvalidCode

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence, Redis

ADA, EVE = "ada@example.com", "eve@example.com"
A_DAY = 86_400


def _others(right: str, many: int) -> list[str]:
    return [f"{number:06}" for number in range(many + 1) if f"{number:06}" != right][:many]


async def _code(house: House, email: str = ADA) -> str:
    await house.caller().ask_code(email)
    return code_for(house.app, email)


async def test_a_code_is_dead_after_five_guesses_from_anywhere(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        code = await _code(house)
        for guess in _others(code, 5):
            assert reason(await house.caller().answer(ADA, guess)) == "INVALID_CODE"
        assert reason(await house.caller().answer(ADA, code)) == "INVALID_CODE"


async def test_four_wrong_guesses_leave_the_fifth(tmp_path: Path, persistence: Persistence) -> None:
    async with open_house(tmp_path, persistence) as house:
        code = await _code(house)
        for guess in _others(code, 4):
            assert reason(await house.caller().answer(ADA, guess)) == "INVALID_CODE"
        tokens(await house.caller().answer(ADA, code))


@pytest.mark.parametrize("store", ["database", "redis"])
async def test_of_guesses_at_once_no_more_than_five_are_compared(
    tmp_path: Path, persistence: Persistence, store: str, request: pytest.FixtureRequest
) -> None:
    """The right one comes once five of fifty were told: it is no longer a guess."""
    redis: Redis | None = request.getfixturevalue("redis_place") if store == "redis" else None
    async with open_house(tmp_path, persistence, redis) as house:
        app = house.app
        challenges = Challenges(app.state, app.database, app.keys, system_clock, digits=6)
        async with challenges.asked("email", "login", ADA) as code:
            assert code is not None
        wrong = [challenges.answer("email", "login", ADA, guess) for guess in _others(code, 49)]
        tries = [asyncio.ensure_future(guess) for guess in wrong]
        for told in islice(asyncio.as_completed(tries), 5):
            with pytest.raises(InvalidCode):
                await told
        tries.append(asyncio.ensure_future(challenges.answer("email", "login", ADA, code)))
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        assert all(isinstance(outcome, InvalidCode) for outcome in outcomes)


async def test_a_new_code_brings_no_new_guesses(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Twenty a day from one network, over as many codes as she asks for."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        attacker = house.caller()
        for _ in range(4):
            code = await _code(house)
            for guess in _others(code, 5):
                assert reason(await attacker.answer(ADA, guess)) == "INVALID_CODE"
            clock.advance(61)
        code = await _code(house)
        for wait in (0, 3_600, A_DAY - 3_600 - 5 * 61):
            clock.advance(wait)
            limited = await attacker.answer(ADA, code)
            assert reason(limited) == "RATE_LIMITED"
            assert 0 < int(limited.headers["retry-after"]) <= A_DAY


async def test_many_networks_share_an_allowance_too(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """A hundred guesses a day at one address, of a million, wherever they come from."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        for number in range(100):
            answer = await house.caller().answer(ADA, f"{number:06}")
            assert reason(answer) == "INVALID_CODE"
        assert reason(await house.caller().answer(ADA, "000000")) == "RATE_LIMITED"


async def test_another_spelling_of_the_address_brings_no_new_guesses(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        attacker = house.caller()
        spellings = (ADA, ADA.upper(), f" {ADA}", "Ada@EXAMPLE.com", f"{ADA} ")
        for number in range(20):
            await attacker.answer(spellings[number % len(spellings)], "x")
        for spelling in spellings:
            assert reason(await attacker.answer(spelling, "x")) == "RATE_LIMITED"


async def _mailed(house: House, who: Caller, email: str, purpose: str) -> str:
    before = len(house.app.outbox.messages) if house.app.outbox else 0
    await (who.ask_code(email) if purpose == "login" else who.register(email))
    assert house.app.outbox is not None
    assert len(house.app.outbox.messages) == before + 1
    return code_for(house.app, email)


async def test_a_code_opens_only_what_it_was_sent_for(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Codes to log in and to register, of two addresses, all live at once."""
    async with open_house(tmp_path, persistence) as house:
        codes = {
            (email, purpose): await _mailed(house, house.caller(), email, purpose)
            for email in (ADA, EVE)
            for purpose in ("login", "register")
        }
        for (email, purpose), code in codes.items():
            for (other, another), its_code in codes.items():
                if (other, another) != (email, purpose) and its_code != code:
                    who = house.caller()
                    give = who.answer if another == "login" else who.confirm
                    assert reason(await give(other, code)) == "INVALID_CODE"
        for (email, purpose), code in codes.items():
            who = house.caller()
            tokens(await (who.answer if purpose == "login" else who.confirm)(email, code))


async def test_a_code_has_one_spelling(tmp_path: Path, persistence: Persistence) -> None:
    spellings = ("{} ", " {}", "{}\n", "+{}", "{}.0", "0{}", "'{}'", "\uff11{}", "0x{}", "")
    async with open_house(tmp_path, persistence) as house:
        for number, spelling in enumerate(spellings):
            code = await _code(house, f"ada{number}@example.com")
            answer = await house.caller().answer(f"ada{number}@example.com", spelling.format(code))
            assert reason(answer) == "INVALID_CODE", spelling
