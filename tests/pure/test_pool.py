"""The pool of connections: who is lent which, and which are let go."""

from __future__ import annotations

import asyncio

import pytest
from clock import FrozenClock

from identra.db.pool import LONGEST_IDLE, Pool
from identra.values import SECOND


class Line:
    """A connection that is open until it is dropped."""

    def __init__(self) -> None:
        self.usable = True

    def drop(self) -> None:
        self.usable = False

    async def close(self) -> None:
        self.drop()


class Lines:
    """Makes them, and knows how many there were."""

    def __init__(self) -> None:
        self.made: list[Line] = []

    async def connect(self) -> Line:
        self.made.append(Line())
        return self.made[-1]


def _pool(lines: Lines, *, size: int = 2, clock: FrozenClock | None = None) -> Pool[Line]:
    turned = clock or FrozenClock()
    return Pool(lines.connect, size=size, wait=0.05, clock=lambda: turned() / SECOND)


async def test_the_connection_used_last_is_lent_next() -> None:
    pool = _pool(Lines())
    first, second = await pool.lend(), await pool.lend()
    pool.take_back(first)
    pool.take_back(second)
    assert await pool.lend() is second


async def test_what_nobody_needed_for_long_is_hung_up_while_another_is_used() -> None:
    clock = FrozenClock()
    pool = _pool(Lines(), clock=clock)
    needed, spare = await pool.lend(), await pool.lend()
    pool.take_back(spare)
    pool.take_back(needed)
    clock.advance(LONGEST_IDLE / 2)
    pool.take_back(await pool.lend())
    assert spare.usable
    clock.advance(LONGEST_IDLE / 2)
    pool.take_back(await pool.lend())
    assert not spare.usable
    assert needed.usable
    assert pool.occupancy.open == 1


async def test_nobody_is_lent_what_lay_idle_too_long_or_is_out_of_step() -> None:
    clock, lines = FrozenClock(), Lines()
    pool = _pool(lines, clock=clock)
    old = await pool.lend()
    pool.take_back(old)
    clock.advance(LONGEST_IDLE)
    young = await pool.lend()
    assert (young is old, old.usable) == (False, False)
    young.usable = False
    pool.take_back(young)
    assert await pool.lend() is lines.made[-1]
    assert len(lines.made) == 3


async def test_whoever_waits_goes_before_whoever_comes_later() -> None:
    pool = _pool(Lines(), size=1)
    line, order = await pool.lend(), []

    async def use(who: str) -> None:
        mine = await pool.lend()
        order.append(who)
        pool.take_back(mine)

    waiting = asyncio.create_task(use("waiting"))
    await asyncio.sleep(0)
    pool.take_back(line)
    await use("later")
    await waiting
    assert order == ["waiting", "later"]


async def test_nobody_waits_longer_than_the_pool_allows_and_none_is_lost_for_it() -> None:
    pool = _pool(Lines(), size=1)
    line = await pool.lend()
    with pytest.raises(TimeoutError):
        await pool.lend()
    pool.take_back(line)
    assert await pool.lend() is line
