"""How many refused attempts are kept: a flood of them neither fills a disk nor hides the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

EACH: Final = 20
WINDOW: Final = 600.0
"""Refusals of one peer network that a process keeps in so many seconds."""

BURST: Final = 600
RATE: Final = 2.0
"""Refusals that a process keeps at once, and each second from then on."""

NETWORKS: Final = 10_000
"""So many networks are remembered; then all are counted anew."""


@dataclass(slots=True)
class Ration:
    """What is left to keep, by the caller's own clock in seconds."""

    left: float = BURST
    at: float = 0.0
    window: float = 0.0
    spent: dict[str, int] = field(default_factory=dict)

    def take(self, network: str, now: float) -> bool:
        """Whether one more refusal from this network is kept."""
        self._refill(now)
        spent = self.spent.get(network, 0)
        if spent >= EACH or self.left < 1:
            return False
        if len(self.spent) >= NETWORKS:
            self.spent.clear()
        self.spent[network] = spent + 1
        self.left -= 1
        return True

    def _refill(self, now: float) -> None:
        self.left = min(float(BURST), self.left + max(0.0, now - self.at) * RATE)
        self.at = now
        if now - self.window >= WINDOW:
            self.window = now
            self.spent.clear()
