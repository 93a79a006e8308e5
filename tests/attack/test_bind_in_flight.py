"""The attacker, whose session is about to end, has a bind under way that outlives it; a session
that ended meanwhile must bind nothing and open no other, however long the provider took.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from callers import IMMEDIATE, House, access, open_house, reason, refresh, section_of, tokens
from homes import code_for
from standin.github import GitHub, Person

from identra.app import opened_office
from identra.sessions import Origin
from identra.settings import load
from identra.values import Peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from identra.settings import Persistence

ADA = "ada@example.com"
EVIL = "the attacker's password"
MALLORY = Person(666, "mallory", ())
ENDINGS = ("the owner proves the address", "revoke-sessions", "disable", "token/revoke")


@dataclass
class SlowGitHub:
    """Answers `/user` when told, and says when it was asked."""

    github: GitHub = field(default_factory=GitHub)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    def transport(self) -> httpx.MockTransport:
        async def handle(request: httpx.Request) -> httpx.Response:
            if request.url.path == "/user":
                self.asked.set()
                await self.go.wait()
            return self.github.answer(request)

        return httpx.MockTransport(handle)


@asynccontextmanager
async def _binding_under_way(
    house: House, far: SlowGitHub, pair: dict[str, Any]
) -> AsyncIterator[asyncio.Task[httpx.Response]]:
    attacker = house.caller()
    far.github.welcome(MALLORY)
    prompt = await attacker.ask("/oauth/url", bearer=access(pair), provider="github")
    back = far.github.approve(prompt.json()["url"])
    under_way = asyncio.create_task(attacker.say("/oauth/bind", back, bearer=access(pair)))
    await far.asked.wait()
    yield under_way
    far.go.set()
    await under_way


async def _end(way: str, house: House, pair: dict[str, Any]) -> None:
    if way == "the owner proves the address":
        owner = house.caller()
        await owner.ask_code(ADA)
        tokens(await owner.answer(ADA, code_for(house.app, ADA)))
    elif way == "token/revoke":
        await house.caller().say("/token/revoke", {"refresh_token": refresh(pair)})
    else:
        async with opened_office(load(house.settings, {})) as office:
            await (
                office.disable(ADA, "", by="test")
                if way == "disable"
                else office.revoke_sessions(ADA, by="test")
            )


@pytest.mark.parametrize("way", ENDINGS)
async def test_a_session_that_ended_meanwhile_binds_nothing(
    tmp_path: Path, persistence: Persistence, way: str
) -> None:
    far = SlowGitHub()
    sections = IMMEDIATE | {"providers.github": section_of(far.github)}
    opened = open_house(tmp_path, persistence, sections=sections, transport=far.transport())
    async with opened as house:
        pair = tokens(await house.caller().register(ADA, EVIL))
        async with _binding_under_way(house, far, pair) as under_way:
            await _end(way, house, pair)
            before = await house.rows("identities", "sessions")
        assert reason(under_way.result()) == "INVALID_TOKEN"
        assert await house.rows("identities", "sessions") == before


async def test_ending_all_sessions_reaches_the_one_that_is_just_being_opened(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Whoever is being let in holds her user's row: the ending waits, and then sees all."""
    async with open_house(tmp_path, persistence, sections=IMMEDIATE) as house:
        pair = tokens(await house.caller().register(ADA, EVIL))
        user_id = (await house.caller().info(access(pair))).json()["user_id"]
        db, users, sessions = house.app.database, house.app.users, house.app.sessions
        async with opened_office(load(house.settings, {})) as office:
            async with db.transaction():
                assert await users.enter(user_id, 0)
                ending = asyncio.create_task(office.revoke_sessions(ADA, by="test"))
                await asyncio.wait({ending}, timeout=0.3)
                await sessions.open(Origin(user_id, 0, (), "github"), Peer())
            assert await ending == 2


async def test_a_session_that_lives_on_binds(tmp_path: Path, persistence: Persistence) -> None:
    far = SlowGitHub()
    sections = IMMEDIATE | {"providers.github": section_of(far.github)}
    opened = open_house(tmp_path, persistence, sections=sections, transport=far.transport())
    async with opened as house:
        pair = tokens(await house.caller().register(ADA, EVIL))
        async with _binding_under_way(house, far, pair) as under_way:
            tokens(await house.caller().log_in(ADA, EVIL))
        assert tokens(under_way.result())
        assert await house.rows("identities") == {"identities": 1}
