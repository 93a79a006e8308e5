"""The attacker holds tokens of somebody who was shut out; from that instant no route of any
process takes them, and nothing brings them back.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import running
from callers import (
    EXPECTED,
    IMMEDIATE,
    PATIENCE,
    Caller,
    access,
    open_house,
    reason,
    refresh,
    tokens,
)
from homes import PASSWORD, code_for, write_settings

from identra.app import opened_office
from identra.settings import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from identra.settings import Persistence

ADA, EVE = "ada@example.com", "eve@example.com"
GITHUB = {
    "client_id": "Iv1.8a61f9b3a7aba766",
    "client_secret": "9f2c4e6a8b0d1f3e5c7a9b2d4f6e8a0c1b3d5f7e",
    "redirect_url": "http://localhost:3000/callback",
}


@asynccontextmanager
async def _two_processes(
    folder: Path, place: Persistence
) -> AsyncIterator[tuple[Path, tuple[Caller, Caller]]]:
    """Two nodes over one database, and a caller at the door of each."""
    sections = {**EXPECTED, **IMMEDIATE, "": {"http_port": 0}, "providers.github": GITHUB}
    (folder / "second").mkdir()
    file = write_settings(folder, place, sections=sections)
    second = folder / "second" / "identra.toml"
    second.write_text(file.read_text())
    if place.driver != "sqlite":
        running.command(file, "keys", "init")
    with running.started(file) as one, running.started(second) as other:
        async with (
            httpx.AsyncClient(base_url=one.url, timeout=PATIENCE) as here,
            httpx.AsyncClient(base_url=other.url, timeout=PATIENCE) as there,
        ):
            yield file, (Caller(here, "203.0.113.1"), Caller(there, "203.0.113.2"))


async def _opens(who: Caller, pair: dict[str, Any]) -> set[str]:
    """What every route that reads an access token says to this one."""
    held, back = access(pair), {"code": "c", "state": "s"}
    answers = (
        await who.info(held),
        await who.say("/me/login-info", {"access_token": held}),
        await who.ask("/oauth/url", bearer=held, provider="github"),
        await who.say("/oauth/bind", back, bearer=held),
        await who.say("/oauth/bind", {**back, "access_token": held}),
        await who.answer(EVE, "000000", bearer=held),
    )
    return {reason(answer) for answer in answers}


async def _demand_shut(callers: tuple[Caller, Caller], *pairs: dict[str, Any]) -> None:
    for who in callers:
        for pair in pairs:
            assert await _opens(who, pair) == {"INVALID_TOKEN"}
    for who in callers:
        for pair in pairs:
            assert reason(await who.refresh(refresh(pair))) == "INVALID_REFRESH_TOKEN"


async def test_whoever_is_shut_out_is_out_at_once_everywhere(
    tmp_path: Path, persistence: Persistence
) -> None:
    """One ending after the other, each told to one process or to none of them."""
    async with _two_processes(tmp_path, persistence) as (file, (here, there)):
        callers = (here, there)
        first = tokens(await here.register(ADA))
        bystander = tokens(await there.register(EVE))
        for who in callers:
            assert "INVALID_TOKEN" not in await _opens(who, first)

        await here.say("/token/revoke", {"refresh_token": refresh(first)})
        await _demand_shut(callers, first)

        second, third = tokens(await here.log_in(ADA)), tokens(await there.log_in(ADA))
        assert running.command(file, "users", "revoke-sessions", ADA) == "ended 2\n"
        await _demand_shut(callers, first, second, third)

        fourth = tokens(await there.log_in(ADA))
        assert running.command(file, "users", "disable", ADA) == "disabled\n"
        await _demand_shut(callers, first, second, third, fourth)
        for who in callers:
            assert reason(await who.log_in(ADA)) == "USER_DISABLED"
            assert reason(await who.log_in(ADA, "not her password")) == "INVALID_CREDENTIALS"

        assert running.command(file, "users", "enable", ADA) == "enabled\n"
        await _demand_shut(callers, first, second, third, fourth)
        assert "INVALID_TOKEN" not in await _opens(there, tokens(await here.log_in(ADA)))
        assert "INVALID_TOKEN" not in await _opens(here, bystander)


@pytest.mark.parametrize("way", ["a password", "a code"])
async def test_no_way_in_opens_for_a_disabled_user(
    tmp_path: Path, persistence: Persistence, way: str
) -> None:
    """Nor does another user come of her proved address."""
    async with open_house(tmp_path, persistence) as house:
        async with opened_office(load(house.settings, {})) as office:
            await office.create(ADA, PASSWORD, proved=True, by="test")
            await office.disable(ADA, "", by="test")
        who = house.caller()
        if way == "a code":
            await who.ask_code(ADA)
            answer = await who.answer(ADA, code_for(house.app, ADA))
        else:
            answer = await who.log_in(ADA)
        assert reason(answer) == "USER_DISABLED"
        assert await house.rows("users", "sessions") == {"users": 1, "sessions": 0}
