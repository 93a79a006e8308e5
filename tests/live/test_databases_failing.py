"""A database fails under load: nobody waits, nothing acknowledged is lost, no restart is needed."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from trials import BY_CODE, BY_DATABASE, Trial, ended, town_on

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pytest
    from machines import Machine

    from identra.settings import Redis

AWAY = (503, ("database",))
WITHOUT = Trial(AWAY, stops=BY_DATABASE | BY_CODE)
WITHOUT_BUT_REDIS = Trial(
    AWAY, goes_on=frozenset({"/email/code"}), stops=BY_DATABASE | {"/email/login"}
)
SHORT, LONG = 3, 10
"""Seconds."""
MANY = 30
"""More at once than the pools of both workers hold."""
FEW_CONNECTIONS = 30

FAILING = ["ended", "killed", "frozen"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Outages of a lifelike length, on every engine, where everything is crossed."""
    everywhere = metafunc.config.getoption("everywhere")
    if "long_outage" in metafunc.fixturenames:
        found = [(kind, how) for kind in ("postgres", "mysql") for how in FAILING]
        metafunc.parametrize("long_outage", found if everywhere else [], ids="-".join)


def outage(machine: Machine, how: str) -> AbstractContextManager[None]:
    if how == "frozen":
        return machine.frozen()
    return ended(machine, signal.SIGKILL if how == "killed" else None)


def test_one_that_is_stopped_for_a_moment(tmp_path: Path, redis_place: Redis) -> None:
    with town_on("postgres", tmp_path, redis_place) as place:
        WITHOUT_BUT_REDIS.endure(place.town, ended(place.machine), SHORT)


def test_one_that_is_away_for_long(tmp_path: Path, long_outage: tuple[str, str]) -> None:
    kind, how = long_outage
    with town_on(kind, tmp_path) as place:
        WITHOUT.endure(place.town, outage(place.machine, how), LONG)
