"""When a worker that ended is replaced. Pure."""

from __future__ import annotations

from typing import Final

YOUNG: Final = 5.0
"""A worker that ends younger than this, in seconds, is replaced after a growing wait."""

LONGEST_WAIT: Final = 30.0
"""Seconds to which the wait grows."""

_BETWEEN: Final = 1.0
"""Seconds from one start to the next, where workers end young and none is left."""

_DOUBLINGS: Final = 10
"""More than the longest wait takes. A cause that stays for a night has thousands of failures, and
two to the power of a thousand is more than a float holds."""


def wait_after(failures: int, age: float, *, alone: bool) -> float:
    """Seconds until a worker of that age is replaced, after so many in a row that ended young.

    The wait doubles, to the longest. Where it was the last one callers wait meanwhile.
    """
    wait = min(LONGEST_WAIT, 2.0 ** min(failures - 1, _DOUBLINGS)) if failures else 0.0
    # Whoever kills workers may kill them all, however young.
    return min(wait, max(0.0, _BETWEEN - age)) if alone else wait
