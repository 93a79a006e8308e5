"""A database fails under load: nobody waits, nothing acknowledged is lost, no restart is needed."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg
from trials import BY_CODE, BY_DATABASE, Trial, ended, town_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import TypeAlias

    import pytest
    from trials import Place

    from identra.settings import Persistence, Redis

    Fault: TypeAlias = Callable[[Place], AbstractContextManager[None]]

AWAY = (503, ("database",))
WITHOUT = Trial(AWAY, stops=BY_DATABASE | BY_CODE)
WITHOUT_BUT_REDIS = Trial(
    AWAY, goes_on=frozenset({"/email/code"}), stops=BY_DATABASE | {"/email/login"}
)
SHORT_OF_CONNECTIONS = Trial(AWAY, members=30)
"""More at once than the pools of both workers hold: who gets a connection may be served."""
SHORT, LONG = 3, 10
"""Seconds."""
CONNECTIONS = 30
END_THOSE_OF = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"


@dataclass(frozen=True)
class Case:
    """What befalls which database, and for how many seconds."""

    home: str
    fault: Fault
    seconds: int = LONG
    trial: Trial | None = None

    def __str__(self) -> str:
        return f"{self.home}-{self.fault.__name__}-{self.seconds}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Outages of a lifelike length, on every engine, where everything is crossed."""
    cases = [Case("postgres and redis", stopped, SHORT)]
    if metafunc.config.getoption("everywhere"):
        homes = ("postgres", "mysql", "mysql and redis")
        cases += [Case(home, fault) for home in homes for fault in (stopped, killed, frozen)]
        scarce = (locked, crowded_out)
        cases += [Case("postgres", fault, SHORT, SHORT_OF_CONNECTIONS) for fault in scarce]
    metafunc.parametrize("case", cases, ids=str)


def test_one_that_fails_for_a_while(tmp_path: Path, redis_place: Redis, case: Case) -> None:
    kind, _, redis = case.home.partition(" and ")
    limit = ("-c", f"max_connections={CONNECTIONS}", "-c", "superuser_reserved_connections=0")
    options = limit if case.trial else ()
    with town_on(kind, tmp_path, redis_place if redis else None, *options) as place:
        trial = case.trial or (WITHOUT_BUT_REDIS if redis else WITHOUT)
        trial.endure(place.town, case.fault(place), case.seconds)


def stopped(place: Place) -> AbstractContextManager[None]:
    return ended(place.machine)


def killed(place: Place) -> AbstractContextManager[None]:
    return ended(place.machine, signal.SIGKILL)


def frozen(place: Place) -> AbstractContextManager[None]:
    return place.machine.frozen()


@contextmanager
def locked(place: Place) -> Iterator[None]:
    """Somebody else locks a table that every request needs: all of the pools wait for it."""
    with asyncio.Runner() as runner:
        held = runner.run(connect(place.town.place))
        runner.run(held.execute("BEGIN; LOCK TABLE identra_sessions IN ACCESS EXCLUSIVE MODE"))
        try:
            yield
        finally:
            runner.run(held.close())


@contextmanager
def crowded_out(place: Place) -> Iterator[None]:
    """Others take every connection that the server has to give, the service's own as well."""
    taken: list[Any] = []
    with asyncio.Runner() as runner:
        try:
            runner.run(take_all(place, taken))
            yield
        finally:
            runner.run(give_back(taken))


async def take_all(place: Place, taken: list[Any]) -> None:
    ours = place.town.place.name
    async with asyncio.timeout(20):
        while len(taken) < CONNECTIONS:
            try:
                taken.append(await connect(place.server))
            except asyncpg.TooManyConnectionsError:
                await taken[0].execute(END_THOSE_OF, ours)


async def give_back(taken: list[Any]) -> None:
    for connection in taken:
        await connection.close()


async def connect(place: Persistence) -> Any:
    """A connection that is nobody's but the test's."""
    return await asyncpg.connect(
        host=place.host, port=place.port, user=place.user, database=place.name
    )
