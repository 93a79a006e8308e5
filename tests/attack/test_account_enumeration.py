"""The attacker wants to know who has an account here; whatever she asks about an address, the
answer must be the same to the byte, and as quick, whether or not somebody is behind it.
"""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import pytest
from callers import Caller, House, open_house, reason, tokens
from homes import PASSWORD, code_for
from plans import counted

from identra.app import opened_office
from identra.settings import load

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import httpx
    from clock import FrozenClock

    from identra.settings import Persistence

WRONG = "not the right password"
OF_EACH_ANSWER = {"x-request-id", "x-attempt-id"}
NOBODY = "nobody@example.com"
CLOSE = 2.0
ROUNDS = 15
ENOUGH = 50
KINDS = ("unknown", "wrong password", "no password")


def _told(answer: httpx.Response) -> tuple[object, ...]:
    """All that an answer tells, but for the ids that every answer has of its own."""
    headers = sorted(
        (name, value) for name, value in answer.headers.items() if name not in OF_EACH_ANSWER
    )
    own = answer.headers["x-request-id"]
    return answer.status_code, headers, answer.text.replace(own, "its id")


async def _settle(house: House) -> tuple[str, ...]:
    """Addresses in every condition that this house knows, the unknown one first."""
    for email in ("password@example.com", "disabled@example.com"):
        her = house.caller()
        await her.register(email)
        tokens(await her.confirm(email, code_for(house.app, email)))
    await house.owner("code@example.com")
    async with opened_office(load(house.settings, {})) as office:
        await office.create("claimed@example.com", PASSWORD, proved=False, by="test")
        await office.disable("disabled@example.com", "", by="test")
    known = ("password", "disabled", "code", "claimed")
    return (NOBODY, *(f"{name}@example.com" for name in known))


async def _alike(
    house: House,
    emails: tuple[str, ...],
    act: Callable[[Caller, str], Awaitable[httpx.Response]],
) -> httpx.Response:
    """Each address is asked about from a network of its own; one of the equal answers."""
    answers = [await act(house.caller(), email) for email in emails]
    for email, answer in zip(emails, answers, strict=True):
        assert _told(answer) == _told(answers[0]), email
    return answers[0]


async def test_every_question_about_an_address_has_one_answer(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        emails = await _settle(house)
        clock.advance(61)
        asked = await _alike(house, emails, lambda who, email: who.ask_code(email))
        assert (asked.status_code, asked.text) == (200, "{}")
        begun = await _alike(house, emails, lambda who, email: who.register(email, WRONG))
        assert (begun.status_code, begun.text) == (202, "{}")
        wrong = await _alike(house, emails, lambda who, email: who.log_in(email, WRONG))
        assert reason(wrong) == "INVALID_CREDENTIALS"
        code = await _alike(house, emails, lambda who, email: who.answer(email, "x"))
        assert reason(code) == "INVALID_CODE"
        confirmed = await _alike(house, emails, lambda who, email: who.confirm(email, "x"))
        assert reason(confirmed) == "INVALID_CODE"


async def test_the_same_is_done_whoever_has_the_address(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Statement by statement, so that no measurement of time tells them apart."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        emails = await _settle(house)
        clock.advance(61)
        with counted(house.app.database) as counting:
            for email in emails:
                who, counting.name = house.caller(), email
                assert reason(await who.log_in(email, WRONG)) == "INVALID_CREDENTIALS"
                assert reason(await who.answer(email, "x")) == "INVALID_CODE"
                assert reason(await who.confirm(email, "x")) == "INVALID_CODE"
                assert reason(await who.ask_code(email)) == "200"
                assert reason(await who.register(email, WRONG)) == "202"
            counting.demand_alike(emails)


async def test_being_told_to_slow_down_tells_nothing(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Every allowance runs out at the same call, with the same wait."""

    async def until_limited(
        who: Caller, act: Callable[[Caller], Awaitable[httpx.Response]]
    ) -> httpx.Response:
        answer, calls = await act(who), 1
        while answer.status_code != 429 and calls < ENOUGH:
            answer, calls = await act(who), calls + 1
        answer.headers["calls"] = str(calls)
        return answer

    async with open_house(tmp_path, persistence, clock=clock) as house:
        emails = await _settle(house)
        clock.advance(61)
        for act in (
            lambda who, email: until_limited(who, lambda her: her.ask_code(email)),
            lambda who, email: until_limited(who, lambda her: her.register(email, WRONG)),
            lambda who, email: until_limited(who, lambda her: her.log_in(email, WRONG)),
            lambda who, email: until_limited(who, lambda her: her.answer(email, "x")),
        ):
            limited = await _alike(house, emails, act)
            assert reason(limited) == "RATE_LIMITED"


async def _timed(house: House, email: str) -> float:
    """Seconds for one refused login, over the wire."""
    who = house.caller()
    began = perf_counter()
    refused = await who.log_in(email, WRONG)
    took = perf_counter() - began
    assert reason(refused) == "INVALID_CREDENTIALS"
    return took


async def test_a_refused_login_takes_its_time_whoever_is_behind_the_address(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Three kinds of refusal are timed in turns, so that a busy machine slows all of them alike.

    Without the decoy hash the two without a password answer several times quicker.
    """
    async with open_house(tmp_path, persistence) as house:
        emails = await _settle(house)
        who = dict(zip(KINDS, (NOBODY, emails[1], "code@example.com"), strict=True))
        rounds = []
        for number in range(ROUNDS):
            turns = [KINDS[(number + turn) % len(KINDS)] for turn in range(len(KINDS))]
            rounds.append({kind: await _timed(house, who[kind]) for kind in turns})
    for kind in ("unknown", "no password"):
        ratio = median(each[kind] / each["wrong password"] for each in rounds)
        assert 1 / CLOSE < ratio < CLOSE, kind


@pytest.mark.parametrize("route", ["/password/login", "/password/register/confirm"])
async def test_what_is_asked_of_a_password_does_not_depend_on_the_address(
    tmp_path: Path, persistence: Persistence, route: str
) -> None:
    """A password that could never be one is refused before, or as, any other."""
    async with open_house(tmp_path, persistence) as house:
        emails = await _settle(house)
        for password in ("", "short", "a" * 200, "a" * 60_000):
            body = {"password": password, "code": "000000"}
            await _alike(
                house,
                emails,
                lambda who, email, body=body: who.say(route, {"email": email, **body}),
            )
