"""Whoever guesses passwords is told to wait, and for how long; whoever knows hers is let in."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest
from cable import Cable
from homes import HERE, PASSWORD, open_home

from identra.errors import InvalidCredentials, RateLimited, StoreUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.app import App
    from identra.settings import Persistence, Redis

EMAIL = "ada@example.com"
IMMEDIATE = {"password": {"registration": "immediate"}}


async def wait_told(app: App) -> int:
    with pytest.raises(RateLimited) as limited:
        await app.login.by_secret("password", EMAIL, PASSWORD, HERE)
    assert limited.value.retry_after
    return limited.value.retry_after


async def test_the_wait_is_told_as_long_as_it_still_is(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_home(tmp_path, persistence, sections=IMMEDIATE, clock=clock) as app:
        await app.registration.begin("password", EMAIL, PASSWORD, HERE)
        for _ in range(5):
            with pytest.raises(InvalidCredentials):
                await app.login.by_secret("password", EMAIL, "another horse", HERE)
        assert await wait_told(app) == 60
        clock.advance(20)
        assert await wait_told(app) == 40
        clock.advance(40)
        await app.login.by_secret("password", EMAIL, PASSWORD, HERE)


async def test_right_passwords_at_once_make_nobody_wait_after_them(
    tmp_path: Path,
    persistence: Persistence,
    clock: FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a machine with so many processors that hashes have room for all of them."""
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    async with open_home(tmp_path, persistence, sections=IMMEDIATE, clock=clock) as app:
        await app.registration.begin("password", EMAIL, PASSWORD, HERE)
        right = [app.login.by_secret("password", EMAIL, PASSWORD, HERE) for _ in range(8)]
        answers = await asyncio.gather(*right, return_exceptions=True)
        assert {type(answer) for answer in answers if isinstance(answer, Exception)} <= {
            RateLimited
        }
        await app.login.by_secret("password", EMAIL, PASSWORD, HERE)


@pytest.mark.parametrize("persistence", ["postgres"], indirect=True)
async def test_tries_while_the_database_is_away_are_nobodys_failures(
    tmp_path: Path, persistence: Persistence, redis_place: Redis
) -> None:
    async with Cable.to(persistence.host, persistence.port or 5432) as cable:
        place = persistence.model_copy(update={"host": "127.0.0.1", "port": cable.port})
        async with open_home(tmp_path, place, redis_place, sections=IMMEDIATE) as app:
            await app.registration.begin("password", EMAIL, PASSWORD, HERE)
            cable.cut()
            for _ in range(6):
                with pytest.raises(StoreUnavailable):
                    await app.login.by_secret("password", EMAIL, PASSWORD, HERE)
            cable.mend()
            await app.login.by_secret("password", EMAIL, PASSWORD, HERE)
