"""A flood of refused attempts is kept in part: bounded in all, and fair to other networks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from identra.attempts.ration import BURST, EACH, NETWORKS, RATE, WINDOW, Ration

MOMENTS = st.floats(0, 7200, allow_nan=False)
FLOOD = st.lists(st.tuples(st.integers(0, 50), MOMENTS), max_size=3000)


@given(FLOOD)
def test_no_flood_is_kept_beyond_the_burst_and_the_rate(flood: list[tuple[int, float]]) -> None:
    ration = Ration()
    kept = [
        ration.take(f"net {network}", now)
        for network, now in sorted(flood, key=lambda arrival: arrival[1])
    ]
    last = max((now for _, now in flood), default=0.0)
    assert sum(kept) <= BURST + last * RATE + 1


@given(st.integers(EACH, 1000))
def test_one_network_hides_nobody_else_s(tries: int) -> None:
    ration = Ration()
    assert sum(ration.take("a storm", 0) for _ in range(tries)) == EACH
    assert ration.take("somebody else", 0)


def test_a_network_is_kept_again_in_the_next_window() -> None:
    ration = Ration()
    for _ in range(EACH):
        assert ration.take("a network", 1)
    assert not ration.take("a network", WINDOW - 1)
    assert ration.take("a network", WINDOW)


def test_no_more_networks_are_remembered_than_there_is_room_for() -> None:
    ration = Ration()
    for number in range(3 * NETWORKS):
        ration.take(str(number), number)
        assert len(ration.spent) <= NETWORKS
