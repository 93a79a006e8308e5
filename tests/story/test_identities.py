"""A person removes what she is known by elsewhere, and never the last way in."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from callers import Caller, House, access, open_house, reason, section_of, tokens
from homes import PASSWORD, mails_to
from standin.github import Email, GitHub, Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence

ADA = "ada@example.com"
TOLD = "A way into your Identra account was removed"
Sqlite = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


@asynccontextmanager
async def with_github(
    folder: Path, place: Persistence, clock: FrozenClock | None = None
) -> AsyncIterator[tuple[House, GitHub]]:
    """A house with GitHub, where Ada is number 7; whether it vouches for her address is hers."""
    github = GitHub()
    sections = {"providers.github": section_of(github)}
    async with open_house(
        folder, place, sections=sections, clock=clock, transport=github.transport()
    ) as house:
        yield house, github


async def sign_in(her: Caller, github: GitHub, *emails: Email) -> dict[str, Any]:
    github.welcome(Person(7, "ada", emails))
    prompt = (await her.ask("/oauth/url", provider="github")).json()
    back = github.approve(prompt["url"])
    body = {"code": back["code"], "state": back["state"]}
    return tokens(await her.say("/oauth/login", body))


async def test_an_identity_is_removed_told_and_on_record(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with with_github(tmp_path, persistence) as (house, github):
        her = house.caller()
        pair = await sign_in(her, github, Email(ADA))
        answer = await her.end("/me/identities/github", bearer=access(pair))
        assert (answer.status_code, answer.json()) == (200, {})
        assert (await her.info(access(pair))).json()["oauth_connections"] == []
        assert mails_to(house.app, ADA) == [TOLD]
        t = house.app.database.tables.events
        rows = await house.app.database.fetch(t.select(t.data).where(t.name == "identity.unlinked"))
        assert [json.loads(row["data"]) for row in rows] == [{"provider": "github"}]
        again = await her.end("/me/identities/github", bearer=access(pair))
        assert reason(again) == "NOT_FOUND"
        assert reason(await her.end("/me/identities/%2e%2e", bearer=access(pair))) == "NOT_FOUND"


async def test_the_last_way_in_stays(tmp_path: Path, persistence: Persistence) -> None:
    async with with_github(tmp_path, persistence) as (house, github):
        her = house.caller()
        pair = await sign_in(her, github)
        refused = await her.end("/me/identities/github", bearer=access(pair))
        assert (refused.status_code, reason(refused)) == (400, "LAST_LOGIN_METHOD")
        assert (await sign_in(her, github))["token_type"] == "Bearer"
        # A password alone is none: without an address nobody can name it.
        body = {"password": PASSWORD}
        assert reason(await her.say("/me/password", body, bearer=access(pair))) == "200"
        refused = await her.end("/me/identities/github", bearer=access(pair))
        assert reason(refused) == "LAST_LOGIN_METHOD"


@Sqlite
async def test_all_her_identities_at_the_provider_go_at_once(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with with_github(tmp_path, persistence) as (house, github):
        her = house.caller()
        pair = await sign_in(her, github, Email(ADA))
        github.welcome(Person(8, "ada at work", ()))
        prompt = (await her.ask("/oauth/url", bearer=access(pair), provider="github")).json()
        back = github.approve(prompt["url"])
        body = {"code": back["code"], "state": back["state"]}
        tokens(await her.say("/oauth/bind", body, bearer=access(pair)))
        assert reason(await her.end("/me/identities/github", bearer=access(pair))) == "200"
        assert (await house.rows("identities")) == {"identities": 0}
