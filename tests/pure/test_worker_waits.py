"""How long a worker that ended is waited for, before another takes its place."""

from __future__ import annotations

import pytest

from identra.replacement import LONGEST_WAIT, wait_after


@pytest.mark.parametrize(("failures", "wait"), [(0, 0), (1, 1), (2, 2), (5, 16), (6, LONGEST_WAIT)])
def test_the_wait_doubles_with_each_that_ends_young(failures: int, wait: float) -> None:
    assert wait_after(failures, 0.1, alone=False) == wait


@pytest.mark.parametrize("failures", [1024, 1025, 10**6])
def test_however_long_the_cause_stays_the_parent_goes_on(failures: int) -> None:
    """Two to the power of 1024 is no float: after a night of failures the parent ended of it."""
    assert wait_after(failures, 0.1, alone=False) == LONGEST_WAIT
    assert wait_after(failures, 0.1, alone=True) == pytest.approx(0.9)


def test_the_last_one_is_replaced_no_more_than_once_a_second() -> None:
    assert wait_after(9, 3, alone=True) == 0
    assert wait_after(9, 0.25, alone=True) == pytest.approx(0.75)
