"""The line before the hashing threads: bounded, and nobody's alone."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identra.hashing import Asking, Hashing
from identra.hashing.line import Line

ROOM = 10
NETWORKS = st.sampled_from(["192.0.2.1", "192.0.2.2", "192.0.2.3", None])
ADDRESSES = st.sampled_from(["ada@example.com", "eve@example.com", None])
ASKINGS = st.builds(Asking, NETWORKS, ADDRESSES)
STEPS = st.lists(st.one_of(ASKINGS, ASKINGS, ASKINGS, st.none()), min_size=ROOM, max_size=40)


@given(STEPS)
def test_no_side_takes_more_places_than_it_leaves_free(steps: list[Asking | None]) -> None:
    """Somebody asks, or somebody's turn is over; at any moment all is in bounds."""
    line: Line[Asking] = Line(ROOM)
    inside: list[Asking] = []
    for asking in steps:
        if asking is None:
            if gone := line.next():
                inside.remove(gone)
                line.leave(gone)
            continue
        held = {side: sum(side in one.sides for one in inside) for side in asking.sides}
        free = ROOM - len(inside)
        fair = free > 0 and all(count < free for count in held.values())
        assert line.enter(asking, asking) is fair
        inside += [asking] * fair
        assert line.taken == len(inside) <= ROOM
    while gone := line.next():
        line.leave(gone)
    assert (line.taken, dict(line._held)) == (0, {})


def test_a_side_alone_gets_half_and_the_next_gets_in() -> None:
    line: Line[int] = Line(ROOM)
    flood, other = Asking("192.0.2.1"), Asking("192.0.2.2")
    assert sum(line.enter(flood, n) for n in range(ROOM)) == ROOM // 2
    assert line.enter(other, 0)


def test_an_operator_is_counted_with_nobody() -> None:
    line: Line[int] = Line(ROOM)
    assert all(line.enter(Asking(), n) for n in range(ROOM))
    assert not line.enter(Asking(), 0)


def test_networks_take_turns_and_each_keeps_its_order() -> None:
    line: Line[str] = Line(ROOM)
    for name in ("a1", "a2", "a3", "b1", "c1", "b2"):
        assert line.enter(Asking(f"192.0.2.{ord(name[0])}"), name)
    assert [line.next() for _ in range(7)] == ["a1", "b1", "c1", "a2", "b2", "a3", None]


def test_where_no_network_may_be_counted_addresses_take_turns() -> None:
    line: Line[str] = Line(ROOM)
    for address, name in (("ada", "a1"), ("ada", "a2"), ("eve", "e1")):
        assert line.enter(Asking(None, address), name)
    assert [line.next() for _ in range(3)] == ["a1", "e1", "a2"]


async def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    hashing, over, begun = _one_thread(), threading.Event(), threading.Event()
    first = asyncio.create_task(hashing._run(Asking(), over.wait))
    left = asyncio.create_task(hashing._run(Asking(), begun.set))
    await asyncio.sleep(0)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    over.set()
    await first
    await hashing._run(Asking(), lambda: None)
    assert not begun.is_set()
    assert hashing.busy == 0
    hashing.close()


async def test_a_room_that_closes_leaves_nobody_waiting() -> None:
    hashing, over = _one_thread(), threading.Event()
    first = asyncio.create_task(hashing._run(Asking(), over.wait))
    second = asyncio.create_task(hashing._run(Asking(), over.wait))
    await asyncio.sleep(0)
    hashing.close()
    with pytest.raises(asyncio.CancelledError):
        await second
    over.set()
    assert await first


async def test_what_fails_is_told_and_gives_its_place_back() -> None:
    hashing = _one_thread()
    with pytest.raises(ZeroDivisionError):
        await hashing._run(Asking("192.0.2.1"), lambda: 1 / 0)
    assert hashing.busy == 0
    hashing.close()


def _one_thread() -> Hashing:
    return Hashing(memory_kib=19_456, time_cost=2, parallelism=1, threads=1)
