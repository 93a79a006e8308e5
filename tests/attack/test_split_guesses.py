"""The attacker says the same thing in many ways, so that each way has an allowance of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
import pytest
from callers import open_house, reason
from doors import Rpc
from running import rpc_of

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from callers import House

    from identra.settings import Persistence

ADA = "ada@bücher.example"
HER = "203.0.113.7"
FIVE_AND_NO_MORE = ["200"] * 5 + ["RATE_LIMITED"]

SPELLINGS = {
    "of the address": [
        {"email": spelled}
        for spelled in (ADA, ADA.upper(), f" {ADA} ", "ADA@xn--bcher-kva.example", f"{ADA}  ")
    ],
    "of the path": [
        {"path": path}
        for path in ("/email/code", "/api/email/code", "/email/code?x=1", "/api/email/code?")
    ],
    "of the peer": [
        {"peer": peer}
        for peer in (
            f"::ffff:{HER}",
            "::ffff:cb00:7107",
            f"[::ffff:{HER}]:4711",
            f"{HER}:80",
            f"198.51.100.1 ,  {HER}",
            f"unknown,{HER}",
        )
    ],
    "of the header": [
        {"header": name} for name in ("X-Forwarded-For", "x-forwarded-for", "X-FORWARDED-FOR")
    ],
    "of a neighbour": [
        {"peer": peer}
        for peer in ("2001:db8::1", "2001:DB8:0:0::2", "2001:db8::3%eth0", "[2001:db8::4]:443")
    ],
}


async def _ask(
    house: House,
    *,
    path: str = "/email/code",
    email: str = ADA,
    peer: str = HER,
    header: str = "X-Forwarded-For",
) -> httpx.Response:
    return await house.http.post(path, json={"email": email}, headers={header: peer})


@pytest.mark.parametrize("ways", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_every_spelling_counts_as_one(
    tmp_path: Path, persistence: Persistence, ways: list[dict[str, str]]
) -> None:
    async with open_house(tmp_path, persistence) as house:
        told = [reason(await _ask(house, **ways[turn % len(ways)])) for turn in range(6)]
        assert told == FIVE_AND_NO_MORE


async def test_calls_split_between_rest_and_grpc_count_as_one(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house, rpc_of(house.app) as place:
        told = []
        with grpc.insecure_channel(place) as channel:
            rpc, said, beside = Rpc(channel), {"email": ADA}, {"x-forwarded-for": HER}
            for turn in range(6):
                if turn % 2:
                    ask = rpc.ask, "SendLoginEmailCode", said, beside
                    told.append((await asyncio.to_thread(*ask)).reason or "200")
                else:
                    told.append(reason(await _ask(house)))
        assert told == FIVE_AND_NO_MORE


async def test_codes_sprayed_over_many_addresses_end_with_the_tenth_wrong_one(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Five guesses for each address, and addresses without number, would find some code."""
    async with open_house(tmp_path, persistence) as house:
        attacker, told = house.caller(), []
        for turn in range(12):
            email = f"somebody{turn}@example.com"
            await attacker.ask_code(email)
            if turn in {3, 7}:
                told.append(reason(await attacker.confirm(email, "000000")))
            else:
                told.append(reason(await attacker.answer(email, "000000")))
        assert told == ["INVALID_CODE"] * 10 + ["RATE_LIMITED"] * 2
