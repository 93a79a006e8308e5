"""One setting: a store and so many workers, measured from start to end."""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from bench import people, storm, table
from bench.rounds import compare
from bench.served import served
from bench.service import serving
from bench.subjects import CONNECTIONS, JWKS, ONE_SELECT, SIGNATURES, Scene, subjects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.served import Memory, Served
    from bench.stores import Store
    from bench.table import Table
    from identra.settings import Persistence

PEOPLE = 4 * CONNECTIONS + storm.KNOWN
"""Whoever is named in a scene has a session that nobody else uses."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is measured and how long: rounds of turns, seconds a turn; `only` names subjects."""

    workers: int
    rounds: int
    seconds: float
    algorithm: str = "RS256"
    only: str = ""


def measure(store: Store, setting: Setting) -> Iterator[Table]:
    """Every table of a setting, as soon as it is known."""
    title = f"{store.name}, {setting.workers} worker{'s' * (setting.workers > 1)}"
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="identra-bench-")))
        service, place = opened.enter_context(
            serving(store, home, workers=setting.workers, algorithm=setting.algorithm)
        )
        crowd = people.register(service.url, PEOPLE)
        log = home / "log"
        bare, constant = (
            opened.enter_context(served(command, log))
            for command in (_bare("sanic", setting.workers), _bare("bytes", 1))
        )
        selecting = None
        if place.driver == "postgres":
            command = _bare("select", setting.workers, _place(place))
            selecting = opened.enter_context(served(command, log))
        idle = _memory(service, bare)
        scene = Scene(
            generator=opened.enter_context(ProcessPoolExecutor(2, get_context("spawn"))),
            service=service,
            bare=bare,
            constant=constant,
            selecting=selecting,
            people=crowd,
            place=place,
            workers=setting.workers,
            etag=httpx.get(service.url + JWKS).headers["etag"],
        )
        yield from _measure(scene, setting, title)
        after = _memory(service, bare)
        held = {name: (idle[name], after[name]) for name in idle}
        yield table.memory(f"{title}: memory in MiB", held)


def _measure(scene: Scene, setting: Setting, title: str) -> Iterator[Table]:
    rounds, seconds = setting.rounds, setting.seconds
    chosen = [pair for pair in subjects(scene) if setting.only in pair[0].name]
    if chosen:
        compared = [compare(s, floors, rounds=rounds, seconds=seconds) for s, floors in chosen]
        for each in compared:
            for signature in SIGNATURES:
                each.add_up(ONE_SELECT, signature)
        yield table.routes(title, compared)
    if setting.only in {"", "storm"}:
        found = storm.compare(scene, rounds=rounds, seconds=seconds)
        yield table.weather(f"{title}: beside a storm of logins", found)
        yield table.storm(f"{title}: the storm", found)


def _bare(kind: str, workers: int, *more: str) -> list[str]:
    return [sys.executable, "-m", "bench.bare", kind, str(workers), *more]


def _place(place: Persistence) -> str:
    """Where the database is, without the password: the tests' servers ask nobody for one."""
    return place.model_dump_json(exclude={"password"}, exclude_none=True, exclude_unset=True)


def _memory(service: Served, bare: Served) -> dict[str, list[Memory]]:
    return {"Identra": service.memory(), "bare Sanic": bare.memory()}
