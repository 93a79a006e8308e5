"""Ten thousand events, a target that fails 30 % of the time, workers killed: nothing is lost."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

import httpx
import pytest
from standin.faults import Fault, Hangup
from standin.receiver import SECRET, Message, Receiver
from standin.sites import open_site

from identra.app.opening import system_clock
from identra.db import open_database
from identra.dispatches import DEAD, DELIVERED, WAITING, Dispatches, Writer
from identra.errors import StoreUnavailable
from identra.events import Events
from identra.secret import uuid7

if TYPE_CHECKING:
    from conftest import Build
    from town import Town

    from identra.db import Database

SEED = 20_261_126
EVENTS, USERS = 10_000, 500
AT_ONCE = 4
FAILING = 0.3
KILL_EVERY = 10.0
HASTEN_EVERY = 2.0
"""Seconds until an operator has what waits sent now: the second delay alone is five minutes."""
PATIENCE = 1500.0


@dataclass
class Moody(Receiver):
    """Fails as often as it is told to: by a 500, or by saying nothing at all."""

    chance: random.Random = field(default_factory=lambda: random.Random(SEED))  # noqa: S311 - the same moods each time
    failures: int = 0

    def __post_init__(self) -> None:
        self.reply = self.react

    def fault(self, _: httpx.Request) -> Fault | None:
        if self.chance.random() >= FAILING / 2:
            return None
        self.failures += 1
        return Hangup()

    def react(self, _: Message) -> httpx.Response:
        if self.chance.random() >= FAILING / 2 / (1 - FAILING / 2):
            return httpx.Response(204)
        self.failures += 1
        return httpx.Response(500)


@pytest.mark.long
@pytest.mark.parametrize("home", ["sqlite", "postgres", "mysql"])
def test_each_event_arrives_and_in_its_user_s_order(home: str, build_town: Build) -> None:
    moody = Moody()
    with open_site(moody) as site:
        section = {"url": site.base_url, "secrets": [SECRET], "allow_private": True}
        with build_town(home, **{"webhooks.app": section | {"events": ["user.*"]}}) as town:
            began = time.monotonic()
            recorded, kills = asyncio.run(live_through(town))
            print(told(moody, recorded, kills, time.monotonic() - began))  # noqa: T201 - the numbers
            states = town.rows("SELECT state, COUNT(*) AS n FROM identra_dispatches GROUP BY state")
            written = town.count("events", "name = 'user.disabled'")
    assert all(is_cut_off(request) for request in moody.forged), "by a worker killed midway"
    assert {row["state"]: row["n"] for row in states} == {DELIVERED: written}
    assert written >= EVENTS
    assert kills >= 3
    assert moody.failures > EVENTS * FAILING
    for user_id, reasons in recorded.items():
        assert heard(moody, user_id) == reasons, user_id


def is_cut_off(request: httpx.Request) -> bool:
    return len(request.content) < int(request.headers["content-length"])


def heard(moody: Moody, user_id: str) -> list[str]:
    """What was received of a user, each event when it first came; what was recorded twice, once."""
    hers = [message for message in moody.heard if message.body["data"]["user_id"] == user_id]
    first = {message.id: message for message in reversed(hers)}
    order = dict.fromkeys(message.id for message in hers)
    return [reason for reason, _ in groupby(first[one].body["data"]["reason"] for one in order)]


async def live_through(town: Town) -> tuple[dict[str, list[str]], int]:
    """Record everything while workers are killed, and wait until it has arrived."""
    db = await open_database(town.place)
    killing = asyncio.create_task(kill(town))
    hastening = asyncio.create_task(hasten(db))
    try:
        recorded = await record(db)
        await arrived(db)
    finally:
        killing.cancel()
        hastening.cancel()
        results = await asyncio.gather(killing, hastening, return_exceptions=True)
        await db.close()
    assert all(isinstance(result, asyncio.CancelledError) for result in results), results
    return recorded, KILLED[town.place.name]


KILLED: Counter[str] = Counter()


async def record(db: Database) -> dict[str, list[str]]:
    """Each user's events one after the other, many users at a time."""
    events = Events(db, system_clock, writer=Writer(db, lambda _: ("app",), lambda _: None))
    recorded: dict[str, list[str]] = {uuid7(): [] for _ in range(USERS)}
    room = asyncio.Semaphore(AT_ONCE)

    async def of(user_id: str, reasons: list[str]) -> None:
        for number in range(EVENTS // USERS):
            async with room:
                while True:  # a busy database is asked again, and the event may then be there twice
                    with suppress(StoreUnavailable):
                        await events.record("user.disabled", user_id=user_id, reason=f"{number}")
                        break
                reasons.append(f"{number}")

    await asyncio.gather(*(of(*one) for one in recorded.items()))
    return recorded


async def kill(town: Town) -> None:
    chance = random.Random(SEED)  # noqa: S311 - the same run each time
    while True:
        await asyncio.sleep(KILL_EVERY)
        if workers := town.service.workers():
            os.kill(chance.choice(workers), signal.SIGKILL)
            KILLED[town.place.name] += 1


async def hasten(db: Database) -> None:
    while True:
        await asyncio.sleep(HASTEN_EVERY)
        with suppress(StoreUnavailable):
            await Dispatches(db).replay("app")


async def arrived(db: Database) -> None:
    dispatches = Dispatches(db)
    async with asyncio.timeout(PATIENCE):
        for state in (WAITING, DEAD):
            while await are_there(dispatches, state):  # noqa: ASYNC110 - others work it off
                await asyncio.sleep(1)


async def are_there(dispatches: Dispatches, state: str) -> bool:
    try:
        return (await dispatches.count("app", state)).found > 0
    except StoreUnavailable:
        return True


def told(moody: Moody, recorded: dict[str, list[str]], kills: int, seconds: float) -> str:
    twice = len(moody.heard) - len({message.id for message in moody.heard})
    return (
        f"{sum(map(len, recorded.values()))} events, {len(moody.heard)} received, {twice} of them"
        f" again, {moody.failures} failures, {kills} workers killed, {seconds:.0f} s"
    )
