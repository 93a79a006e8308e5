"""A Redis fails under load: codes wait for it, all else goes on, and it is found again."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import redises
from machines import until
from trials import BY_CODE, BY_DATABASE, Trial, ended, town_on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest
    from redises import Cluster, Group

AWAY = (200, ("redis",))
WITHOUT = Trial(AWAY, goes_on=BY_DATABASE, stops=BY_CODE, forgetful=True)
FAILING_OVER = Trial(AWAY, forgetful=True)
SHORT, LONG = 3, 10
"""Seconds."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Outages of a lifelike length where everything is crossed."""
    everywhere = metafunc.config.getoption("everywhere")
    if "how" in metafunc.fixturenames:
        metafunc.parametrize("how", ["killed", "frozen"] if everywhere else [])


def test_one_that_is_killed_and_comes_back_empty(tmp_path: Path) -> None:
    with (
        redises.redis_machine() as (store, machine),
        machine.up(),
        town_on("postgres", tmp_path, store) as place,
    ):
        WITHOUT.endure(place.town, ended(machine, signal.SIGKILL), SHORT)


def test_one_that_is_away_for_long(tmp_path: Path, how: str) -> None:
    with (
        redises.redis_machine() as (store, machine),
        machine.up(),
        town_on("mysql", tmp_path, store) as place,
    ):
        fault = machine.frozen() if how == "frozen" else ended(machine, signal.SIGKILL)
        WITHOUT.endure(place.town, fault, LONG)


def test_a_master_whose_replica_takes_over(tmp_path: Path) -> None:
    with redises.redis_group() as group, town_on("postgres", tmp_path, group.place) as place:
        FAILING_OVER.endure(place.town, promotion(group), 0)


def test_a_node_of_a_cluster_whose_replica_takes_over(tmp_path: Path) -> None:
    with (
        redises.redis_cluster(replicas=1) as cluster,
        town_on("postgres", tmp_path, cluster.place) as place,
    ):
        FAILING_OVER.endure(place.town, takeover(cluster), 0)


@contextmanager
def promotion(group: Group) -> Iterator[None]:
    """Lose the master, and wait until Sentinel has made the replica one."""
    group.master.end(signal.SIGKILL)
    yield
    until(group.promoted, "a new master")


@contextmanager
def takeover(cluster: Cluster) -> Iterator[None]:
    """Lose a master, and wait until its replica serves its slots."""
    lost = cluster.machines[0]
    lost.end(signal.SIGKILL)
    yield
    until(lambda: cluster.serves_without(lost), "the replica")
