"""When a dispatch is tried again: the schedule that Standard Webhooks recommends. Pure."""

from __future__ import annotations

from typing import Final

from identra.values import DAY, HOUR, MINUTE, SECOND

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
PATIENCE: Final = 4 * DAY
"""Longer than all tries of one dispatch take."""
LONGEST: Final = 24 * HOUR
"""Beyond this no target puts a try off by Retry-After."""


def is_late(waited: int, *, tried: bool) -> bool:
    """Whether a dispatch waited so long behind others of its lane that one failure is enough.

    Else those behind a target's long outage would be tried for days each, one after the other.
    """
    return not tried and waited > PATIENCE


def next_try(failed: int, chance: float, asked: int = 0, *, late: bool = False) -> int | None:
    """Microseconds until a dispatch is tried again that has failed so often; None: given up.

    `chance` is from 0 to 1. `asked` are microseconds that the target asked for (Retry-After): it
    is not called sooner. One that is `late` has no further try.
    """
    if failed >= TRIES or late:
        return None
    delay = DELAYS[failed - 1]
    return max(delay + round(delay * SPREAD * chance), min(asked, LONGEST))
