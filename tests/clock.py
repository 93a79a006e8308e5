"""A clock that a test turns by hand."""

from __future__ import annotations

NOON = 1_800_000_000 * 1_000_000


class FrozenClock:
    """Tells Unix microseconds; stands still until turned."""

    def __init__(self, instant: int = NOON) -> None:
        self.instant = instant

    def __call__(self) -> int:
        return self.instant

    def advance(self, seconds: float) -> None:
        """Turn it."""
        self.instant += round(seconds * 1_000_000)
