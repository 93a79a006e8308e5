"""The attacker makes what was attempted about somebody else look like her own, to read it in her
export, which tells who has an account and from where she comes, or to have it removed with her.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from callers import IMMEDIATE, Caller, House, access, open_house, reason, tokens
from standin.openid import OpenId

from identra.users import Departures

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from identra.settings import Persistence

VICTIM = "victim@example.com"
Sqlite = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


@asynccontextmanager
async def open_evil(folder: Path, place: Persistence) -> AsyncIterator[tuple[House, OpenId]]:
    """A house that lets people in from a place of the attacker's."""
    evil = OpenId(person={"sub": VICTIM})
    section = evil.section(plugin="oidc", issuer=evil.issuer, email_trust="never")
    sections = {"providers.evil": section}
    async with open_house(folder, place, sections=sections, transport=evil.transport()) as house:
        yield house, evil


async def sign_in(house: House, evil: OpenId) -> tuple[Caller, str]:
    """The attacker, whose subject at her own place is whatever she wants."""
    attacker = house.caller()
    prompt = (await attacker.ask("/oauth/url", provider="evil")).json()
    pair = tokens(await attacker.say("/oauth/login", evil.approve(prompt["url"])))
    return attacker, access(pair)


async def attempted(house: House, attacker: Caller, bearer: str) -> list[dict[str, Any]]:
    """What an export tells, once all attempts so far are written."""
    await house.app.login._attempts.write()  # type: ignore[attr-defined]
    told: list[dict[str, Any]] = (await attacker.ask("/me/export", bearer=bearer)).json()[
        "attempts"
    ]
    return told


async def test_a_subject_that_reads_like_an_address_tells_nothing_about_that_address(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Not even whether a code for a new password left, which nobody else is told."""
    async with open_evil(tmp_path, persistence) as (house, evil):
        victim, _ = await house.owner(VICTIM)
        attacker, bearer = await sign_in(house, evil)
        await attacker.say("/password/reset", {"email": VICTIM})
        told = await attempted(house, attacker, bearer)
        assert {one["act"] for one in told} <= {"oauth.complete"}
        assert victim.network not in str(told)


@Sqlite
async def test_an_address_that_was_only_typed_tells_nothing_about_it(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=IMMEDIATE) as house:
        attacker, victim = house.caller(), house.caller()
        bearer = access(tokens(await attacker.register(VICTIM)))
        await victim.ask_code(VICTIM)
        assert reason(await victim.log_in(VICTIM, "a wrong password")) == "INVALID_CREDENTIALS"
        told = await attempted(house, attacker, bearer)
        assert {one["act"] for one in told} == {"registration.begin", "secret.complete"}


@Sqlite
async def test_who_leaves_takes_nothing_along_that_was_attempted_about_others(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_evil(tmp_path, persistence) as (house, evil):
        victim = house.caller()
        await victim.ask_code(VICTIM)
        attacker, bearer = await sign_in(house, evil)
        await attempted(house, attacker, bearer)
        user_id = (await attacker.info(bearer)).json()["user_id"]
        assert reason(await attacker.end("/me", bearer=bearer)) == "200"
        users = house.app.users
        assert await Departures(house.app.database, users, users._events).remove(user_id)
        t = house.app.database.tables.attempts
        left = await house.app.database.fetch(t.select().where(t.act == "code.begin"))
        assert [row["peer"] for row in left] == [victim.network]
