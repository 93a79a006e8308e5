"""The attacker registers the victim's address early and waits for its owner to fill the account;
once the owner proves the address, the attacker's password, sessions and tokens must be dead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from callers import (
    IMMEDIATE,
    Caller,
    House,
    access,
    open_house,
    reason,
    refresh,
    section_of,
    tokens,
)
from homes import PASSWORD, code_for, mails_to
from standin.github import Email, GitHub, Person

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Persistence

ADA = "ada@example.com"
EVIL = "the attacker's password"
MINE = "Your Identra account is now yours alone"
ADA_AT_GITHUB = Person(7, "ada", (Email(ADA),))
MALLORY_AT_GITHUB = Person(666, "mallory", ())
WAYS = ("a mailed code", "GitHub", "a confirmed registration")


async def _at_github(house: House, github: GitHub, person: Person, **how: Any) -> dict[str, str]:
    """A trip to GitHub by this person: what the client has in hand when she is back."""
    github.welcome(person)
    prompt = await house.caller().ask("/oauth/url", provider="github", **how)
    return github.approve(prompt.json()["url"])


async def _prove(way: str, house: House, github: GitHub) -> dict[str, Any]:
    """The victim's first visit, by one of the ways that prove her address; her tokens."""
    victim = house.caller()
    if way == "GitHub":
        back = await _at_github(house, github, ADA_AT_GITHUB)
        return tokens(await victim.say("/oauth/login", back))
    if way == "a mailed code":
        await victim.ask_code(ADA)
        return tokens(await victim.answer(ADA, code_for(house.app, ADA)))
    assert (await victim.register(ADA, PASSWORD)).status_code == 202
    return tokens(await victim.confirm(ADA, code_for(house.app, ADA), PASSWORD))


async def _demand_dead(attacker: Caller, house: House, pair: dict[str, Any]) -> None:
    """Nothing the attacker ever held opens anything."""
    gone = access(pair)
    assert reason(await attacker.log_in(ADA, EVIL)) == "INVALID_CREDENTIALS"
    assert reason(await attacker.refresh(refresh(pair))) == "INVALID_REFRESH_TOKEN"
    assert reason(await attacker.info(gone)) == "INVALID_TOKEN"
    asked = await attacker.ask("/oauth/url", bearer=gone, provider="github")
    assert reason(asked) == "INVALID_TOKEN"


@pytest.mark.parametrize("way", WAYS)
async def test_whoever_claimed_the_address_early_keeps_no_way_in(
    tmp_path: Path, persistence: Persistence, way: str
) -> None:
    """The honest owner of an early registration keeps her user all the same."""
    github = GitHub()
    sections = {"providers.github": section_of(github)}
    transport = github.transport()
    early = open_house(tmp_path, persistence, sections=sections | IMMEDIATE, transport=transport)
    async with early as house:
        attacker = house.caller()
        first = tokens(await attacker.register(ADA, EVIL))
        claimed = (await attacker.info(access(first))).json()["user_id"]
        second = tokens(await attacker.log_in(ADA, EVIL))
        third = tokens(await attacker.refresh(refresh(second)))
    if way != "a confirmed registration":
        sections |= IMMEDIATE
    async with open_house(tmp_path, persistence, sections=sections, transport=transport) as house:
        attacker = house.caller()
        hers = await _prove(way, house, github)
        for pair in (first, second, third):
            await _demand_dead(attacker, house, pair)
        info = (await house.caller().info(access(hers))).json()
        assert (info["user_id"], info["email_verified"]) == (claimed, True)
        assert info["password_enabled"] is (way == "a confirmed registration")
        assert tokens(await house.caller().refresh(refresh(hers)))
        assert MINE in mails_to(house.app, ADA)


@pytest.mark.parametrize("way", ["a mailed code", "GitHub"])
async def test_a_claimant_with_something_proved_loses_the_claim_and_the_owner_starts_afresh(
    tmp_path: Path, persistence: Persistence, way: str
) -> None:
    """The attacker's own identity must not become a way into the owner's account."""
    github = GitHub()
    sections = IMMEDIATE | {"providers.github": section_of(github)}
    opened = open_house(tmp_path, persistence, sections=sections, transport=github.transport())
    async with opened as house:
        attacker = house.caller()
        pair = tokens(await attacker.register(ADA, EVIL))
        back = await _at_github(house, github, MALLORY_AT_GITHUB)
        bound = tokens(await attacker.say("/oauth/bind", back, bearer=access(pair)))
        hers = await _prove(way, house, github)
        info = (await house.caller().info(access(hers))).json()
        assert (info["email"], info["email_verified"]) == (ADA, True)
        assert "666" not in {c["provider_user_id"] for c in info["oauth_connections"]}
        back = await _at_github(house, github, MALLORY_AT_GITHUB)
        again = tokens(await attacker.say("/oauth/login", back))
        for own in (pair, bound, again):
            told = (await attacker.info(access(own))).json()
            assert told["user_id"] != info["user_id"]
            assert (told["email"], told["email_verified"]) == ("", False)
        assert reason(await attacker.log_in(ADA, EVIL)) == "INVALID_CREDENTIALS"


async def test_a_bind_begun_by_the_claimant_is_not_finished_by_the_owner(
    tmp_path: Path, persistence: Persistence
) -> None:
    """A state begun under a session that has ended binds nothing, whoever brings it."""
    github = GitHub()
    sections = IMMEDIATE | {"providers.github": section_of(github)}
    opened = open_house(tmp_path, persistence, sections=sections, transport=github.transport())
    async with opened as house:
        attacker = house.caller()
        pair = tokens(await attacker.register(ADA, EVIL))
        github.welcome(MALLORY_AT_GITHUB)
        prompt = await attacker.ask("/oauth/url", bearer=access(pair), provider="github")
        back = github.approve(prompt.json()["url"])
        hers = await _prove("a mailed code", house, github)
        tricked = await house.caller().say("/oauth/bind", back, bearer=access(hers))
        assert reason(tricked) == "INVALID_STATE"
        assert (await house.rows("identities")) == {"identities": 0}
