"""The attacker, or an impatient owner, removes the last two ways into an account from two devices
at once, so that each finds the other's still there; one of them must be told that it is the last.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
from callers import IMMEDIATE, Caller, House, access, open_house, reason, section_of, tokens
from standin.github import GitHub, Person

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from identra.settings import Persistence

ROUNDS = 3


class Places(httpx.AsyncBaseTransport):
    """Two GitHubs, told apart by their hosts."""

    def __init__(self, places: dict[str, GitHub]) -> None:
        self._wires = {name: place.transport() for name, place in places.items()}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = "ghe" if "ghe." in request.url.host else "github"
        return await self._wires[name].handle_async_request(request)


async def come(her: Caller, place: GitHub, name: str, number: int, bearer: str | None) -> str:
    """Sign in at a place, or bind what one is there; an access token."""
    place.welcome(Person(number, f"ada{number}", ()))
    prompt = (await her.ask("/oauth/url", bearer=bearer, provider=name)).json()
    back = place.approve(prompt["url"])
    body = {"code": back["code"], "state": back["state"]}
    path = "/oauth/bind" if bearer else "/oauth/login"
    return access(tokens(await her.say(path, body, bearer=bearer)))


def unlink(name: str) -> Callable[[House, str], Awaitable[httpx.Response]]:
    return lambda house, bearer: house.caller().end(f"/me/identities/{name}", bearer=bearer)


SIDES = {"identity and identity": (unlink("github"), unlink("ghe"))}
CLAIM = "claim@example.com"


@pytest.mark.parametrize("sides", SIDES)
async def test_of_the_last_two_ways_one_stays(
    tmp_path: Path, persistence: Persistence, sides: str
) -> None:
    places = {"github": GitHub(), "ghe": GitHub()}
    there = {"base_url": "https://ghe.example.com", "api_url": "https://api.ghe.example.com"}
    sections = {
        "providers.github": section_of(places["github"]),
        "providers.ghe": section_of(places["ghe"], plugin="github", **there),
    }
    opened = open_house(tmp_path, persistence, sections=sections, transport=Places(places))
    async with opened as house:
        for number in range(1, ROUNDS + 1):
            her = house.caller()
            one = await come(her, places["github"], "github", number, None)
            other = await come(her, places["ghe"], "ghe", number, one)
            first, second = SIDES[sides]
            answers = await asyncio.gather(first(house, one), second(house, other))
            assert sorted(map(reason, answers)) == ["200", "LAST_LOGIN_METHOD"]
            assert await house.rows("identities") == {"identities": number}


async def test_of_an_identity_and_a_claimed_address_one_stays(
    tmp_path: Path, persistence: Persistence
) -> None:
    """She signs in with GitHub, or by the password of an address that she only claims."""
    github = GitHub()
    sections = {"providers.github": section_of(github)} | IMMEDIATE
    opened = open_house(tmp_path, persistence, sections=sections, transport=github.transport())
    async with opened as house:
        for number in range(1, ROUNDS + 1):
            her, email = house.caller(), f"{number}-{CLAIM}"
            bearer = access(tokens(await her.register(email)))
            await come(her, github, "github", number, bearer)
            answers = await asyncio.gather(
                her.end("/me/identities/github", bearer=bearer),
                house.caller().end(f"/me/addresses/{email}", bearer=bearer),
            )
            assert sorted(map(reason, answers)) == ["200", "LAST_LOGIN_METHOD"]
            rows = await house.rows("identities", "emails")
            assert sum(rows.values()) == number
