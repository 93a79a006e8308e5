"""What counting costs: the same service with metrics, scraped by turns, and without."""

from __future__ import annotations

import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from bench import people, table
from bench.callers import Refreshing, Repeating, get
from bench.rounds import Contestant, Driven, compare
from bench.service import serving
from bench.subjects import CONNECTIONS, login_info

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.callers import Caller
    from bench.setting import Setting
    from bench.stores import Store
    from bench.table import Table

METRICS = {"metrics": {"port": 0}}


def measure(store: Store, setting: Setting) -> Iterator[Table]:
    """Each of a few routes with metrics, on the floor of the same without."""
    with ExitStack() as opened:
        generator = opened.enter_context(ProcessPoolExecutor(2, get_context("spawn")))
        services = []
        for more in (METRICS, {}):
            home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="identra-bench-")))
            started = serving(
                store, home, workers=setting.workers, algorithm=setting.algorithm, more=more
            )
            services.append(opened.enter_context(started)[0])
        asking = [_callers(people.register(service.url, CONNECTIONS)) for service in services]
        compared = []
        for name in asking[0]:
            metered, bare = (
                Contestant(said, Driven(generator, service, callers[name]))
                for said, service, callers in zip(
                    (name, f"{name} without"), services, asking, strict=True
                )
            )
            turns = {"rounds": setting.rounds, "seconds": setting.seconds}
            compared.append(compare(metered, (bare,), **turns))
        workers = f"{setting.workers} worker{'s' * (setting.workers > 1)}"
        yield table.routes(f"{store.name}, {workers}: metrics", compared)


def _callers(registered: list[people.Person]) -> dict[str, list[Caller]]:
    return {
        "GET /healthz": [Repeating(get("/healthz"))] * CONNECTIONS,
        "POST /me/login-info": [login_info(person) for person in registered],
        "POST /token/refresh": [Refreshing(p.refresh_token, p.peer) for p in registered],
    }
