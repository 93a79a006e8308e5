"""When a dispatch is tried again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from identra.dispatches.schedule import (
    DELAYS,
    LONGEST,
    PATIENCE,
    SPREAD,
    TRIES,
    is_late,
    next_try,
)
from identra.values import HOUR, MINUTE, SECOND

chances = st.floats(0, 1)


def test_the_delays_are_those_of_the_specification() -> None:
    hours = [2, 5, 10, 14, 20, 24]
    assert (5 * SECOND, 5 * MINUTE, 30 * MINUTE, *(h * HOUR for h in hours)) == DELAYS


@given(st.integers(1, TRIES - 1), chances)
def test_a_delay_is_as_long_as_it_says_and_at_most_its_spread_longer(
    failed: int, chance: float
) -> None:
    wait = next_try(failed, chance)
    assert wait is not None
    assert DELAYS[failed - 1] <= wait <= DELAYS[failed - 1] * (1 + SPREAD)


@given(st.integers(TRIES, 1000), chances, st.integers(0, 10**15))
def test_after_the_last_try_there_is_none(failed: int, chance: float, asked: int) -> None:
    assert next_try(failed, chance, asked) is None


@given(st.integers(1, TRIES - 1), chances, st.integers(0, 10**15))
def test_a_target_can_put_a_try_off_by_a_day_and_never_hasten_it(
    failed: int, chance: float, asked: int
) -> None:
    usual, wait = next_try(failed, chance), next_try(failed, chance, asked)
    assert usual is not None
    assert wait is not None
    assert wait == max(usual, min(asked, LONGEST))


def test_what_waited_behind_a_long_outage_has_one_try() -> None:
    """Longer than any dispatch's own tries take; what an operator has sent again has them all."""
    longest = sum(DELAYS) * (1 + SPREAD)
    assert longest < PATIENCE
    assert not is_late(PATIENCE, tried=False)
    assert is_late(PATIENCE + 1, tried=False)
    assert not is_late(PATIENCE + 1, tried=True)
    assert next_try(1, 0.5, late=True) is None
