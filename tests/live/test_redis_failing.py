"""A Redis fails under load: codes wait for it, all else goes on, and it is found again."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
import redises
from crowd import LONGEST
from machines import until
from trials import BY_CODE, BY_DATABASE, Trial, ended, small_town

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import TypeAlias

    from town import Town

    from identra.settings import Redis

    FailingOver: TypeAlias = Callable[
        [], AbstractContextManager[tuple[Redis, AbstractContextManager[None]]]
    ]


def no_departure(town: Town) -> None:
    """A state that can't be kept is not given out."""
    query = {"provider": "github"}
    answer = httpx.get(f"{town.service.url}/oauth/url", params=query, timeout=LONGEST)
    assert answer.json()["reason"] == "STORE_UNAVAILABLE"


AWAY = (200, ("redis",))
WITHOUT = Trial(AWAY, goes_on=BY_DATABASE, stops=BY_CODE, forgetful=True, holds=no_departure)
FAILING_OVER = Trial(AWAY, forgetful=True)
SHORT, LONG = 3, 10
"""Seconds."""


@pytest.mark.long
@pytest.mark.parametrize(
    ("how", "seconds"), [("killed", SHORT), ("killed", LONG), ("frozen", LONG)]
)
def test_one_that_is_away_and_may_come_back_empty(tmp_path: Path, how: str, seconds: int) -> None:
    with (
        redises.redis_machine() as (store, machine),
        machine.up(),
        small_town(tmp_path, store) as town,
    ):
        fault = machine.frozen() if how == "frozen" else ended(machine, signal.SIGKILL)
        WITHOUT.endure(town, fault, seconds)


@contextmanager
def promotion() -> Iterator[tuple[Redis, AbstractContextManager[None]]]:
    """Sentinel makes the replica the master."""

    @contextmanager
    def loss() -> Iterator[None]:
        group.master.end(signal.SIGKILL)
        yield
        until(group.promoted, "a new master")

    with redises.redis_group() as group:
        yield group.place, loss()


@contextmanager
def takeover() -> Iterator[tuple[Redis, AbstractContextManager[None]]]:
    """The nodes of a cluster agree on who serves the slots of the lost one."""

    @contextmanager
    def loss() -> Iterator[None]:
        lost = cluster.machines[0]
        lost.end(signal.SIGKILL)
        yield
        until(lambda: cluster.serves_without(lost), "the replica")

    with redises.redis_cluster(replicas=1) as cluster:
        yield cluster.place, loss()


@pytest.mark.long
@pytest.mark.parametrize("failing_over", [promotion, takeover])
def test_a_master_whose_replica_takes_over(tmp_path: Path, failing_over: FailingOver) -> None:
    with failing_over() as (store, fault), small_town(tmp_path, store) as town:
        FAILING_OVER.endure(town, fault, 0)
