"""The attacker has as many networks as she likes, and spends in the victim's name what all of them
have; where the victim is known from, she is let in as ever.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from callers import Caller, House, open_house, reason, tokens
from homes import code_for

from identra.acquaintance import Acquaintance
from identra.events import Events
from identra.limits import IN_A_ROW, IN_ALL, SECRET, Limits
from identra.mail import NoMailer
from identra.values import Peer

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence

ADA = "ada@example.com"
WRONG = "not the right password"
SENT_BY_MAIL = "the address by a mailed code"


async def _registered(house: House) -> Caller:
    victim = house.caller()
    await victim.register(ADA)
    tokens(await victim.confirm(ADA, code_for(house.app, ADA)))
    return victim


async def _fail_at_the_door(house: House, email: str) -> None:
    for _ in range(IN_ALL):
        attacker = house.caller()
        for _ in range(SECRET.most):
            assert reason(await attacker.log_in(email, WRONG)) == "INVALID_CREDENTIALS"


async def _fail_everywhere(house: House, email: str) -> None:
    """The same, but for the hashes, which take long and change nothing of what is counted."""
    users = house.app.users
    events = Events(house.app.database, users._clock)
    watch = Acquaintance(users, events, users._clock)
    limits = Limits(house.app.state, watch, rests=lambda: house.app.outbox is not None)
    for _ in range(IN_ALL):
        attacker = Peer(house.caller().network)
        for _ in range(SECRET.most):
            await limits.was_wrong(await limits.try_secret(f"password:{email}", attacker))


async def _events(house: House, name: str) -> list[dict[str, Any]]:
    t = house.app.database.tables.events
    query = t.select(t.user_id, t.data).where(t.name == name)
    rows = await house.app.database.fetch(query)
    return [json.loads(row["data"]) | {"user_id": row["user_id"]} for row in rows]


async def test_failures_from_many_networks_stop_strangers_and_not_the_victim(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """A day after another: she is known for thirty days, and then is a stranger too."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        victim = await _registered(house)
        await _fail_at_the_door(house, ADA)
        stranger = house.caller()
        assert reason(await stranger.log_in(ADA)) == "RATE_LIMITED"
        assert reason(await stranger.log_in(ADA, WRONG)) == "RATE_LIMITED"
        tokens(await victim.log_in(ADA))
        (reached,) = await _events(house, "limit.reached")
        assert (reached["limit"], reached["provider"]) == ("secret", "password")
        assert reached["user_id"]
        assert ADA not in json.dumps(reached)
        clock.advance(31 * 86_400)
        await _fail_everywhere(house, ADA)
        assert reason(await victim.log_in(ADA)) == "RATE_LIMITED"


async def test_an_address_that_nobody_has_is_limited_alike(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """The answers tell nothing of whether somebody is known from anywhere."""
    told = []
    async with open_house(tmp_path, persistence, clock=clock) as house:
        await _registered(house)
        for email in (ADA, "nobody@example.com"):
            await _fail_everywhere(house, email)
            answer = await house.caller().log_in(email, WRONG)
            headers = {"retry-after", "ratelimit", "ratelimit-policy"} & set(answer.headers)
            body = answer.json() | {"request_id": ""}
            told.append((answer.status_code, body, {n: answer.headers[n] for n in headers}))
    assert told[0] == told[1]
    assert len(told[0][2]) == 3


async def test_codes_asked_for_and_guessed_from_many_networks_leave_the_victim_hers(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        victim, _ = await house.owner(ADA)
        for _ in range(IN_ALL):
            attacker = house.caller()
            for _ in range(5):
                await attacker.ask_code(ADA)
        assert reason(await house.caller().ask_code(ADA)) == "RATE_LIMITED"
        for _ in range(2 * IN_ALL):
            attacker = house.caller()
            for _ in range(10):
                await attacker.answer(ADA, "x")
        assert reason(await house.caller().answer(ADA, "x")) == "RATE_LIMITED"
        assert reason(await victim.ask_code(ADA)) == "200"
        tokens(await victim.answer(ADA, code_for(house.app, ADA)))


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_after_100_failures_in_a_row_the_password_rests_until_the_address_is_proved(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """From everywhere but her own networks; however long she waits; and never the account."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        victim = await _registered(house)
        for _ in range(IN_A_ROW.most // (IN_ALL * SECRET.most)):
            await _fail_everywhere(house, ADA)
            clock.advance(SECRET.longest)
        clock.advance(20 * 86_400)
        stranger = house.caller()
        rests = await stranger.log_in(ADA)
        assert reason(rests) == "RATE_LIMITED"
        assert SENT_BY_MAIL in rests.json()["message"]
        assert int(rests.headers["retry-after"]) == SECRET.longest
        tokens(await victim.log_in(ADA))
        assert reason(await stranger.log_in(ADA)) == "RATE_LIMITED"
        assert (await _events(house, "limit.reached"))[-1]["limit"] == "secret_row"
        await stranger.ask_code(ADA)
        tokens(await stranger.answer(ADA, code_for(house.app, ADA)))
        tokens(await stranger.log_in(ADA))
        (released,) = await _events(house, "limit.released")
        assert released["by"] == "proof"
        assert await house.rows("users") == {"users": 1}


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_without_mail_the_waits_go_on_instead(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Nobody could prove her address again; a rest would be for ever."""
    at_once: dict[str, dict[str, Any]] = {"password": {"registration": "immediate"}}
    async with open_house(
        tmp_path, persistence, clock=clock, mailer=NoMailer(), sections=at_once
    ) as house:
        tokens(await house.caller().register(ADA))
        for _ in range(IN_A_ROW.most // (IN_ALL * SECRET.most)):
            await _fail_everywhere(house, ADA)
            clock.advance(SECRET.longest)
        tokens(await house.caller().log_in(ADA))
