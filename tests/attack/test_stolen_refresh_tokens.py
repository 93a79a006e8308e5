"""The attacker has copied a refresh token, or makes one up; a copy ends the session it was copied
from as soon as both have used it, and what nobody issued opens nothing and ends nothing.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from callers import House, access, open_house, reason, refresh, tokens

from identra.secret import base64url, from_base64url, token_bytes
from identra.sessions import prove, read
from identra.sessions.token import NAMED, PREFIX, write

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence

ADA = "ada@example.com"
OUTSIDE_GRACE = 31
REFUSED = "INVALID_REFRESH_TOKEN"


async def _events(house: House, name: str) -> int:
    t = house.app.database.tables.events
    return len(await house.app.database.fetch(t.select().where(t.name == name)))


async def _demand_over(house: House, *pairs: dict[str, Any]) -> None:
    """The session is over with every token it ever had."""
    for pair in pairs:
        assert reason(await house.caller().refresh(refresh(pair))) == REFUSED
        assert reason(await house.caller().info(access(pair))) == "INVALID_TOKEN"


async def _demand_alive(house: House, pair: dict[str, Any]) -> None:
    assert reason(await house.caller().info(access(pair))) == "200"
    assert reason(await house.caller().refresh(refresh(pair))) == "200"


@pytest.mark.parametrize("quicker", ["the thief", "the owner"])
async def test_a_copy_ends_the_session_once_both_have_used_it(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock, quicker: str
) -> None:
    """Whoever comes second gives the theft away (RFC 9700, 4.14.2); nobody is left inside."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        owner, stolen = await house.owner(ADA)
        thief = house.caller()
        first, second = (thief, owner) if quicker == "the thief" else (owner, thief)
        ahead = tokens(await first.refresh(refresh(stolen)))
        clock.advance(OUTSIDE_GRACE)
        assert reason(await second.refresh(refresh(stolen))) == REFUSED
        await _demand_over(house, stolen, ahead)
        assert await _events(house, "session.theft") == 1


