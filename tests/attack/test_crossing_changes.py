"""The attacker holds a session, and changes what she can at the moment at which the owner takes the
account back: whoever is first, the owner's word is the last.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from callers import Caller, House, access, open_house, reason, tokens
from homes import PASSWORD, code_for

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from clock import FrozenClock

    from identra.settings import Persistence

ADA, FURTHER = "ada@example.com", "ada@work.example.com"
HERS, THEIRS = "the owner's own new phrase", "what the thief would like it to be"
ROUNDS = 3
AT_ONCE = 5


async def change(who: Caller, bearer: str, password: str, current: str) -> httpx.Response:
    body = {"password": password, "current_password": current}
    return await who.say("/me/password", body, bearer=bearer)


async def reset(who: Caller, house: House) -> httpx.Response:
    body = {"email": ADA, "code": code_for(house.app, ADA), "password": HERS}
    return await who.say("/password/reset/confirm", body)


async def test_a_reset_is_the_last_word_whatever_a_session_changes_meanwhile(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        owner, pair = await house.owner(ADA)
        current = PASSWORD
        body = {"password": current}
        assert reason(await owner.say("/me/password", body, bearer=access(pair))) == "200"
        for _ in range(ROUNDS):
            thief = house.caller()
            stolen = access(tokens(await thief.log_in(ADA, current)))
            await owner.say("/password/reset", {"email": ADA})
            changed, taken = await asyncio.gather(
                change(thief, stolen, THEIRS, current), reset(owner, house)
            )
            assert reason(changed) in {"200", "INVALID_TOKEN", "INVALID_CREDENTIALS"}
            assert reason(taken) == "200"
            assert reason(await thief.info(stolen)) == "INVALID_TOKEN"
            assert reason(await owner.log_in(ADA, HERS)) == "200"
            bearer = access(tokens(taken))
            assert reason(await change(owner, bearer, PASSWORD, HERS)) == "200"
            clock.advance(3601)


async def test_of_many_who_bring_one_reset_code_one_sets_her_password(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        await house.owner(ADA)
        asker = house.caller()
        await asker.say("/password/reset", {"email": ADA})
        code = code_for(house.app, ADA)

        async def answer(password: str) -> str:
            body = {"email": ADA, "code": code, "password": password}
            return reason(await house.caller().say("/password/reset/confirm", body))

        phrases = [f"{HERS} {number}" for number in range(AT_ONCE)]
        answers = await asyncio.gather(*map(answer, phrases))
        assert sorted(answers) == sorted(["200", *["INVALID_CODE"] * (AT_ONCE - 1)])
        right = phrases[answers.index("200")]
        assert reason(await house.caller().log_in(ADA, right)) == "200"


async def test_an_address_that_is_preferred_and_removed_at_once_leaves_another_primary(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        owner, pair = await house.owner(ADA)
        bearer = access(pair)
        headers = {"Authorization": f"Bearer {bearer}"}
        for _ in range(ROUNDS):
            await owner.say("/me/addresses", {"email": FURTHER}, bearer=bearer)
            body = {"email": FURTHER, "code": code_for(house.app, FURTHER)}
            assert reason(await owner.say("/me/addresses/confirm", body, bearer=bearer)) == "200"
            preferred, *removed = await asyncio.gather(
                owner.http.put("/me/addresses/primary", json={"email": FURTHER}, headers=headers),
                owner.end(f"/me/addresses/{FURTHER}", bearer=bearer),
                owner.end(f"/me/addresses/{ADA}", bearer=bearer),
            )
            assert reason(preferred) in {"200", "NOT_FOUND"}
            assert sorted(map(reason, removed)) == ["200", "LAST_LOGIN_METHOD"]
            listed = (await owner.ask("/me/addresses", bearer=bearer)).json()["addresses"]
            (left,) = listed
            assert (left["verified"], left["primary"]) == (True, True)
            if left["email"] == FURTHER:
                break
