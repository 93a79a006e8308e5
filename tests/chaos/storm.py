"""So many mixed operations by several members at once, and what they came to."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

import pytest
from chaos.case import Case, Terms
from chaos.ledger import Ledger, Outcome
from chaos.member import Member
from chaos.reading import records_of
from chaos.violations import LOST, UNAVAILABLE, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from chaos.ledger import Act, Entry
    from chaos.nodes import Nodes

    Meanwhile = Callable[["Storm", Callable[[], bool]], None]

MEMBERS = 8


@dataclass(eq=False)
class Storm:
    """Members at work on two nodes. What they do is drawn from the seed."""

    nodes: Nodes
    seed: int
    size: int = MEMBERS
    pace: float = 0.0
    """Seconds that each member rests between two acts."""
    ledger: Ledger = field(default_factory=Ledger)
    members: list[Member] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def chance(self, what: object) -> random.Random:
        """Draws of its own for whoever asks."""
        return random.Random(f"{self.seed} {what}")  # noqa: S311 - the same draws each time

    def member(self, number: int, ledger: Ledger) -> Member:
        """Somebody who writes to this ledger."""
        chance = self.chance(number)
        return Member(number, self.nodes, self.nodes.make_doors(ledger), chance, self.pace)

    @contextmanager
    def blowing(self) -> Iterator[list[Future[None]]]:
        """Members at work for a while; whoever fails raises here."""
        self.members += [self.member(number, self.ledger) for number in range(self.size)]
        with ThreadPoolExecutor(self.size) as threads:
            working = [threads.submit(one.live, self._over.is_set) for one in self.members]
            try:
                yield working
            finally:
                self.end()
            for one in working:
                one.result()

    def run(self, operations: int, meanwhile: Meanwhile) -> None:
        """So many operations, and something that goes on beside them."""
        with self.blowing() as working, ThreadPoolExecutor(1) as beside:
            doing = beside.submit(meanwhile, self, self._over.is_set)
            while len(self.ledger) < operations and not self._over.is_set():
                failed = [one for one in (*working, doing) if one.done()]
                if failed:
                    failed[0].result()
                time.sleep(0.05)
            self.end()
            doing.result()

    def end(self) -> None:
        """Nobody begins anything more."""
        self._over.set()

    def unavailable_until(self, since: float) -> float:
        """When the last call began that was told UNAVAILABLE or nothing, of those since then."""
        return max((e.began for e in self.unanswered() if e.began >= since), default=since)

    def unavailable(self, since: float, until: float = inf) -> set[str]:
        """How those were refused who began in that time, and were told UNAVAILABLE or nothing."""
        return {e.reason for e in self.unanswered() if since <= e.began < until}

    def unanswered(self) -> list[Entry]:
        """Calls that came to nothing, for want of a store or of anybody who answers."""
        return [e for e in list(self.ledger.entries) if e.reason in UNAVAILABLE | LOST]

    def served(self, since: float) -> set[Act]:
        """What was served to whoever began since then."""
        entries = list(self.ledger.entries)
        return {e.act for e in entries if e.acknowledged and e.began >= since}

    def judge(self, terms: Terms) -> None:
        """Fail with all that is not as it was promised, in the end."""
        asked = list(self.ledger.entries)
        records = records_of(self.nodes, self.members, self.nodes.make_doors(Ledger()))
        violations = judge(Case(asked, records, terms))
        if violations:
            pytest.fail("\n".join(map(str, violations)), pytrace=False)

    def summary(self) -> str:
        """How many calls came to what."""
        entries = self.ledger.entries
        counts = {one.value: sum(e.outcome is one for e in entries) for one in Outcome}
        slowest = max(entry.ended - entry.began for entry in entries)
        told = ", ".join(f"{count} {name}" for name, count in counts.items())
        return f"{len(entries)} calls: {told}; the slowest took {slowest:.2f} s"
