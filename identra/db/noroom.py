"""What the database could not take for want of room, and how long that is worth telling."""

from __future__ import annotations

from time import monotonic
from typing import Final

from identra.errors import StoreUnavailable

REMEMBERED: Final = 5.0
"""Seconds. A server on a full disk still takes this and that: one success says nothing."""


class NoRoom(
    StoreUnavailable,
    reason=StoreUnavailable.reason,
    code=StoreUnavailable.code,
    status=StoreUnavailable.status,
    says=StoreUnavailable.says,
):
    """The disk is full, or the table may not grow: nothing was done."""


class Room:
    """Remembers when there was none."""

    def __init__(self) -> None:
        self._none_until = 0.0

    @property
    def left(self) -> bool:
        """Whether none was missed lately."""
        return monotonic() >= self._none_until

    def note(self, fault: BaseException) -> None:
        """Note what was refused for want of room."""
        if isinstance(fault, NoRoom):
            self._none_until = monotonic() + REMEMBERED
