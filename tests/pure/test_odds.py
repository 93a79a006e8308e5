"""The permutation test says how likely chance alone is, no more and no less."""

from __future__ import annotations

import random
from itertools import combinations
from statistics import median

from hypothesis import given
from hypothesis import strategies as st
from odds import ENOUGH, MOST, odds

SAMPLES = st.lists(st.integers(-1000, 1000), min_size=1, max_size=30)
SEEDS = st.integers(0, 2**32)


def drawn(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same draws each time


@given(SAMPLES, SEEDS)
def test_what_does_not_differ_is_chance(values: list[int], seed: int) -> None:
    assert odds(values, list(values), drawn(seed)) == 1


@given(SAMPLES, SAMPLES, SEEDS, st.integers(1, 9), st.integers(-99, 99))
def test_it_goes_by_order_alone(
    one: list[int], other: list[int], seed: int, times: int, more: int
) -> None:
    """Neither the unit of the times nor what all of them have in common matters."""
    moved = [[times * value + more for value in values] for values in (one, other)]
    said = odds(one, other, drawn(seed))
    assert 0 < said <= 1
    assert odds(*moved, drawn(seed)) == said


def test_it_is_near_what_all_permutations_say() -> None:
    one, other = [1, 2, 4, 8, 9], [5, 6, 10, 11, 12]
    values, apart = one + other, abs(median(one) - median(other))
    splits = [set(chosen) for chosen in combinations(range(10), 5)]
    as_far = sum(
        abs(
            median([values[i] for i in chosen])
            - median([values[i] for i in range(10) if i not in chosen])
        )
        >= apart
        for chosen in splits
    )
    exact = as_far / len(splits)
    assert abs(odds(one, other, drawn(1)) - exact) < 4 * exact / ENOUGH**0.5


def test_where_nothing_differs_it_seldom_says_so() -> None:
    """Of two samples of the same kind one pair in ten is that unlikely, as p says."""
    chance, pairs = drawn(2), 300
    found = sum(
        odds(*([chance.gauss(0, 1) for _ in range(20)] for _ in range(2)), chance) <= 0.1
        for _ in range(pairs)
    )
    assert found <= pairs * 0.1 + 4 * (pairs * 0.09) ** 0.5


def test_a_small_difference_between_many_is_found_though_single_values_scatter_wider() -> None:
    chance = drawn(3)
    one, other = ([chance.gauss(mean, 1) for _ in range(400)] for mean in (5.0, 5.5))
    assert odds(one, other, chance) <= 1 / MOST * 2
