"""Running the service: a socket, the workers that share it, and what each of them does."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from identra import ports, systemd
from identra.errors import IdentraError, OperatorError
from identra.lasting import making
from identra.settings import SettingsError
from identra.workers import Alone, Workers

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from identra.app import App
    from identra.metrics.teller import Teller
    from identra.settings import Loaded
    from identra.workers import Word

ANSWER_EVERY: Final = 1.0
"""Seconds between the signs of life that a worker sends its parent."""


def serve(loaded: Loaded, *, dev: bool, workers: int, read_only: bool = False) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. `read_only` writes nothing.

    Raises, before any port is open: SettingsError for a port or a certificate that can't be had,
    OperatorError and StoreUnavailable for a database or keys that can't be used.
    """
    from identra import app, coredump, log, tracing

    log.configure(dev=dev)
    coredump.forbid()
    count = 1 if dev else workers
    told = systemd.supervisor(os.environ)
    with (
        _doors(loaded) as doors,
        _metrics(loaded, count) as beside,
    ):
        with making():
            _import_before_forking()
            _allow_files()
            demand_certificate(loaded)
            tracing.demand_library(loaded)
            asyncio.run(app.prepare(loaded, read_only=read_only))
        doors.listen(loaded)
        build = partial(app.build, loaded, dev=dev, read_only=read_only, metering=beside.pen)
        # Held open by the parent, the socket would keep callers waiting once no worker listens.
        house = Workers(partial(_work, build, doors, dev), doors.close, beside, told)
        return house.keep(count, partial(_greet, doors, dev, beside.url))


def _metrics(loaded: Loaded, workers: int) -> AbstractContextManager[Teller | Alone]:
    """Whoever tells metrics in the parent, listening already; without `[metrics]` nobody."""
    if loaded.tree.metrics is None:
        return nullcontext(Alone())
    from identra.metrics.teller import opened_teller

    return opened_teller(loaded, loaded.tree.metrics, workers)


@dataclass(frozen=True, slots=True)
class Doors:
    """The sockets of the doors: REST's, which listens, and the one that holds gRPC's port.

    `operators` is that of the operators' REST where it has a port of its own; it listens too.
    `operators_rpc` holds that of their gRPC.
    """

    rest: socket.socket
    rpc: socket.socket
    operators: socket.socket | None
    operators_rpc: socket.socket | None

    def listen(self, loaded: Loaded) -> None:
        """Take connections from now on. Raises SettingsError."""
        ports.listen(loaded, ports.rest(loaded.tree), self.rest)
        place = ports.operators(loaded.tree)
        if place and self.operators:
            ports.listen(loaded, place, self.operators)

    def close(self) -> None:
        """Take no more connections in this process."""
        self.rest.close()
        if self.operators:
            self.operators.close()


@contextmanager
def _doors(loaded: Loaded) -> Iterator[Doors]:
    """The ports of all doors. Raises SettingsError for one that can't be had."""
    tree = loaded.tree
    place, rpc_place = ports.operators(tree), ports.operators_rpc(tree)
    with (
        ports.bind(loaded, ports.rest(tree)) as rest,
        ports.reserve(loaded, ports.rpc(tree)) as rpc,
        ports.bind(loaded, place) if place else nullcontext() as operators,
        ports.reserve(loaded, rpc_place) if rpc_place else nullcontext() as operators_rpc,
    ):
        yield Doors(rest, rpc, operators, operators_rpc)


def _greet(
    doors: Doors,
    dev: bool,  # noqa: FBT001 - bound by partial
    metrics: str,
) -> None:
    url = f"http://{ports.callable_at(doors.rest)}"
    print(f"Identra is ready at {url}", flush=True)  # noqa: T201 - what the command answers
    print(f"  gRPC         {ports.callable_at(doors.rpc)}", flush=True)  # noqa: T201 - as above
    if metrics:
        print(f"  metrics      {metrics}", flush=True)  # noqa: T201 - as above
    if doors.operators:
        told = f"http://{ports.callable_at(doors.operators)}/admin"
        print(f"  operators    {told}", flush=True)  # noqa: T201 - as above
    if doors.operators_rpc:
        told = ports.callable_at(doors.operators_rpc)
        print(f"  operators    {told} (gRPC)", flush=True)  # noqa: T201 - as above
    if dev:
        body = '{"email":"me@example.com","password":"correct horse battery"}'
        curl = f"curl -H 'Content-Type: application/json' -d '{body}' {url}/password/register"
        told = f"  first token  {curl}\n  mails        here, and at {url}/dev/outbox"
        print(f"{told}\n  reference    {url}/docs", flush=True)  # noqa: T201 - as above


