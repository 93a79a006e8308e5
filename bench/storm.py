"""What a storm of logins does to those who are signed in already."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.rounds import Driven, Slice
from bench.subjects import login, login_info

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from bench.people import Person
    from bench.served import Served

RAIDERS = 16
LEAD = 0.2
"""Seconds that the storm blows before and after the measured turn."""

HELD_OFF = frozenset({200, 503})
"""Hashes have a bounded queue: beyond it a login is answered BUSY, which is as it should be."""


@dataclass(frozen=True, slots=True)
class Weather:
    """Turns of one signed-in connection in calm and in storm, and of the storm itself."""

    calm: list[Slice]
    storm: list[Slice]
    logins: list[Slice]


def compare(
    generator: Executor, service: Served, people: Sequence[Person], *, rounds: int, seconds: float
) -> Weather:
    """One connection asks /me/login-info, alone and beside 16 that log in, by turns."""
    asking = Driven(generator, service, [login_info(people[0])])
    raiding = Driven(generator, service, [login(p, HELD_OFF) for p in people[1 : RAIDERS + 1]])
    weather = Weather([], [], [])
    with ThreadPoolExecutor(1) as beside:
        for _ in range(rounds):
            weather.calm.append(asking(seconds))
            raid = beside.submit(raiding, seconds + 2 * LEAD)
            time.sleep(LEAD)
            weather.storm.append(asking(seconds))
            weather.logins.append(raid.result())
    return weather
