"""Whoever calls is told how she stands: by REST and by gRPC alike, before and when it is spent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
import handbook
import pytest
from callers import open_house, tokens
from doors import Rpc
from homes import code_for
from running import rpc_of

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence

ADA = "ada@example.com"
FIELDS = ("ratelimit-policy", "ratelimit")
WRONG = {"email": ADA, "password": "not the right password"}


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_both_doors_tell_of_one_count(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """What the page shows is what the first answer says; the sixth says when to come back."""
    page = handbook.rows(handbook.read("docs/reference/limits.md"), "field")
    async with open_house(tmp_path, persistence, clock=clock) as house, rpc_of(house.app) as place:
        caller = house.caller()
        first = await caller.ask_code(ADA)
        shown = {handbook.coded(row[0])[0].lower(): handbook.coded(row[1])[0] for row in page}
        assert {name: first.headers[name] for name in FIELDS} == shown
        clock.advance(10)
        with grpc.insecure_channel(place) as channel:
            rpc, beside = Rpc(channel), {"x-forwarded-for": caller.network}
            asked = rpc.ask, "SendLoginEmailCode", {"email": ADA}, beside
            second = await asyncio.to_thread(*asked)
            assert second.headers["ratelimit-policy"] == first.headers["ratelimit-policy"]
            assert '"send_hour";r=3;t=3590' in second.headers["ratelimit"]
            for _ in range(3):
                await caller.ask_code(ADA)
            refused = await caller.ask_code(ADA)
            told = await asyncio.to_thread(*asked)
        assert refused.headers["retry-after"] == "3590"
        assert '"send_hour";r=0;t=3590' in refused.headers["ratelimit"]
        assert told.waits
        assert {name: told.headers[name] for name in FIELDS} == {
            name: value.replace("r=594", "r=593")
            for name in FIELDS
            for value in [refused.headers[name]]
        }


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_a_wait_is_told_and_what_others_spend_is_not(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        other, caller = house.caller(), house.caller()
        for _ in range(3):
            await other.say("/password/login", WRONG)
        answers = [await caller.say("/password/login", WRONG) for _ in range(6)]
        left = [answer.headers["ratelimit"].partition('"secret";')[2] for answer in answers]
        assert left == [f"r={r};t=300" for r in (4, 3, 2, 1, 0)] + ["r=0;t=60"]


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_what_anybody_may_keep_tells_of_nobody(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Nor does a route without an allowance of its own."""
    async with open_house(tmp_path, persistence) as house:
        owner, pair = await house.owner(ADA)
        keys = await owner.ask("/.well-known/jwks.json")
        info = await owner.info(pair["access_token"]["token"])
        for answer in (keys, info):
            assert answer.status_code == 200
            assert not set(FIELDS) & set(answer.headers)
        await owner.ask_code(ADA)
        assert tokens(await owner.answer(ADA, code_for(house.app, ADA)))
