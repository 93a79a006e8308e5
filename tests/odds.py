"""How likely chance alone sets two medians as far apart as they are: a permutation test."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

MOST = 10_000
"""Permutations that are drawn at most."""
ENOUGH = 100
"""Permutations as far apart as the samples after which the odds are sure enough."""


def odds(one: Sequence[float], other: Sequence[float], chance: random.Random) -> float:
    """The two-sided p-value of the difference of the medians.

    Each permutation says of all values anew which are of `one`. Drawing ends early where many are
    as far apart (Besag and Clifford, 1991), so that 1 / MOST is as small as it gets, and nothing
    that is far from small takes long. Where the samples don't differ at all, any p is as likely as
    it says: at most p.
    """
    values = [*one, *other]
    apart, as_far, drawn = abs(median(one) - median(other)), 0, 0
    while drawn < MOST and as_far < ENOUGH:
        chance.shuffle(values)
        drawn += 1
        as_far += abs(median(values[: len(one)]) - median(values[len(one) :])) >= apart
    return as_far / drawn if as_far == ENOUGH else (as_far + 1) / (drawn + 1)
