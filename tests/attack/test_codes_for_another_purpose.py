"""The attacker holds a code that was mailed for one thing, and brings it for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from callers import Caller, House, access, open_house, reason
from homes import PASSWORD, code_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import httpx

    from identra.settings import Persistence

ADA = "ada@example.com"
NEW = "another horse battery staple"


async def answer_login(who: Caller, _bearer: str, code: str) -> httpx.Response:
    return await who.answer(ADA, code)


async def answer_registration(who: Caller, _bearer: str, code: str) -> httpx.Response:
    return await who.confirm(ADA, code, NEW)


async def answer_reset(who: Caller, _bearer: str, code: str) -> httpx.Response:
    body = {"email": ADA, "code": code, "password": NEW}
    return await who.say("/password/reset/confirm", body)


async def answer_address(who: Caller, bearer: str, code: str) -> httpx.Response:
    return await who.say("/me/addresses/confirm", {"email": ADA, "code": code}, bearer=bearer)


ASKING: dict[str, Callable[[Caller, str], Awaitable[httpx.Response]]] = {
    "login": lambda who, _: who.ask_code(ADA),
    "registration": lambda who, _: who.register(ADA, PASSWORD),
    "reset": lambda who, _: who.say("/password/reset", {"email": ADA}),
    "address": lambda who, bearer: who.say("/me/addresses", {"email": ADA}, bearer=bearer),
}
ANSWERING: dict[str, Callable[[Caller, str, str], Awaitable[httpx.Response]]] = {
    "login": answer_login,
    "registration": answer_registration,
    "reset": answer_reset,
    "address": answer_address,
}


async def asked(house: House, purpose: str, who: Caller, bearer: str) -> str:
    assert (await ASKING[purpose](who, bearer)).is_success
    return code_for(house.app, ADA)


@pytest.mark.parametrize("purpose", ASKING)
async def test_a_code_opens_what_it_was_mailed_for_and_nothing_else(
    tmp_path: Path, persistence: Persistence, purpose: str
) -> None:
    async with open_house(tmp_path, persistence) as house:
        her, pair = await house.owner(ADA)
        code = await asked(house, purpose, her, access(pair))
        for other, answer in ANSWERING.items():
            if other != purpose:
                refused = await answer(house.caller(), access(pair), code)
                assert reason(refused) == "INVALID_CODE", other
        assert reason(await ANSWERING[purpose](her, access(pair), code)) == "200"


async def test_a_code_for_a_further_address_is_for_whoever_asked_for_it(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Another who talks the owner out of it gains nothing by it."""
    async with open_house(tmp_path, persistence) as house:
        her, pair = await house.owner(ADA)
        attacker, theirs = await house.owner("evil@example.com")
        further = {"email": "ada@work.example.com"}
        assert reason(await her.say("/me/addresses", further, bearer=access(pair))) == "200"
        said = further | {"code": code_for(house.app, further["email"])}
        refused = await attacker.say("/me/addresses/confirm", said, bearer=access(theirs))
        assert reason(refused) == "INVALID_CODE"
        assert reason(await her.say("/me/addresses/confirm", said, bearer=access(pair))) == "200"
