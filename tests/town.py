"""A running service among its neighbours: a database, perhaps Redis, a post office, GitHub."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import running
import spoken
from homes import write_settings
from piccolo.querystring import QueryString
from postbox import PostOffice, open_post_office
from standin.github import GitHub
from standin.sites import open_site

from identra.app.preparing import make_first_keys
from identra.db import open_database
from identra.db.migrations import migrate
from identra.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from homes import Sections
    from standin.sites import Site

    from identra.settings import Persistence, Redis

WORKERS = 2


@dataclass(repr=False)
class Town:
    """The service, which runs as two workers, and those it deals with."""

    file: Path
    place: Persistence
    post: PostOffice
    github: GitHub
    _standing: ExitStack = field(default_factory=ExitStack)
    _service: running.Running | None = None

    @property
    def service(self) -> running.Running:
        """What runs now."""
        assert self._service is not None
        return self._service

    def start(self) -> None:
        """Start it, at an address that it chooses anew."""
        started = running.started(self.file, "--workers", str(WORKERS))
        self._service = self._standing.enter_context(started)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._standing.close()

    def kill(self) -> None:
        """End every process of it at once, without asking."""
        os.killpg(self.service.process.pid, signal.SIGKILL)
        self._standing.close()

    def rows(self, sql: str, *arguments: Any) -> list[dict[str, Any]]:
        """Ask the service's database, past the service; `{}` stands for an argument."""
        return asyncio.run(rows_of(self.place, sql, arguments))

    def count(self, table: str, where: str = "1 = 1", *arguments: Any) -> int:
        """How many rows of `identra_TABLE` there are."""
        asked = f"SELECT COUNT(*) AS found FROM identra_{table} WHERE {where}"  # noqa: S608 - a test's own words
        return int(self.rows(asked, *arguments)[0]["found"])


_NETWORKS = count(1)


@contextmanager
def open_town(
    folder: Path, place: Persistence, store: Redis | None = None, sections: Sections | None = None
) -> Iterator[Town]:
    """Build it on an empty database, as an operator would, and start it."""
    github = GitHub()
    with open_site(github) as site, open_post_office() as post:
        said = neighbours(site, post, github) | (sections or {})
        town = Town(write_settings(folder, place, store, said), place, post, github)
        settle(town.file, place)
        try:
            town.start()
            yield town
        finally:
            town.stop()


def settle(file: Path, place: Persistence) -> None:
    """Tables and keys, where the start does not make them by itself."""
    if place.driver != "sqlite":
        running.command(file, "migrate")
        running.command(file, "keys", "init")


def prepare(file: Path, place: Persistence) -> None:
    """The same for any database, within this process: quicker, and no operator's way."""
    asyncio.run(_prepare(file, place))


async def _prepare(file: Path, place: Persistence) -> None:
    db = await open_database(place)
    try:
        await migrate(db)
        await make_first_keys(load(file, {}), db)
    finally:
        await db.close()


def neighbours(site: Site, post: PostOffice, github: GitHub) -> Sections:
    """What the settings say of those around; nobody sweeps, lest `Turns` stop a sweep midway."""
    return {
        "": {"http_port": 0},
        "http": {"trusted_proxies": ["127.0.0.0/8"]},
        "housekeeping": {"in_server": False},
        "smtp_mailer": {
            "host": "127.0.0.1",
            "port": post.box.port,
            "from": "noreply@example.com",
            "tls": "none",
        },
        "providers.github": {
            "client_id": github.client_id,
            "client_secret": github.client_secret,
            "redirect_url": github.callback,
            "base_url": site.base_url,
            "api_url": site.api_url,
        },
    }


@contextmanager
def one_answers(service: running.Running, worker: int) -> Iterator[None]:
    """Let one worker alone take what comes meanwhile: the others stand still."""
    others = [pid for pid in service.workers() if pid != worker]
    for pid in others:
        _freeze(pid)
    try:
        yield
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


def _freeze(pid: int) -> None:
    """Stop a process where it holds no file's lock: what it writes by itself is not cut in two."""
    os.kill(pid, signal.SIGSTOP)
    while _locks(pid):
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.002)
        os.kill(pid, signal.SIGSTOP)


def _locks(pid: int) -> bool:
    """Whether it may write to a file that others may not write to meanwhile, as far as is told."""
    told = Path("/proc/locks")
    lines = [line.split() for line in told.read_text().splitlines()] if told.exists() else []
    return any("WRITE" in line and str(pid) in line for line in lines)


class Turns(httpx.BaseTransport):
    """Sends each request to the next worker in turn, so that nothing one keeps to itself helps."""

    def __init__(self, service: running.Running) -> None:
        self._service = service
        self._turns = cycle(service.workers())
        self._wire = httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with one_answers(self._service, next(self._turns)):
            response = self._wire.handle_request(request)
            response.read()
        return response

    def close(self) -> None:
        self._wire.close()


@contextmanager
def client(service: running.Running, prefix: str = "") -> Iterator[httpx.Client]:
    """Asks the workers in turn, from a network of its own; each answer is held to the document."""
    with spoken.client(service.url, transport=Turns(service)) as made:
        made.base_url = httpx.URL(service.url + prefix)
        made.headers.update(_from_elsewhere())
        yield made


def _from_elsewhere() -> dict[str, str]:
    """A network of its own, so that nobody is counted with others."""
    return {"X-Forwarded-For": f"2001:db8:{next(_NETWORKS):x}::1"}


def at_once(
    services: Sequence[running.Running], requests: list[tuple[str, dict[str, str]]]
) -> list[httpx.Response]:
    """Post all of these in the same moment, to every worker of every node by turns.

    Each answer is held against the document.
    """
    return asyncio.run(_at_once(services, requests, spoken.document(services[0].url)))


async def _at_once(
    services: Sequence[running.Running],
    requests: list[tuple[str, dict[str, str]]],
    said: dict[str, Any],
) -> list[httpx.Response]:
    seats = [(service, worker) for service in services for worker in service.workers()]
    async with AsyncExitStack() as opened:
        clients = [
            await opened.enter_async_context(spoken.async_client(service.url, said))
            for service, _ in seats
        ]
        for (service, worker), one in zip(seats, clients, strict=True):
            await _connect(service, worker, one, -(-len(requests) // len(seats)))
        return await asyncio.gather(
            *(
                clients[number % len(clients)].post(path, json=body, headers=_from_elsewhere())
                for number, (path, body) in enumerate(requests)
            )
        )


async def _connect(
    service: running.Running, worker: int, client: httpx.AsyncClient, connections: int
) -> None:
    """Open connections to this one worker; the client keeps them."""
    with one_answers(service, worker):
        await asyncio.gather(*(client.get("/healthz") for _ in range(connections)))


async def rows_of(place: Persistence, sql: str, arguments: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Ask a database; `{}` stands for an argument."""
    db = await open_database(place)
    try:
        return await db.fetch(QueryString(sql, *arguments))
    finally:
        await db.close()
