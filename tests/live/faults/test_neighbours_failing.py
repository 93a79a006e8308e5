"""A neighbour falls silent or away: every call is answered in time, the others as quickly as ever.

The service is two nodes behind nginx. What nobody needs the neighbour for goes on; once it is
back, so does everything else, without a restart and with nothing left behind.
"""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import handbook
import pytest
import redises
from cable import Cable
from chaos.case import Terms
from chaos.footprint import footprint_of, most_of
from chaos.pulse import pulse_of, wait
from chaos.storm import Storm
from machines import until
from trials import ended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    from chaos.ledger import Act
    from chaos.nodes import Nodes
    from conftest import BuildNodes
    from machines import Machine

    from identra.settings import Redis

    Fault: TypeAlias = Callable[[], AbstractContextManager[None]]

SHORT = 1.0
ALONE = 30.0
"""Seconds, at most, in which it is seen how long things take without a fault: as long as with it,
for of the fewer calls of a shorter time the slowest in a hundred is nearly the slowest of all."""
BEFORE = 10.0
"""Seconds in which it is seen what a service holds without a fault."""
REHEARSAL = 6.0
"""Seconds: longer than anybody waits for a store."""
RECOVERED = 5.0
AS_EVER, MORE = 2, 0.010
"""How much longer an answer may take that needs nothing of what failed: times, and seconds."""
POOLS = 2
"""A worker's; of each it may need one connection more than in the ten seconds before."""
MEMBERS, PACE = 4, 0.05
PAGE = "docs/operate/workers.md"
CABLES = {"database": "database", "Redis": "redis", "mail": "smtp", "a provider": "provider"}
WATCHED: dict[str, Act] = {
    "GET /.well-known/jwks.json": "keys",
    "POST /me/login-info": "info",
    "POST /token/refresh": "refresh",
}


@dataclass(frozen=True)
class Told:
    """What the handbook says of a neighbour that fails: how calls are refused, and what goes on."""

    refused: frozenset[str]
    goes_on: tuple[Act, ...]


@dataclass(frozen=True)
class Trial:
    """Which neighbour fails for how long."""

    whose: str
    seconds: float

    @property
    def told(self) -> Told:
        return told()[self.whose]

    @property
    def seconds_alone(self) -> float:
        return min(self.seconds, ALONE)

    def __str__(self) -> str:
        return f"{self.whose}-{self.seconds:g}"


def told() -> dict[str, Told]:
    """The table of the handbook, by the names of cables."""
    text = handbook.sections(PAGE, 2)["When a neighbour fails"]
    return {
        CABLES[neighbour]: Told(
            frozenset(handbook.coded(how)),
            tuple(WATCHED[route] for route in handbook.coded(goes_on)),
        )
        for neighbour, _, how, goes_on in handbook.rows(text, "neighbour")
    }


SILENT = (Trial("database", 30), Trial("smtp", 30), Trial("provider", 30))


@pytest.mark.chaos
@pytest.mark.parametrize("trial", SILENT, ids=str)
def test_one_that_is_silent_for_long(build_nodes: BuildNodes, seed: int, trial: Trial) -> None:
    with build_nodes("postgres and redis") as nodes:
        storm = Storm(nodes, seed, MEMBERS, PACE)
        endure_long(storm, trial, partial(silent, nodes, trial.whose))
        storm.judge(Terms())


@pytest.mark.chaos
def test_a_redis_that_is_killed_and_comes_back_empty(
    build_nodes: BuildNodes, seed: int, own_redis: tuple[Redis, Machine]
) -> None:
    store, machine = own_redis
    with build_nodes("postgres and redis", store) as nodes:
        storm = Storm(nodes, seed, MEMBERS, PACE)
        endure_long(storm, Trial("redis", 60), partial(ended, machine, signal.SIGKILL))
        storm.judge(Terms(forgets=True))


def test_each_in_turn_for_a_moment(build_nodes: BuildNodes, seed: int) -> None:
    """The same for a second, in which nothing is said of how quick anything is."""
    with build_nodes("postgres and redis") as nodes:
        storm = Storm(nodes, seed, MEMBERS, PACE)
        with storm.blowing():
            for whose in told():
                endure(storm, Trial(whose, SHORT), partial(silent, nodes, whose))
        storm.judge(Terms())


@pytest.fixture
def own_redis() -> Iterator[tuple[Redis, Machine]]:
    with redises.redis_machine() as (store, machine), machine.up():
        yield store, machine


@contextmanager
def silent(nodes: Nodes, whose: str) -> Iterator[None]:
    """It takes connections and what is sent, and says nothing."""
    nodes.cables[whose].do(Cable.deaden)
    try:
        yield
    finally:
        nodes.cables[whose].do(Cable.mend)


@dataclass(frozen=True)
class Measured:
    """The 99th percentiles of what goes on, in seconds, alone and meanwhile."""

    p99: dict[Act, tuple[float, float]]

    def judge(self) -> None:
        for act, (alone, meanwhile) in self.p99.items():
            assert meanwhile <= AS_EVER * alone + MORE, act


def endure(storm: Storm, trial: Trial, fault: Fault) -> Measured:
    """Let members and a pulse live through it, and the workers as well."""
    nodes, workers = storm.nodes, storm.nodes.workers()
    with pulse_of(storm, *trial.told.goes_on) as pulse:
        began, _ = wait(trial.seconds_alone)
        alone = began, time.monotonic()
        with fault():
            meanwhile = wait(trial.seconds)
        back = time.monotonic()
        affected = storm.served(began)
        # Chance says when who asks for what: that it was refused for long is judged below.
        recovered = until(lambda: storm.served(back) >= affected, "all that was served")
    assert nodes.workers() == workers, "it was restarted"
    assert not pulse.failed()
    late = storm.unavailable_until(back) - back
    assert late < RECOVERED
    assert storm.unavailable(*meanwhile) <= trial.told.refused
    p99 = {act: (pulse.p99(act, *alone), pulse.p99(act, *meanwhile)) for act in trial.told.goes_on}
    print(f"{trial}: {storm.summary()}")
    print(f"  served again after {recovered:.1f} s, the last refused after {late:.1f} s")
    for act, (before, then) in p99.items():
        print(f"  {act}: p99 {before * 1000:.1f} ms alone, {then * 1000:.1f} ms meanwhile")
    return Measured(p99)


def endure_long(storm: Storm, trial: Trial, fault: Fault) -> None:
    """The same, judged by its times, and by what is left of it.

    It is rehearsed, so that pools have grown to what they need in it, and keep.
    """
    with storm.blowing():
        with fault():
            wait(REHEARSAL)
        wait(RECOVERED)
        most = most_of(storm.nodes, BEFORE)
        began = time.monotonic()
        measured = endure(storm, trial, fault)
        assert storm.unavailable(began) == trial.told.refused
        workers = storm.nodes.workers()
        more = POOLS * len(workers)
        wait(RECOVERED)
        print(f"  at most {most}; {RECOVERED:g} s after it {footprint_of(workers)}")
        until(lambda: footprint_of(workers).within(most, more), f"{most} again", RECOVERED)
    measured.judge()
