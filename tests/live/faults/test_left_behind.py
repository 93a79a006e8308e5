"""What a fault leaves behind in a process once it is over: no task, connection or descriptor."""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cable import Cable
from chaos.cabling import around_by, lay, stores_by
from homes import write_settings
from postbox import open_post_office
from running import door_of
from standin.github import Email, GitHub, Person
from standin.sites import open_site
from town import neighbours, prepare
from wires import certificates, wire

from identra.app import Swapped, build
from identra.settings import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from cable import Laid

    from identra.app import App
    from identra.settings import Persistence, Redis

CALLERS = 12
"""More than the pool of the database holds."""
FAULT = 0.5
BACK = 5.0
"""Seconds."""
STILL = 5
"""So often the same is what it comes to."""
ENDS = 3
"""Descriptors that a connection through a cable has in this process."""
AWAY = {"STORE_UNAVAILABLE", "PROVIDER_UNAVAILABLE", "BUSY"}


@dataclass(frozen=True)
class Held:
    """What the process holds: tasks of its loop, connections, descriptors.

    Pools keep what they once needed, within their bounds; of theirs those that are lent count.
    """

    tasks: int
    lent: int
    connections: int
    descriptors: int

    def within(self, before: Held) -> bool:
        pairs = zip(astuple(self), astuple(before), strict=True)
        return all(now <= then for now, then in pairs)


@dataclass
class Callers:
    """People who came by GitHub, each with a session; they call at the same moment."""

    http: httpx.AsyncClient
    github: GitHub
    pairs: list[dict[str, Any]]

    async def arrive(self, number: int) -> None:
        network = {"X-Forwarded-For": f"2001:db8:{number:x}::1"}
        trip = await self._trip(number, network)
        answer = await self.http.post("/oauth/login", json=trip, headers=network)
        self.pairs.append(answer.json()["token"])

    async def call(self, number: int) -> list[httpx.Response]:
        """Something of each neighbour's, one after the other."""
        network = {"X-Forwarded-For": f"2001:db8:{number:x}::1"}
        pair = self.pairs[number]
        bearer = {"Authorization": f"Bearer {pair['access_token']['token']}"}
        key = {"Idempotency-Key": "the same"}
        token = {"refresh_token": pair["refresh_token"]["token"]}
        letter = {"email": f"p{number}-{time.monotonic_ns()}@example.com"}
        answers = [
            await self.http.post("/me/login-info", json={}, headers=network | bearer),
            await self.http.post("/token/refresh", json=token, headers=network | key),
            await self.http.post("/email/code", json=letter, headers=network),
        ]
        if trip := await self._trip(number, network):
            answers.append(await self.http.post("/oauth/login", json=trip, headers=network))
        return answers

    async def call_at_once(self) -> list[str]:
        """The reasons that were given."""
        answers = await asyncio.gather(*(self.call(number) for number in range(CALLERS)))
        failed = [one for of_one in answers for one in of_one if one.is_error]
        return [one.json()["reason"] for one in failed]

    async def _trip(self, number: int, network: dict[str, str]) -> dict[str, str] | None:
        query = {"provider": "github"}
        answer = await self.http.get("/oauth/url", params=query, headers=network)
        if answer.is_error:
            return None
        person = Person(number + 1, f"p{number}", (Email(f"p{number}@example.com"),))
        self.github.welcome(person)
        return self.github.approve(answer.json()["url"])


@pytest.mark.parametrize("persistence", ["postgres"], indirect=True)
async def test_nothing_is_left_behind(
    tmp_path: Path, persistence: Persistence, redis_place: Redis
) -> None:
    async with house(tmp_path, persistence, redis_place) as (app, callers, cables):
        for whose, cable in cables.items():
            await suffer(callers, cable)  # what is made on first need is there from now on
            before = await at_rest(app, cables)
            reasons = await suffer(callers, cable)
            assert set(reasons) <= AWAY, whose
            after = await at_rest(app, cables, before)
            assert after.within(before), whose


async def suffer(callers: Callers, cable: Laid) -> list[str]:
    """All call while a neighbour says nothing for a while."""
    cable.do(Cable.deaden)
    calling = asyncio.create_task(callers.call_at_once())
    await asyncio.sleep(FAULT)
    cable.do(Cable.mend)
    return await calling


async def at_rest(app: App, cables: dict[str, Laid], before: Held | None = None) -> Held:
    """What is held once it no longer changes, or as soon as it is no more than before."""
    seen: list[Held] = []
    over = time.monotonic() + BACK
    while time.monotonic() < over:
        seen.append(held(app, cables))
        if seen[-1].within(before) if before else seen[-STILL:].count(seen[-1]) == STILL:
            break
        await asyncio.sleep(0.05)
    return seen[-1]


def held(app: App, cables: dict[str, Laid]) -> Held:
    gc.collect()
    open_now = {name: laid.cable.connections for name, laid in cables.items()}
    pooled = ENDS * (open_now["database"] + open_now["redis"])
    return Held(
        tasks=len(asyncio.all_tasks()),
        lent=app.database.occupancy.used,
        connections=open_now["smtp"] + open_now["provider"],
        descriptors=len(list(Path("/proc/self/fd").iterdir())) - pooled,
    )


@asynccontextmanager
async def house(
    folder: Path, place: Persistence, store: Redis
) -> AsyncIterator[tuple[App, Callers, dict[str, Laid]]]:
    """One process that reaches all its neighbours by cables, and people with sessions in it."""
    async with AsyncExitStack() as opened:
        github = GitHub()
        site = opened.enter_context(open_site(github))
        post = opened.enter_context(open_post_office())
        cables = lay(opened, place, store, post, site)
        said = around_by(cables, neighbours(site, post, github))
        file = write_settings(folder, *stores_by(cables, place, store), said)
        await asyncio.to_thread(prepare, file, place)
        loaded = load(file, {})
        app = await build(loaded, swapped=Swapped(transport=wire()))
        opened.push_async_callback(app.close)
        url = await opened.enter_async_context(door_of(app))
        http = await opened.enter_async_context(client(url))
        callers = Callers(http, github, [])
        for number in range(CALLERS):
            await callers.arrive(number)
        yield app, callers, cables


def client(url: str) -> httpx.AsyncClient:
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncClient(base_url=url, timeout=15, verify=certificates(), limits=limits)
