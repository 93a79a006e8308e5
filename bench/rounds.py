"""Floors and subject by turns: what disturbs a round disturbs both, and the ratio stays."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from bench import load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from bench.callers import Caller
    from bench.served import Served


@dataclass(frozen=True, slots=True)
class Slice:
    """One turn: how many a second; where HTTP was asked, also how long the answers took.

    Milliseconds of the median and the 99th percentile, processor milliseconds of the server an
    answer, the generator's share of one processor, and the busiest of several workers' share of
    what all of them worked (1 where one got all connections).
    """

    rate: float
    middle: float | None = None
    slow: float | None = None
    cost: float | None = None
    busy: float | None = None
    uneven: float | None = None


@dataclass(frozen=True, slots=True)
class Contestant:
    """Something that can be done over and over for some seconds."""

    name: str
    take_turn: Callable[[float], Slice]


@dataclass(frozen=True, slots=True)
class Compared:
    """The turns of a subject and of each of its floors, round by round."""

    subject: str
    turns: dict[str, list[Slice]] = field(default_factory=dict)

    def ratios(self, floor: str) -> list[float]:
        """The subject's rate as a share of a floor's, round by round."""
        pairs = zip(self.turns[self.subject], self.turns[floor], strict=True)
        return [mine.rate / theirs.rate for mine, theirs in pairs]

    def add_up(self, one: str, other: str) -> None:
        """Where both are floors, make one more of them: both done, one after the other."""
        if {one, other} <= self.turns.keys():
            pairs = zip(self.turns[one], self.turns[other], strict=True)
            summed = [Slice(1 / (1 / first.rate + 1 / second.rate)) for first, second in pairs]
            self.turns[f"{one} + {other}"] = summed


class Driven:
    """A server asked by callers that go on where they were."""

    def __init__(
        self,
        generator: Executor,
        server: Served,
        callers: Sequence[Caller],
        *,
        rpc: bool = False,
    ) -> None:
        self._generator = generator
        self._server = server
        self._rpc = rpc
        self._callers = tuple(callers)

    def __call__(self, seconds: float) -> Slice:
        """Ask for some seconds. Raises Unexpected."""
        address = self._server.rpc_address if self._rpc else self._server.address
        plan = load.Plan(address, self._callers, seconds, self._rpc)
        before = self._server.worked()
        heard = self._generator.submit(load.run, plan).result()
        worked = [now - then for now, then in zip(self._server.worked(), before, strict=True)]
        self._callers = heard.callers
        good = sum(count for status, count in heard.statuses.items() if status < 400)
        return Slice(
            rate=good / heard.seconds,
            middle=median(heard.latencies) * 1000,
            slow=percentile(heard.latencies, 0.99) * 1000,
            cost=sum(worked) / len(heard.latencies) * 1000,
            busy=heard.busy,
            uneven=_share_of_busiest(worked[1:]),
        )


def compare(
    subject: Contestant, floors: Sequence[Contestant], *, rounds: int, seconds: float
) -> Compared:
    """Let all take turns, there and back again, so that a drift favours nobody."""
    order = [*floors, subject]
    compared = Compared(subject.name, {contestant.name: [] for contestant in order})
    for contestant in order:
        contestant.take_turn(seconds / 4)  # warm, and not counted
    for number in range(rounds):
        for contestant in order if number % 2 == 0 else reversed(order):
            compared.turns[contestant.name].append(contestant.take_turn(seconds))
    return compared


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _share_of_busiest(worked: Sequence[float]) -> float | None:
    whole = sum(worked)
    return max(worked) / whole if len(worked) > 1 and whole else None
