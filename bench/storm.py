"""What a storm of logins does to those who are signed in already.

Ten times as many ask to sign in as could be hashed, most of them under addresses that nobody has.
They come at their pace whether or not they are answered, as people do.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench import floors, load
from bench.callers import Guessing, Refreshing, Repeating, get
from bench.rounds import Driven, percentile
from bench.subjects import CORES, JWKS, login, login_info

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.load import Heard
    from bench.people import Person
    from bench.rounds import Slice
    from bench.served import Served
    from bench.subjects import Scene

TIMES = 10
RAIDERS = 128
"""Connections: enough that those who are refused, or wait, keep nobody from asking."""
KNOWN = 16
LEAD = 1.0
"""Seconds that the storm blows before and after the measured turns."""
CALM = 5.0
"""Seconds after a storm by which all must be as it was."""

HELD_OFF = frozenset({200, 503})
"""Hashes have a bounded queue: beyond it a login is answered BUSY, which is as it should be."""


@dataclass(frozen=True, slots=True)
class Raid:
    """A storm: logins a second that came and that were judged; p50, p99 and most ms of a BUSY."""

    offered: float
    judged: float
    refused: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Weather:
    """Turns of each subject alone, in the storm and after it; the storms; MiB idle and at most."""

    hashes: float
    alone: dict[str, list[Slice]] = field(default_factory=dict)
    storm: dict[str, list[Slice]] = field(default_factory=dict)
    after: dict[str, list[Slice]] = field(default_factory=dict)
    raids: list[Raid] = field(default_factory=list)
    held: list[tuple[float, float]] = field(default_factory=list)


def compare(scene: Scene, *, rounds: int, seconds: float) -> Weather:
    """Each of three subjects on one connection: alone, in a storm, and when that is over."""
    subjects = _subjects(scene)
    threads = CORES * scene.workers
    weather = Weather(scene.generator.submit(floors.hash_argon2, seconds, threads).result())
    idle = _resident(scene.service)
    with ThreadPoolExecutor(1) as beside:
        for _ in range(rounds):
            _take_turns(subjects, weather.alone, seconds)
            whole = len(subjects) * seconds + 2 * LEAD
            raid = beside.submit(_blow, scene, max(weather.hashes, 1) * TIMES, whole)
            time.sleep(LEAD)
            _take_turns(subjects, weather.storm, seconds)
            weather.raids.append(raid.result())
            weather.held.append((idle, _most(scene.service)))
            time.sleep(CALM)
            _take_turns(subjects, weather.after, seconds)
    return weather


def _subjects(scene: Scene) -> dict[str, Driven]:
    first, second = scene.bystanders
    asking = {
        f"GET {JWKS}": Repeating(get(JWKS)),
        "POST /me/login-info": login_info(first),
        "POST /token/refresh": Refreshing(second.refresh_token, second.peer),
    }
    return {
        name: Driven(scene.generator, scene.service, [caller]) for name, caller in asking.items()
    }


def _take_turns(subjects: dict[str, Driven], into: dict[str, list[Slice]], seconds: float) -> None:
    for name, asking in subjects.items():
        into.setdefault(name, []).append(asking(seconds))


def _blow(scene: Scene, rate: float, seconds: float) -> Raid:
    known = [login(person, HELD_OFF) for person in _known(scene.people)]
    callers = [*known, *(Guessing() for _ in range(RAIDERS - KNOWN))]
    plan = load.Plan(scene.service.address, tuple(callers), seconds, every=len(callers) / rate)
    return _told(scene.generator.submit(load.run, plan).result())


def _known(people: Sequence[Person]) -> Sequence[Person]:
    """Those who don't take part in what is measured."""
    return people[-KNOWN:]


def _told(heard: Heard) -> Raid:
    busy = [seconds * 1000 for seconds in heard.refusals] or [0.0]
    return Raid(
        offered=sum(heard.statuses.values()) / heard.seconds,
        judged=len(heard.latencies) / heard.seconds,
        refused=(percentile(busy, 0.5), percentile(busy, 0.99), max(busy)),
    )


def _resident(service: Served) -> float:
    return max(memory.resident for memory in service.memory()[1:])


def _most(service: Served) -> float:
    return max(memory.peak for memory in service.memory()[1:])