def _allow_files() -> None:
    from identra.http.gate import Bounds, allow_files

    allow_files(Bounds())


def _import_before_forking() -> None:
    """Import what every worker needs once: they share its memory and start at once."""
    # Its lines are no JSON; what matters of them comes back as errors.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    import identra.grpc.server
    import identra.http.server
    import identra.watchdog  # noqa: F401 - for its import alone


def demand_certificate(loaded: Loaded) -> None:
    """Raise SettingsError, naming the key, unless gRPC's TLS files can be used."""
    from identra.grpc import tls

    try:
        tls.read(loaded.tree.grpc)
    except tls.UnusableFile as fault:
        file = f"{loaded.file}: " if loaded.file else ""
        raise SettingsError(f"{file}{fault.key}: {fault.says}") from None


def _work(
    build: Callable[[], Awaitable[App]],
    doors: Doors,
    dev: bool,  # noqa: FBT001 - bound by partial
    lifeline: int,
    word: Word,
) -> int:
    """What a worker does; its exit code."""
    import uvloop

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_open_doors(build, doors, lifeline, word, dev=dev))
    except (IdentraError, OperatorError, SettingsError) as error:
        structlog.get_logger("identra").error("worker failed", says=str(error))
        return 1
    except Exception:  # noqa: BLE001 - the last door of the process
        structlog.get_logger("identra").exception("worker failed")
        return 1
    return 0


async def _open_doors(
    build: Callable[[], Awaitable[App]],
    doors: Doors,
    lifeline: int,
    word: Word,
    *,
    dev: bool,
) -> None:
    """Open the hall and its doors, and close them when told, or when the parent is gone."""
    from identra.watchdog import watching

    stop = _stop_event(lifeline)
    with making():
        hall = await build()
    try:
        with nullcontext() if dev else watching():  # a breakpoint is no fault
            await _keep_open(hall, doors, stop, word)
    finally:
        await hall.close()


async def _keep_open(hall: App, doors: Doors, stop: asyncio.Event, word: Word) -> None:
    """All doors, until told to stop; then they drain at the same time."""
    keeping = list(_kept(hall, doors))
    opened = asyncio.Barrier(len(keeping) + 1)

    async def keep(door: AbstractAsyncContextManager[object]) -> None:
        async with door:
            await opened.wait()
            await stop.wait()

    async with asyncio.TaskGroup() as group:
        for door in keeping:
            group.create_task(keep(door))
        with making():
            await opened.wait()
        word.ready()
        await _keep_answering(word, stop)


def _kept(hall: App, doors: Doors) -> Iterator[AbstractAsyncContextManager[object]]:
    import identra.grpc.server
    import identra.http.server

    yield identra.http.server.serving(hall, doors.rest)
    yield identra.grpc.server.serving(hall, ports.address_of(doors.rpc))
    if doors.operators:
        yield identra.http.server.serving_operators(hall, doors.operators)
    if doors.operators_rpc:
        place = ports.address_of(doors.operators_rpc)
        yield identra.grpc.server.serving_operators(hall, place)


async def _keep_answering(word: Word, stop: asyncio.Event) -> None:
    """Sent by the loop that answers requests: none is sent while that is held up."""
    while not stop.is_set():
        word.answers()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), ANSWER_EVERY)


def _stop_event(lifeline: int) -> asyncio.Event:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def orphaned() -> None:
        loop.remove_reader(lifeline)
        stop.set()

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(lifeline, orphaned)
    return stop
