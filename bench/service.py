"""Identra itself, as an operator starts it, with settings fit for being measured."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import homes

from bench.served import environment, identra, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.served import Served
    from bench.stores import Store
    from identra.settings import Persistence, Redis

SECTIONS: homes.Sections = {
    "": {"http_port": 0},
    # Without a grace every refresh advances: with it, the 17th in 30 s is answered from the row.
    "auth": {"refresh_grace": "0s", "access_token_expiration": "1h"},
    "password": {"registration": "immediate"},
    # Callers come through a proxy, each from an address of its own, and are counted as they are;
    # whoever names none is a backend of ours.
    "http": {"trusted_proxies": ["127.0.0.0/8"]},
    "limits": {"trusted_callers": ["127.0.0.0/8"]},
    # Nobody sweeps in the midst of a turn.
    "housekeeping": {"in_server": False},
}


@contextmanager
def serving(
    store: Store,
    folder: Path,
    *,
    workers: int,
    algorithm: str,
    more: homes.Sections | None = None,
) -> Iterator[tuple[Served, Persistence]]:
    """`identra serve` on a new database of the store, with `more` settings."""
    with store.fresh(folder) as place:
        file = write_settings(folder, place, store.redis, algorithm, more)
        if place.driver != "sqlite":
            settle(file)
        command = identra("serve", "--config", str(file), "--workers", str(workers))
        with served(command, folder / "log") as service:
            yield service, place


def write_settings(
    folder: Path,
    place: Persistence,
    redis: Redis | None = None,
    algorithm: str = "RS256",
    more: homes.Sections | None = None,
) -> Path:
    """The settings' file of a service to be measured."""
    said = SECTIONS | {"keys": {"algorithm": algorithm}} | (more or {})
    return homes.write_settings(folder, place, redis, said)


def settle(file: Path) -> None:
    """Make the tables and the first keys."""
    for words in (["migrate"], ["keys", "init"]):
        _run(identra(*words, "--config", str(file)))


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr}")
