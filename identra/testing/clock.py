"""A clock that stands still until it is turned."""

from __future__ import annotations

from typing import Final

NOON: Final = 1_800_000_000 * 1_000_000


class FrozenClock:
    """Tells Unix microseconds."""

    def __init__(self, instant: int = NOON) -> None:
        self.instant = instant

    def __call__(self) -> int:
        """What time it is."""
        return self.instant

    def advance(self, seconds: float) -> None:
        """Turn it."""
        self.instant += round(seconds * 1_000_000)
