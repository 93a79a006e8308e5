"""A storm of logins that fills the hash queue locks nobody out of her account.

Nor does a flood from one network, or about one address, take all of the queue.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import pytest
from holding import full_queue, held
from homes import HERE, PASSWORD, code_for, open_home

from identra.errors import Busy, InvalidCredentials, RateLimited
from identra.hashing import Asking, Hashing
from identra.hashing.room import NICER, NICEST
from identra.limits import GUESSING, IN_ALL, SECRET
from identra.values import Peer

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Persistence

ADA = "ada@example.com"
ELSEWHERE = Peer("198.51.100.7")
IMMEDIATE = {"password": {"registration": "immediate"}}


async def test_a_try_that_was_not_judged_is_not_counted(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence, sections=IMMEDIATE) as app:
        await app.registration.begin("password", ADA, PASSWORD, HERE)
        async with full_queue(app):
            for _ in range(SECRET.most * IN_ALL + 1):
                with pytest.raises(Busy):
                    await app.login.by_secret("password", ADA, PASSWORD, HERE)
        await app.login.by_secret("password", ADA, PASSWORD, HERE)


async def test_nor_does_a_full_queue_give_further_guesses(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence, sections=IMMEDIATE) as app:
        await app.registration.begin("password", ADA, PASSWORD, HERE)
        for _ in range(SECRET.most):
            with pytest.raises(InvalidCredentials):
                await app.login.by_secret("password", ADA, "wrong", HERE)
        async with full_queue(app):
            with pytest.raises(Busy):
                await app.login.by_secret("password", ADA, PASSWORD, HERE)
        with pytest.raises(RateLimited):
            await app.login.by_secret("password", ADA, PASSWORD, HERE)


async def test_a_code_that_was_not_looked_at_is_no_guess(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence) as app:
        await app.registration.begin("password", ADA, PASSWORD, HERE)
        code = code_for(app, ADA)
        async with full_queue(app):
            for _ in range(GUESSING[0].most + 1):
                with pytest.raises(Busy):
                    await app.registration.confirm("password", ADA, code, PASSWORD, HERE)
        await app.registration.confirm("password", ADA, code, PASSWORD, HERE)


FLOODS = {
    "unknown addresses from one network": lambda n: (f"nobody{n}@example.com", HERE),
    "one address from everywhere": lambda n: ("eve@example.com", Peer(f"203.0.113.{n}")),
}


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_a_flood_leaves_room_for_whoever_comes_from_elsewhere(
    tmp_path: Path, persistence: Persistence, flood: str
) -> None:
    """Those of the flood are decoys all: what is made for nobody takes places like any other."""
    async with open_home(tmp_path, persistence, sections=IMMEDIATE) as app:
        await app.registration.begin("password", ADA, PASSWORD, ELSEWHERE)
        hashing = app.login._hashing
        threads = os.cpu_count() or 1
        async with held(app, threads):
            callers = [FLOODS[flood](n) for n in range(hashing.room)]
            logins = [app.login.by_secret("password", who, "wrong", at) for who, at in callers]
            tries = [asyncio.create_task(login) for login in logins]
            while sum(each.done() for each in tries) + hashing.busy - threads < len(tries):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            waiting = [each for each in tries if not each.done()]
            assert {type(each.exception()) for each in tries if each.done()} == {Busy}
            assert 0 < len(waiting) <= hashing.room // 2
            hers = asyncio.create_task(app.login.by_secret("password", ADA, PASSWORD, ELSEWHERE))
            while hashing.busy == threads + len(waiting):
                assert not hers.done()
                await asyncio.sleep(0.001)
        assert await hers
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {InvalidCredentials}


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_a_full_queue_tells_nobody_who_is_known(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence, sections=IMMEDIATE) as app:
        await app.registration.begin("password", ADA, PASSWORD, HERE)
        async with full_queue(app):
            for who in (ADA, "nobody@example.com"):
                with pytest.raises(Busy, match="the hash queue is full"):
                    await app.login.by_secret("password", who, PASSWORD, HERE)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no niceness of a thread")
async def test_hashing_threads_yield_the_processor_to_the_event_loop() -> None:
    hashing = Hashing(memory_kib=19_456, time_cost=2, parallelism=1, threads=1)
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    with hashing.place(Asking()) as place:
        theirs = await place.run(lambda: os.getpriority(os.PRIO_PROCESS, 0))
    assert theirs == min(ours + NICER, NICEST)
    assert os.getpriority(os.PRIO_PROCESS, 0) == ours
    hashing.close()
