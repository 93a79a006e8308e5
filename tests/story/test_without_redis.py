"""Redis is configured and away: codes must wait for it, passwords need not, guessing is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cable import Cable
from homes import HERE, PASSWORD, code_for, open_home

from identra.errors import InvalidCredentials, RateLimited, StoreUnavailable
from identra.values import Peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from identra.app import App
    from identra.settings import Persistence, Redis

ADA = "ada@example.com"
IMMEDIATE = {"password": {"registration": "immediate"}}

pytestmark = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


@pytest.fixture
async def cable(redis_place: Redis) -> AsyncIterator[Cable]:
    host, port = redis_place.urls[0].split(":")
    async with Cable.to(host, int(port)) as laid:
        yield laid


@pytest.fixture
async def app(
    tmp_path: Path, persistence: Persistence, redis_place: Redis, cable: Cable
) -> AsyncIterator[App]:
    store = redis_place.model_copy(update={"urls": (f"127.0.0.1:{cable.port}",)})
    async with open_home(tmp_path, persistence, store, sections=IMMEDIATE) as app:
        await app.registration.begin("password", ADA, PASSWORD, HERE)
        yield app


async def guess(app: App, peer: Peer = HERE) -> None:
    await app.login.by_secret("password", ADA, "not hers", peer)


async def test_a_password_still_opens_and_a_code_waits(app: App, cable: Cable) -> None:
    cable.cut()
    await app.login.by_secret("password", ADA, PASSWORD, HERE)
    with pytest.raises(StoreUnavailable):
        await app.login.begin_code("email", ADA, HERE, use_html=False)
    with pytest.raises(StoreUnavailable):
        await app.login.complete_code("email", ADA, "123456", HERE, bearer=None)
    assert (await app.readiness()).degraded == ("redis",)


async def test_guessing_is_no_freer_than_with_it(app: App, cable: Cable) -> None:
    cable.cut()
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            await guess(app)
    with pytest.raises(RateLimited) as limited:
        await guess(app)
    assert limited.value.retry_after == 60
    with pytest.raises(RateLimited):
        await app.login.by_secret("password", ADA, PASSWORD, HERE)
    with pytest.raises(InvalidCredentials):
        await guess(app, Peer("198.51.100.7"))


async def test_a_silent_redis_holds_nobody_up(app: App, cable: Cable) -> None:
    cable.deaden()
    await app.login.by_secret("password", ADA, PASSWORD, HERE)


async def test_all_is_as_before_when_it_is_back(app: App, cable: Cable) -> None:
    cable.cut()
    with pytest.raises(StoreUnavailable):
        await app.login.begin_code("email", ADA, HERE, use_html=False)
    cable.mend()
    await app.login.begin_code("email", ADA, HERE, use_html=False)
    await app.login.complete_code("email", ADA, code_for(app, ADA), HERE, bearer=None)
    assert (await app.readiness()).degraded == ()
