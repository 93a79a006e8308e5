"""The attacker races for an address: two accounts take one at once, two swap theirs, an address is
made primary while it is removed. It ends with one owner, and an account that has a primary address.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from callers import Caller, House, access, open_house, reason
from homes import code_for

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from identra.settings import Persistence

ROUNDS = 3


async def ask(house: House, her: Caller, bearer: str, email: str) -> str:
    """The code by which the address would become hers."""
    asked = await her.say("/me/addresses", {"email": email}, bearer=bearer)
    assert reason(asked) == "200"
    return code_for(house.app, email)


async def confirm(her: Caller, bearer: str, email: str, code: str) -> httpx.Response:
    said = {"email": email, "code": code}
    return await her.say("/me/addresses/confirm", said, bearer=bearer)


async def promote(her: Caller, bearer: str, email: str) -> httpx.Response:
    hers = {"Authorization": f"Bearer {bearer}", "X-Forwarded-For": her.network}
    return await her.http.put("/me/addresses/primary", json={"email": email}, headers=hers)


async def listed(her: Caller, bearer: str) -> list[dict[str, Any]]:
    answer = await her.ask("/me/addresses", bearer=bearer)
    found: list[dict[str, Any]] = answer.json()["addresses"]
    return found


async def test_of_two_who_take_an_address_one_has_it(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        for number in range(ROUNDS):
            wanted = f"wanted{number}@example.com"
            takers = [await house.owner(f"{name}{number}@example.com") for name in ("a", "b")]
            codes = [await ask(house, her, access(pair), wanted) for her, pair in takers]
            answers = await asyncio.gather(
                *(
                    confirm(her, access(pair), wanted, code)
                    for (her, pair), code in zip(takers, codes, strict=True)
                )
            )
            assert sorted(map(reason, answers)) == ["200", "EMAIL_TAKEN"]
            for (her, pair), answer in zip(takers, answers, strict=True):
                has = wanted in {one["email"] for one in await listed(her, access(pair))}
                assert has == answer.is_success


async def test_one_code_brought_many_times_at_once_counts_once(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        her, pair = await house.owner("ada@example.com")
        code = await ask(house, her, access(pair), "wanted@example.com")
        answers = await asyncio.gather(
            *(confirm(her, access(pair), "wanted@example.com", code) for _ in range(4))
        )
        assert sorted(map(reason, answers)) == ["200", *["INVALID_CODE"] * 3]


async def test_two_who_swap_addresses_end_with_one_owner_for_each(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Each removes her own while the other takes it; whoever is too early is told it is taken."""
    async with open_house(tmp_path, persistence) as house:
        for number in range(ROUNDS):
            people = []
            for name in ("a", "b"):
                her, pair = await house.owner(f"{name}-main{number}@example.com")
                own = f"{name}{number}@example.com"
                code = await ask(house, her, access(pair), own)
                assert reason(await confirm(her, access(pair), own, code)) == "200"
                people.append((her, access(pair), own))
            (ada, ada_bearer, hers), (bob, bob_bearer, his) = people
            code = await ask(house, ada, ada_bearer, his)
            other = await ask(house, bob, bob_bearer, hers)
            answers = await asyncio.gather(
                ada.end(f"/me/addresses/{hers}", bearer=ada_bearer),
                bob.end(f"/me/addresses/{his}", bearer=bob_bearer),
                confirm(ada, ada_bearer, his, code),
                confirm(bob, bob_bearer, hers, other),
            )
            assert {reason(one) for one in answers[:2]} == {"200"}
            assert {reason(one) for one in answers[2:]} <= {"200", "EMAIL_TAKEN"}
            for (her, bearer, _), taken, answer in zip(
                people, (his, hers), answers[2:], strict=True
            ):
                emails = {one["email"] for one in await listed(her, bearer)}
                assert (taken in emails) == answer.is_success


async def test_an_account_has_a_primary_address_whatever_is_removed_meanwhile(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        for number in range(ROUNDS):
            main, further = f"main{number}@example.com", f"further{number}@example.com"
            her, pair = await house.owner(main)
            bearer = access(pair)
            code = await ask(house, her, bearer, further)
            assert reason(await confirm(her, bearer, further, code)) == "200"
            answers = await asyncio.gather(
                promote(her, bearer, further),
                her.end(f"/me/addresses/{further}", bearer=bearer),
                her.end(f"/me/addresses/{main}", bearer=bearer),
            )
            assert sorted(map(reason, answers[1:])) == ["200", "LAST_LOGIN_METHOD"]
            (left,) = await listed(her, bearer)
            assert left["verified"]
            assert left["primary"]
