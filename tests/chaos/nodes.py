"""Two nodes behind a proxy, and cables to all that they need, which a test can cut."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import running
from chaos.asking import opened
from chaos.cabling import around_by, lay, stores_by
from chaos.nginx import open_front
from homes import write_settings
from machines import free_port
from postbox import open_post_office
from standin.github import GitHub
from standin.sites import open_site
from town import WORKERS, neighbours, prepare, rows_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from cable import Laid
    from chaos.asking import Doors
    from chaos.ledger import Ledger
    from chaos.nginx import Front
    from homes import Sections
    from postbox import PostOffice
    from standin.github import Person

    from identra.settings import Persistence, Redis

HOSTS = ("127.0.0.11", "127.0.0.12")
CODE = re.compile(r"\b[0-9]{6}\b")
STRICT: Sections = {
    "auth": {"refresh_grace": "0s", "access_token_expiration": "12h"},
    "keys": {"algorithm": "ES256"},
}
"""Without grace a refresh token is either current, or spent by the very key that is shown again."""


@dataclass(repr=False)
class Nodes:
    """The service as two nodes of two workers. `cables` lead to what is not on their own disk."""

    place: Persistence
    files: list[Path]
    cables: dict[str, Laid]
    post: PostOffice
    github: GitHub
    make_doors: Callable[[Ledger], Doors]
    front: Front
    name: str = field(default_factory=lambda: uuid4().hex[:8])
    running: dict[int, tuple[ExitStack, running.Running]] = field(default_factory=dict)
    _browser: threading.Lock = field(default_factory=threading.Lock)

    def start(self, number: int) -> None:
        """Start a node where it stood before."""
        standing = ExitStack()
        service = standing.enter_context(
            running.started(self.files[number], "--workers", str(WORKERS))
        )
        self.running[number] = (standing, service)

    def stop(self, number: int) -> None:
        """Ask a node to end, and wait."""
        standing, _ = self.running.pop(number)
        standing.close()

    def workers(self) -> list[int]:
        """The process ids of all that answer."""
        return [pid for _, service in self.running.values() for pid in service.workers()]

    def kill_one(self, chance: random.Random) -> bool:
        """End a worker of either node, without asking; whether there was one."""
        workers = self.workers()
        if workers:
            os.kill(chance.choice(workers), signal.SIGKILL)
        return bool(workers)

    def approve(self, account: Person, url: str) -> dict[str, str]:
        """What GitHub's redirect brings when this person says yes; one browser at a time."""
        with self._browser:
            self.github.welcome(account)
            return self.github.approve(url)

    def code_after(self, address: str, letters: int, seconds: float) -> str | None:
        """The code in the first letter that has one, after so many; None if none comes."""
        box = self.post.box
        while True:
            waiting = box.wait_for(address, count=letters + 1, seconds=seconds)
            try:
                letter = asyncio.run_coroutine_threadsafe(waiting, self.post.loop).result()
            except TimeoutError:
                return None
            if found := CODE.search(letter.text):
                return found[0]
            letters += 1

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Ask the database, past nodes and cables."""
        return asyncio.run(rows_of(self.place, sql, ()))


@contextmanager
def open_nodes(folder: Path, place: Persistence, store: Redis | None = None) -> Iterator[Nodes]:
    """Build both on an empty database, and start them."""
    with ExitStack() as opening:
        github = GitHub()
        site = opening.enter_context(open_site(github))
        post = opening.enter_context(open_post_office())
        cables = lay(opening, place, store, post, site)
        rest, grpc = free_port(), free_port()
        front = opening.enter_context(open_front(HOSTS, rest, grpc, folder))
        stores = stores_by(cables, place, store)
        around = around_by(cables, neighbours(site, post, github))
        files = [_settings(folder, host, (rest, grpc), stores, around) for host in HOSTS]
        doors = opening.enter_context(opened(front.url, front.place, front.trust, front.context()))
        nodes = Nodes(place, files, cables, post, github, doors, front)
        prepare(files[0], place)
        try:
            _all_at_once(nodes.start, range(len(HOSTS)))
            yield nodes
        finally:
            _all_at_once(nodes.stop, list(nodes.running))


def _all_at_once(act: Callable[[int], None], numbers: Iterable[int]) -> None:
    with ThreadPoolExecutor() as hands:
        list(hands.map(act, numbers))


def _settings(
    folder: Path,
    host: str,
    ports: tuple[int, int],
    stores: tuple[Persistence, Redis | None],
    around: Sections,
) -> Path:
    """The settings file of one node."""
    own: Sections = {
        "": {"http_host": host, "http_port": ports[0], "grpc_host": host, "grpc_port": ports[1]},
        "keys": STRICT["keys"] | {"master_key_files": [str(folder / "master.key")]},
        "auth": STRICT["auth"],
    }
    (folder / host).mkdir()
    return write_settings(folder / host, *stores, sections=around | own)
