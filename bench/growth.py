"""What many users cost each one: the same people's routes among few users and among many."""

from __future__ import annotations

import asyncio
import random
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import population
import servers
from argon2 import PasswordHasher

from bench import people, table
from bench.callers import PASSWORD, Each, Refreshing
from bench.rounds import Contestant, Driven, compare
from bench.service import serving
from bench.subjects import login, login_info
from identra.db import open_database
from identra.settings import SettingsTree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor

    from bench.callers import Caller
    from bench.people import Person
    from bench.rounds import Compared
    from bench.served import Served
    from bench.stores import Store
    from bench.table import Table
    from identra.settings import Persistence

FEW = 1_000


@dataclass(frozen=True, slots=True)
class Growth:
    """How many users are many, how many of them ask, rounds of turns, seconds a turn."""

    users: int
    askers: int
    rounds: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Place:
    """A service, how many users it has, and those of them who ask."""

    users: int
    service: Served
    people: Sequence[Person]


def measure(store: Store, growth: Growth) -> Table:
    """The table of one store: each route among few and among many, by turns."""
    with ExitStack() as opened:
        generator = opened.enter_context(ProcessPoolExecutor(1, get_context("spawn")))
        few, many = (
            opened.enter_context(_place(store, users, growth.askers))
            for users in (FEW, growth.users)
        )
        compared = list(_compare(generator, few, many, growth))
    return table.growth(f"{store.name}: {FEW:,} users and {growth.users:,}", compared)


@contextmanager
def _place(store: Store, users: int, askers: int) -> Iterator[Place]:
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="identra-bench-")))
        service, place = opened.enter_context(serving(store, home, workers=1, algorithm="RS256"))
        fill(place, users)
        asking = random.sample(range(users), min(users, askers))
        yield Place(users, service, people.sign_in(service.url, map(population.email, asking)))


def fill(place: Persistence, users: int) -> None:
    """Put a crowd into a database, whose password is everybody's here."""
    asyncio.run(_gather(place, users))
    if place.driver == "postgres":
        asyncio.run(servers.tell(place, "VACUUM ANALYZE"))  # else it does so in somebody's turn


async def _gather(place: Persistence, users: int) -> None:
    chosen = SettingsTree().password
    hasher = PasswordHasher(
        time_cost=chosen.argon2_time,
        memory_cost=chosen.argon2_memory_kib,
        parallelism=chosen.argon2_parallelism,
    )
    db = await open_database(place)
    try:
        await population.gather(db, users, hasher.hash(PASSWORD))
    finally:
        await db.close()


def _compare(generator: Executor, few: Place, many: Place, growth: Growth) -> Iterator[Compared]:
    for name in ("POST /password/login", "POST /me/login-info", "POST /token/refresh"):
        among = [
            Contestant(label, Driven(generator, place.service, [_asking(name, place.people)]))
            for label, place in ((name, many), (table.AMONG_FEW, few))
        ]
        yield compare(among[0], among[1:], rounds=growth.rounds, seconds=growth.seconds)


def _asking(name: str, askers: Sequence[Person]) -> Each:
    """One connection on which all of them ask, one after the other."""
    callers: list[Caller]
    if name == "POST /token/refresh":
        callers = [Refreshing(person.refresh_token, person.peer) for person in askers]
    else:
        ask = {"POST /password/login": login, "POST /me/login-info": login_info}[name]
        callers = [ask(person) for person in askers]
    return Each(callers)
