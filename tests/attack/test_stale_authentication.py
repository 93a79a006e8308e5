"""The attacker has a session that was opened a while ago, refreshes it, and tries to make the
account hers: every change of a way in asks when the person last proved who she is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from callers import Caller, House, access, open_house, reason, refresh, section_of, tokens
from homes import code_for
from standin.github import Email, GitHub, Person

from identra.binding import PROBATION
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import httpx
    from clock import FrozenClock

    from identra.settings import Persistence

ADA, EVIL = "ada@example.com", "evil@example.com"
NEW = "another horse battery staple"
STALE = 601
DAY = PROBATION // SECOND

ACTS: dict[str, Callable[[Caller, str], Awaitable[httpx.Response]]] = {
    "a first password": lambda who, bearer: who.say(
        "/me/password", {"password": NEW}, bearer=bearer
    ),
    "asking for a further address": lambda who, bearer: who.say(
        "/me/addresses", {"email": EVIL}, bearer=bearer
    ),
    "adding one": lambda who, bearer: who.say(
        "/me/addresses/confirm", {"email": EVIL, "code": "000000"}, bearer=bearer
    ),
    "another primary address": lambda who, bearer: who.http.put(
        "/me/addresses/primary",
        json={"email": EVIL},
        headers={"Authorization": f"Bearer {bearer}", "X-Forwarded-For": who.network},
    ),
    "removing an address": lambda who, bearer: who.end(f"/me/addresses/{ADA}", bearer=bearer),
    "leaving": lambda who, bearer: who.end("/me", bearer=bearer),
    "unlinking": lambda who, bearer: who.end("/me/identities/github", bearer=bearer),
}


@pytest.fixture
def github() -> GitHub:
    place = GitHub()
    place.welcome(Person(666, "evil", (Email(EVIL),)))
    return place


async def test_a_refreshed_session_is_no_younger_for_it(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        _, pair = await house.owner(ADA)
        attacker = house.caller()
        clock.advance(STALE)
        pair = tokens(await attacker.refresh(refresh(pair)))
        for name, act in ACTS.items():
            refused = await act(attacker, access(pair))
            assert reason(refused) == "REAUTHENTICATION_REQUIRED", name
            assert 'max_age="600"' in refused.headers["www-authenticate"]


async def bind_stale(house: House, clock: FrozenClock, github: GitHub) -> Caller:
    """An attacker with an old session of Ada's binds an identity and an address of her own."""
    _, pair = await house.owner(ADA)
    attacker = house.caller()
    clock.advance(STALE)
    prompt = (await attacker.ask("/oauth/url", bearer=access(pair), provider="github")).json()
    back = github.approve(prompt["url"])
    body = {"code": back["code"], "state": back["state"]}
    tokens(await attacker.say("/oauth/bind", body, bearer=access(pair)))
    return attacker


async def by_github(house: House, attacker: Caller, github: GitHub) -> dict[str, Any]:
    prompt = (await attacker.ask("/oauth/url", provider="github")).json()
    back = github.approve(prompt["url"])
    body = {"code": back["code"], "state": back["state"]}
    return tokens(await attacker.say("/oauth/login", body))


async def by_code(house: House, attacker: Caller, _github: GitHub) -> dict[str, Any]:
    await attacker.ask_code(EVIL)
    return tokens(await attacker.answer(EVIL, code_for(house.app, EVIL)))


WAYS = {"the identity": by_github, "its address": by_code}


@pytest.mark.parametrize("way", WAYS)
async def test_what_an_old_session_bound_proves_nothing_for_a_day(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock, github: GitHub, way: str
) -> None:
    sections = {"providers.github": section_of(github)}
    opened = open_house(
        tmp_path, persistence, sections=sections, clock=clock, transport=github.transport()
    )
    async with opened as house:
        attacker = await bind_stale(house, clock, github)
        pair = await WAYS[way](house, attacker, github)
        for act in ACTS.values():
            assert reason(await act(attacker, access(pair))) == "REAUTHENTICATION_REQUIRED"
        clock.advance(DAY)
        pair = tokens(await attacker.refresh(refresh(pair)))
        for act in ACTS.values():
            assert reason(await act(attacker, access(pair))) == "REAUTHENTICATION_REQUIRED"
        pair = await WAYS[way](house, attacker, github)
        assert reason(await ACTS["a first password"](attacker, access(pair))) == "200"


async def test_an_address_that_joined_so_sets_no_password_for_a_day(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock, github: GitHub
) -> None:
    sections = {"providers.github": section_of(github)}
    opened = open_house(
        tmp_path, persistence, sections=sections, clock=clock, transport=github.transport()
    )
    async with opened as house:
        attacker = await bind_stale(house, clock, github)
        assert (await attacker.say("/password/reset", {"email": EVIL})).json() == {}
        with pytest.raises(AssertionError, match="no code was mailed"):
            code_for(house.app, EVIL)
        await attacker.register(EVIL, NEW)
        refused = await attacker.confirm(EVIL, code_for(house.app, EVIL), NEW)
        assert reason(refused) == "EMAIL_TAKEN"
        assert reason(await attacker.log_in(EVIL, NEW)) == "INVALID_CREDENTIALS"


async def test_an_identity_that_comes_by_such_an_address_counts_no_sooner(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock, github: GitHub
) -> None:
    """Linked by the address at a login of its own, which is as young as can be."""
    sections = {"providers.github": section_of(github)}
    opened = open_house(
        tmp_path, persistence, sections=sections, clock=clock, transport=github.transport()
    )
    async with opened as house:
        attacker = await bind_stale(house, clock, github)
        github.welcome(Person(667, "evil too", (Email(EVIL),)))
        first = await by_github(house, attacker, github)
        again = await by_github(house, attacker, github)
        for pair in (first, again):
            refused = await ACTS["a first password"](attacker, access(pair))
            assert reason(refused) == "REAUTHENTICATION_REQUIRED"