async def test_an_old_token_ends_the_session_however_far_it_has_come(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """More advances lie between than the row remembers."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        owner, stolen = await house.owner(ADA)
        latest = stolen
        for _ in range(20):
            clock.advance(OUTSIDE_GRACE)
            latest = tokens(await owner.refresh(refresh(latest)))
        assert reason(await house.caller().refresh(refresh(stolen))) == REFUSED
        await _demand_over(house, stolen, latest)


async def test_within_the_grace_a_copy_never_makes_a_second_branch(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Racing tabs, or a thief among them, all get the one token that there is."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        _, pair = await house.owner(ADA)
        given = {refresh(tokens(await house.caller().refresh(refresh(pair)))) for _ in range(5)}
        assert len(given) == 1


async def test_a_thief_without_the_idempotency_key_is_a_thief(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        for name, key in {"none": None, "another": "guessed", "empty": ""}.items():
            owner, pair = await house.owner(f"{name}@example.com")
            ahead = tokens(await owner.refresh(refresh(pair), **{"Idempotency-Key": "hers"}))
            clock.advance(OUTSIDE_GRACE)
            headers = {} if key is None else {"Idempotency-Key": key}
            assert reason(await house.caller().refresh(refresh(pair), **headers)) == REFUSED
            await _demand_over(house, pair, ahead)


async def test_the_idempotency_key_of_one_refresh_opens_no_older_one(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """A client that says the same key at every refresh is no shield for older copies."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        owner, stolen = await house.owner(ADA)
        latest = stolen
        for _ in range(2):
            key = {"Idempotency-Key": "always the same"}
            latest = tokens(await owner.refresh(refresh(latest), **key))
            clock.advance(OUTSIDE_GRACE)
        key = {"Idempotency-Key": "always the same"}
        assert reason(await house.caller().refresh(refresh(stolen), **key)) == REFUSED
        await _demand_over(house, stolen, latest)


def _flipped(token: str) -> list[str]:
    """The token with one bit changed, in each of its bytes."""
    raw = from_base64url(token.removeprefix(PREFIX))
    changed = []
    for place in range(len(raw)):
        other = bytearray(raw)
        other[place] ^= 1
        changed.append(PREFIX + base64url(bytes(other)))
    return changed


def _spelled(token: str) -> list[str]:
    """The same bytes, spelled as a lenient decoder would read them too."""
    return [
        *(f"{token}=", f"{token}==", f" {token}", f"{token}\n", f"{token}.", token[:-1]),
        *(token.removeprefix(PREFIX), token.upper(), f"{PREFIX}{token}", f"{token}A"),
        token.replace("-", "+").replace("_", "/"),
        token[:20] + "\n" + token[20:],
    ]


async def test_what_nobody_issued_opens_nothing_and_ends_nothing(
    tmp_path: Path, persistence: Persistence
) -> None:
    """A forger can't log the owner out either: neither by refreshing nor by revoking."""
    async with open_house(tmp_path, persistence) as house:
        _, hers = await house.owner(ADA)
        _, other = await house.owner("eve@example.com")
        mine, theirs = (from_base64url(refresh(p).removeprefix(PREFIX)) for p in (hers, other))
        made_up = [
            *_flipped(refresh(hers)),
            *(spelled for spelled in _spelled(refresh(hers)) if spelled != refresh(hers)),
            PREFIX + base64url(mine[:NAMED] + theirs[NAMED:]),
            PREFIX + base64url(theirs[:NAMED] + mine[NAMED:]),
            PREFIX + base64url(mine[:NAMED] + token_bytes()),
            PREFIX + base64url(mine[:NAMED] + bytes(32)),
            PREFIX + base64url(mine[:NAMED]),
            *("", PREFIX, "\uff49dr_x", "x" * 600, "x" * 60_000),
        ]
        who = house.caller()
        answers = await asyncio.gather(*(who.refresh(token) for token in made_up))
        assert [reason(answer) for answer in answers] == [REFUSED] * len(made_up)
        given = ({"refresh_token": token} for token in made_up)
        answers = await asyncio.gather(*(who.say("/token/revoke", each) for each in given))
        assert {(answer.status_code, answer.text) for answer in answers} == {(200, "{}")}
        await _demand_alive(house, hers)
        await _demand_alive(house, other)


async def test_a_reader_of_the_database_can_write_no_token(
    tmp_path: Path, persistence: Persistence
) -> None:
    """The row holds all but the key of the MAC, which is sealed elsewhere."""
    async with open_house(tmp_path, persistence) as house:
        _, pair = await house.owner(ADA)
        t = house.app.database.tables.sessions
        row = await house.app.database.first(t.select())
        assert row is not None
        secret = house.app.keys.ring.secret
        guesses = [bytes(32), row["seed"].encode(), from_base64url(row["seed"]), b""]
        guesses.append(bytes.fromhex(row["secret_id"]))
        for guess in guesses:
            forged = write(row["id"], 0, row["seed"], replace(secret, value=guess))
            assert reason(await house.caller().refresh(forged)) == REFUSED
        genuine = write(row["id"], 0, row["seed"], secret)
        assert genuine == refresh(pair)
        known = read(genuine)
        assert known is not None
        assert prove(known, row["seed"], secret)
        assert genuine not in json.dumps(row)


async def test_a_revoked_session_is_over_for_all_its_tokens(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Any token of the session revokes it, the oldest too; revoking twice is no news."""
    async with open_house(tmp_path, persistence) as house:
        owner, first = await house.owner(ADA)
        second = tokens(await owner.refresh(refresh(first)))
        for pair in (first, second):
            done = await owner.say("/token/revoke", {"refresh_token": refresh(pair)})
            assert (done.status_code, done.text) == (200, "{}")
        await _demand_over(house, first, second)
        assert await _events(house, "session.revoked") == 1
        assert await _events(house, "session.theft") == 0


async def test_no_token_is_taken_for_the_other_kind(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        owner, pair = await house.owner(ADA)
        as_access, as_refresh = refresh(pair), access(pair)
        in_body = await owner.say("/me/login-info", {"access_token": as_access})
        asked = await owner.ask("/oauth/url", bearer=as_access, provider="github")
        bind = await owner.say("/oauth/bind", {"code": "c", "state": "s"}, bearer=as_access)
        answer = await owner.answer(ADA, "000000", bearer=as_access)
        for refused in (await owner.info(as_access), in_body, asked, bind, answer):
            assert reason(refused) == "INVALID_TOKEN"
        assert reason(await owner.refresh(as_refresh)) == REFUSED
        done = await owner.say("/token/revoke", {"refresh_token": as_refresh})
        assert done.text == "{}"
        await _demand_alive(house, pair)


@pytest.mark.parametrize(("idle", "reached"), [(True, 7), (False, 30)])
async def test_a_stolen_token_does_not_outlive_its_session(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock, idle: bool, reached: int
) -> None:
    """Seven days unused, or thirty days in all, however often it was refreshed meanwhile."""
    day = 86_400
    async with open_house(tmp_path, persistence, clock=clock) as house:
        owner, pair = await house.owner(ADA)
        for _ in range(0 if idle else reached - 1):
            clock.advance(day)
            pair = tokens(await owner.refresh(refresh(pair)))
        clock.advance(reached * day if idle else day)
        await _demand_over(house, pair)
