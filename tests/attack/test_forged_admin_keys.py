"""Attack: come to the operators' door with a key that is none, or is one no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from callers import IMMEDIATE, access, open_house, reason, refresh, tokens
from clerks import LET_IN, Clerk, clerk, keys_of
from piccolo.querystring import QueryString

from identra.adminkeys import PREFIX
from identra.values import SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence

ADA = "ada@example.com"
ON = LET_IN | IMMEDIATE
WAYS = ("/admin/users", "/admin/users/x")


async def test_whatever_is_no_live_key_has_one_answer(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Be it forged, another's half, a digest out of the database, expired, or taken back."""
    async with open_house(tmp_path, persistence, sections=ON, clock=clock) as house:
        one, other = await clerk(house, "one"), await clerk(house, "other")
        pair = tokens(await house.caller().register(ADA))
        _, key_id, secret = one.key.rsplit("_", 2)
        t = house.app.database.tables.admin_keys
        (row,) = await house.app.database.fetch(t.select(t.digest).where(t.id == key_id))
        _, expired = await keys_of(house).create("expired", ("users:read",), life=SECOND)
        await clerk(house, "gone")
        gone = (await clerk(house, "taken-back")).key
        await keys_of(house).revoke("taken-back")
        clock.advance(1)
        told = set()
        for key in (
            expired,
            gone,
            f"{PREFIX}{key_id}_{row['digest']}",
            f"{PREFIX}{key_id}_{other.key.rpartition('_')[2]}",
            f"{PREFIX}{key_id}_{secret[:-1]}{'1' if secret[-1] == '0' else '0'}",
            f"{PREFIX}{key_id}_{secret.upper()}",
            f"{PREFIX}{key_id}_{secret}0",
            f"{PREFIX}{key_id}_",
            f"{PREFIX}_{secret}",
            f"{key_id}_{secret}",
            secret,
            key_id,
            "one",
            f"{PREFIX}{'0' * 16}_{'0' * 64}",
            "' OR 1=1 --",
            access(pair),
            refresh(pair),
        ):
            caller = house.caller()
            for path in WAYS:
                answer = await caller.ask(path, bearer=key)
                own = answer.headers["x-request-id"]
                challenge = answer.headers["www-authenticate"]
                told.add((answer.status_code, challenge, answer.text.replace(own, "")))
        assert len(told) == 1
        ((status, challenge, body),) = told
        assert (status, "INVALID_TOKEN" in body) == (401, True)
        assert challenge.startswith('Bearer error="invalid_token"')
        assert "users" in await one.ask("/admin/users")


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_a_key_goes_in_the_header_alone(tmp_path: Path, persistence: Persistence) -> None:
    async with open_house(tmp_path, persistence, sections=ON) as house:
        desk = await clerk(house)
        nobody = house.caller()
        query = await nobody.ask("/admin/users", access_token=desk.key, key=desk.key)
        assert (query.status_code, reason(query)) == (401, "MISSING_TOKEN")
        assert query.headers["www-authenticate"] == "Bearer"
        said = {"access_token": desk.key, "email": ADA}
        assert reason(await nobody.say("/admin/users", said)) == "MISSING_TOKEN"
        basic = {"Authorization": f"Basic {desk.key}"}
        assert reason(await nobody.say("/admin/users", said, **basic)) == "MISSING_TOKEN"
        cookie = {"Cookie": f"access_token={desk.key}"}
        assert reason(await nobody.say("/admin/users", said, **cookie)) == "MISSING_TOKEN"
        assert await house.rows("users") == {"users": 0}


async def test_a_key_that_is_taken_back_opens_nothing_from_the_next_call_on(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=ON) as house:
        desk: Clerk = await clerk(house)
        assert "users" in await desk.ask("/admin/users")
        await keys_of(house).revoke("ci")
        assert await desk.ask("/admin/users") == "INVALID_TOKEN"
        assert await desk.say("/admin/users", {"email": ADA}) == "INVALID_TOKEN"
        assert await house.rows("users") == {"users": 0}


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_nobody_acts_unrecorded(tmp_path: Path, persistence: Persistence) -> None:
    """Where the record can't be written, nothing is done and nothing told."""
    async with open_house(tmp_path, persistence, sections=ON) as house:
        desk: Clerk = await clerk(house)
        assert "users" in await desk.ask("/admin/users")
        db = house.app.database
        await db.change(QueryString('ALTER TABLE "identra_events" RENAME TO "elsewhere"'))
        assert await desk.ask("/admin/users") in {"INTERNAL", "STORE_UNAVAILABLE"}
        assert await desk.say("/admin/users", {"email": ADA}) in {"INTERNAL", "STORE_UNAVAILABLE"}
        await db.change(QueryString('ALTER TABLE "elsewhere" RENAME TO "identra_events"'))
        assert await house.rows("users") == {"users": 0}
