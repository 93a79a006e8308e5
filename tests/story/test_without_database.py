"""The database is away for a moment: a code that was right is right again when it is back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cable import Cable
from homes import HERE, PASSWORD, code_for, open_home
from redis.asyncio import Redis as AsyncRedis

from identra.challenges import CODE_LIFETIME, Challenges
from identra.errors import InvalidCode, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from identra.app import App
    from identra.settings import Persistence, Redis

ADA = "ada@example.com"

pytestmark = pytest.mark.parametrize("persistence", ["postgres"], indirect=True)


@pytest.fixture
async def cable(persistence: Persistence) -> AsyncIterator[Cable]:
    async with Cable.to(persistence.host, persistence.port or 5432) as laid:
        yield laid


@pytest.fixture
async def app(
    tmp_path: Path, persistence: Persistence, redis_place: Redis, cable: Cable
) -> AsyncIterator[App]:
    by_cable = persistence.model_copy(update={"host": "127.0.0.1", "port": cable.port})
    async with open_home(tmp_path, by_cable, redis_place) as app:
        yield app


async def test_a_login_by_code_can_be_tried_again(app: App, cable: Cable) -> None:
    await app.login.begin_code("email", ADA, HERE, use_html=False)
    code = code_for(app, ADA)
    cable.cut()
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await app.login.complete_code("email", ADA, code, HERE, bearer=None)
    assert (await app.readiness()).degraded == ("database",)
    cable.mend()
    await app.login.complete_code("email", ADA, code, HERE, bearer=None)
    with pytest.raises(InvalidCode):
        await app.login.complete_code("email", ADA, code, HERE, bearer=None)
    assert (await app.readiness()).degraded == ()


async def test_a_registration_can_be_confirmed_again(app: App, cable: Cable) -> None:
    await app.registration.begin("password", ADA, PASSWORD, HERE)
    code = code_for(app, ADA)
    cable.cut()
    with pytest.raises(StoreUnavailable):
        await app.registration.confirm("password", ADA, code, PASSWORD, HERE)
    cable.mend()
    await app.registration.confirm("password", ADA, code, PASSWORD, HERE)
    with pytest.raises(InvalidCode):
        await app.registration.confirm("password", ADA, code, PASSWORD, HERE)


async def test_every_answer_is_one_of_five_tries(app: App, cable: Cable) -> None:
    """A code that comes back does not come with further guesses."""
    await app.login.begin_code("email", ADA, HERE, use_html=False)
    code = code_for(app, ADA)
    cable.cut()
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            await app.login.complete_code("email", ADA, code, HERE, bearer=None)
    cable.mend()
    with pytest.raises(InvalidCode):
        await app.login.complete_code("email", ADA, code, HERE, bearer=None)


async def test_a_database_that_is_too_slow_in_all_loses_no_code_either(
    app: App, cable: Cable
) -> None:
    """No time is left for the stores then; what gives the code back has its own."""
    await app.login.begin_code("email", ADA, HERE, use_html=False)
    code = code_for(app, ADA)
    cable.slowness = 0.4
    with pytest.raises(StoreUnavailable):
        await app.login.complete_code("email", ADA, code, HERE, bearer=None)
    cable.slowness = 0
    await app.login.complete_code("email", ADA, code, HERE, bearer=None)


async def test_a_code_that_comes_back_is_over_in_time_whatever_a_nodes_clock_says(
    app: App, redis_place: Redis
) -> None:
    """Else it would outlive the count of its tries, and be guessed at further."""
    await app.login.begin_code("email", ADA, HERE, use_html=False)
    answered = await app.login._challenges.answer("email", "login", ADA, code_for(app, ADA))
    late = Challenges(app.state, app.database, app.keys, lambda: 0, digits=6)
    await late.give_back(answered)
    client = AsyncRedis.from_url(f"redis://{redis_place.urls[0]}")
    keys = [key async for key in client.scan_iter(f"{redis_place.key_prefix}code:*")]
    assert [0 < await client.ttl(key) <= CODE_LIFETIME for key in keys] == [True]
    await client.aclose()
