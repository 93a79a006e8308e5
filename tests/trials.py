"""A crowd at a service one of whose stores fails for a while, and what must be true of it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import crowd
import httpx
import reckoning
import servers
from machines import PATIENCE, until
from town import open_town

from identra.settings import Persistence

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from machines import Machine
    from town import Town

    from identra.settings import Redis

NOTICED = 12.0
RECOVERED = 10.0
"""Seconds after which the probe tells of a fault; and after which a store that is back is used."""
BY_CODE = frozenset({"/email/code", "/email/login"})
BY_DATABASE = frozenset({"/password/login", "/token/refresh", "/token/revoke", "/me/login-info"})
READY = (200, ())
SAFE = {"postgres": (), "mysql": ("--innodb-flush-log-at-trx-commit=2",)}
"""What was committed outlives the process, as it does by default."""


@dataclass(frozen=True)
class Trial:
    """`says` is the probe's word while the fault holds, `goes_on` what succeeds all the same.

    `forgetful`: a code that was mailed may be lost by it. `holds` looks further meanwhile.
    """

    says: tuple[int, tuple[str, ...]]
    goes_on: frozenset[str] = frozenset()
    stops: frozenset[str] = frozenset()
    forgetful: bool = False
    members: int = crowd.MEMBERS
    holds: Callable[[Town], None] | None = None

    def endure(self, town: Town, fault: AbstractContextManager[object], seconds: float) -> None:
        """Have a crowd live through a fault of so many seconds, and the workers as well."""
        workers = town.service.workers()
        with crowd.gather(town, self.members, forgetful=self.forgetful) as people:
            _all_served(people, since=0)
            with fault:
                since = time.monotonic()
                until(lambda: ask(town) == self.says, f"{self.says} of the probe", NOTICED)
                noticed = time.monotonic()
                for look in (keys, self.holds) if self.holds else (keys,):
                    look(town)
                until(lambda: people.goes_on() and time.monotonic() > noticed + seconds, "the end")
                served = people.served(since=noticed)
                assert served.keys() >= self.goes_on
                assert not served.keys() & self.stops, served
            back = time.monotonic()
            assert people.refused(since=since), "nobody felt it"
            told = until(lambda: _surely_ready(town), "readiness", RECOVERED)
            _all_served(people, since=back)
            print(_summary(people, since, told))  # noqa: T201 - for those who run it with -s
        assert town.service.workers() == workers, "it was restarted"
        reckoning.check(town, people)


def keys(town: Town) -> None:
    """The key set needs no store."""
    answer = httpx.get(f"{town.service.url}/.well-known/jwks.json", timeout=crowd.LONGEST)
    assert len(answer.json()["keys"]) == 1


def ask(town: Town) -> tuple[int, tuple[str, ...]]:
    """What the probe says: the status, and what is not in order."""
    answer = httpx.get(f"{town.service.url}/readyz", timeout=crowd.LONGEST)
    return answer.status_code, tuple(answer.json().get("degraded", ()))


def _surely_ready(town: Town) -> bool:
    """Each asking may meet another worker."""
    return all(ask(town) == READY for _ in range(8))


def _all_served(people: crowd.Crowd, since: float) -> None:
    kinds = BY_CODE | BY_DATABASE
    served = lambda: people.goes_on() and kinds <= people.served(since=since).keys()  # noqa: E731
    until(served, "an answer of each kind", RECOVERED if since else PATIENCE)


def _summary(people: crowd.Crowd, since: float, told: float) -> str:
    refused = people.refused(since=since).total()
    return (
        f"{people.served().total()} served, {refused} refused, the slowest answer after"
        f" {people.slowest():.2f} s, ready again after {told:.2f} s"
    )


@contextmanager
def small_town(
    folder: Path, store: Redis | None = None, *, disk: Path | None = None
) -> Iterator[Town]:
    """A service on a SQLite file, which may lie on a disk of its own."""
    place = Persistence(driver="sqlite", name=str((disk or folder) / "identra.db"))
    with open_town(folder, place, store, crowd.HARD_TO_PLEASE) as town:
        yield town


@dataclass(frozen=True)
class Place:
    """A service with a database server of its own, which is that of nobody else."""

    town: Town
    server: Persistence
    machine: Machine


@contextmanager
def town_on(
    kind: str, folder: Path, store: Redis | None = None, *options: str, disk: Path | None = None
) -> Iterator[Place]:
    """Start it all, empty; the database's files may lie on a disk of their own."""
    machine_of = {"postgres": servers.postgres_machine, "mysql": servers.mysql_machine}[kind]
    with (
        machine_of(*SAFE[kind], *options, at=disk) as (server, machine),
        machine.up(),
        servers.fresh_database(server) as place,
        open_town(folder, place, store, crowd.HARD_TO_PLEASE) as town,
    ):
        yield Place(town, server, machine)


@contextmanager
def ended(machine: Machine, by: signal.Signals | None = None) -> Iterator[None]:
    """The server is down meanwhile, and started again on the same port."""
    machine.end(by)
    try:
        yield
    finally:
        machine.start()
