"""What is done to the nodes and to their neighbours meanwhile: seeded, counted in answers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cable import Cable

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from chaos.ledger import Ledger
    from chaos.nodes import Nodes

SHORT = 1.0
"""Seconds for which a neighbour falls silent."""
BYTES = 4000
TURN = 0.02


@dataclass
class Mischief:
    """Does something every so many entries of the ledger; `done` tells what."""

    nodes: Nodes
    ledger: Ledger
    chance: random.Random
    every: int
    done: list[str] = field(default_factory=list)

    def work(self, over: Callable[[], bool]) -> None:
        """Until it is over; in the end everything is as it was."""
        due = self.every
        while not over():
            if len(self.ledger) < due:
                time.sleep(TURN)
                continue
            due = len(self.ledger) + self.every
            self._do()

    def _do(self) -> None:
        cabled = sorted(self.nodes.cables)
        where = self.chance.choice(["workers", "workers", *cabled, *cabled[:2]])
        if where == "workers":
            self.nodes.kill_one(self.chance)
            self.done.append("a worker killed")
            return
        deed = self.chance.choice([_reset, _silence, _slow, _snare, _snare, _cut_short])
        deed(self.nodes.cables[where].do, self.chance)
        self.done.append(f"{where}: {deed.__name__.strip('_')}")


def _reset(do: Callable[..., None], _: random.Random) -> None:
    do(Cable.reset)


def _silence(do: Callable[..., None], _: random.Random) -> None:
    do(Cable.deaden)
    time.sleep(SHORT)
    do(Cable.mend)


def _slow(do: Callable[..., None], chance: random.Random) -> None:
    do(Cable.slow_down, chance.uniform(0.01, 0.2))
    time.sleep(SHORT)
    do(Cable.slow_down, 0.0)


def _snare(do: Callable[..., None], chance: random.Random) -> None:
    """The next commit, or command of Redis, is lost; or it is done, and its answer is lost."""
    pattern = chance.choice((b"COMMIT", b"EVAL", b"SET", b"DATA", b"GET"))
    do(Cable.cut_on, pattern, delivers=chance.random() < 3 / 4)


def _cut_short(do: Callable[..., None], chance: random.Random) -> None:
    do(Cable.cut_after, chance.randrange(BYTES), back=chance.random() < 1 / 2)
