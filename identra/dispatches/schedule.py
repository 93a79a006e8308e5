"""When a dispatch is tried again: the schedule that Standard Webhooks recommends. Pure."""

from __future__ import annotations

from typing import Final

from identra.values import HOUR, MINUTE, SECOND

DELAYS: Final = (
    5 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
"""Microseconds after each failure; after one more the dispatch is given up."""
TRIES: Final = len(DELAYS) + 1
SPREAD: Final = 0.2
"""The part of a delay by which it may be longer, so that what failed together comes back apart."""
LONGEST: Final = 24 * HOUR
"""Beyond this no target puts a try off by Retry-After."""


def next_try(failed: int, chance: float, asked: int = 0) -> int | None:
    """Microseconds until a dispatch is tried again that has failed so often; None: given up.

    `chance` is from 0 to 1. `asked` are microseconds that the target asked for (Retry-After): it
    is not called sooner.
    """
    if failed >= TRIES:
        return None
    delay = DELAYS[failed - 1]
    return max(delay + round(delay * SPREAD * chance), min(asked, LONGEST))
