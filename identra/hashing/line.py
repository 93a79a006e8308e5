"""Who waits for a hash, whose turn is next, and who is told to come back.

Nobody takes more places than he leaves free, neither one network nor whoever asks about one
address: half of them where nobody else is there, less where others are. So a flood from one place
leaves room, and those who come from elsewhere don't wait behind it.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asking:
    """From which network a hash is asked for, and about whose address; known or not is all one.

    Without a network nobody may be counted by it; without either it is an operator's.
    """

    network: str | None = None
    address: str | None = None

    @property
    def sides(self) -> tuple[tuple[str, str], ...]:
        """What its place is counted under."""
        named = (("network", self.network), ("address", self.address))
        return tuple((kind, name) for kind, name in named if name is not None)

    @property
    def turn(self) -> tuple[str, str] | None:
        """With whom it takes turns: its network, where that may be counted."""
        return self.sides[0] if self.sides else None


class Line(Generic[T]):
    """So many places for what waits and what is under way. Any thread may use it."""

    def __init__(self, room: int) -> None:
        self.room = self._free = room
        self._held: Counter[tuple[str, str]] = Counter()
        self._waiting: dict[tuple[str, str] | None, deque[T]] = {}
        self._lock = Lock()

    @property
    def taken(self) -> int:
        """How many places are taken."""
        return self.room - self._free

    @property
    def crowded(self) -> bool:
        """Whether there may be somebody for whom there is no room: half of it is taken."""
        return 2 * self.taken >= self.room

    def has_room(self, asking: Asking) -> bool:
        """Whether `take` would find a place now."""
        with self._lock:
            return self._is_fair(asking)

    def take(self, asking: Asking) -> bool:
        """Take a place; False where there is no room for whoever asks."""
        with self._lock:
            if not self._is_fair(asking):
                return False
            self._free -= 1
            self._held.update(asking.sides)
            return True

    def wait(self, asking: Asking, work: T) -> None:
        """Wait for a turn, at a place that was taken."""
        with self._lock:
            self._waiting.setdefault(asking.turn, deque()).append(work)

    def next(self) -> T | None:
        """The longest waiting of whoever's turn it is, which keeps its place; None for nobody."""
        with self._lock:
            if not self._waiting:
                return None
            turn = next(iter(self._waiting))
            works = self._waiting.pop(turn)
            work = works.popleft()
            if works:
                self._waiting[turn] = works  # behind everybody else
            return work

    def leave(self, asking: Asking) -> None:
        """Give the place back."""
        with self._lock:
            self._free += 1
            for side in asking.sides:
                self._held[side] -= 1
                if not self._held[side]:
                    del self._held[side]

    def _is_fair(self, asking: Asking) -> bool:
        """Whether a place is left, and more are left than whoever asks has already."""
        return self._free > 0 and all(self._held[side] < self._free for side in asking.sides)
