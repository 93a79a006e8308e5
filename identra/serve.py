"""Running the service: a socket, the workers that share it, and what each of them does."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

import structlog

from identra.errors import IdentraError, OperatorError
from identra.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractContextManager

    from identra.app import App
    from identra.metrics.teller import Teller
    from identra.settings import Loaded
    from identra.workers import Alone

BACKLOG = 1024


def serve(loaded: Loaded, *, dev: bool, workers: int, read_only: bool = False) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. `read_only` writes nothing.

    Raises, before any port is open: SettingsError for a port that can't be had, OperatorError
    and StoreUnavailable for a database or keys that can't be used.
    """
    from identra import app, coredump, log
    from identra.workers import Workers

    log.configure(dev=dev)
    coredump.forbid()
    count = 1 if dev else workers
    with bind(loaded) as listening, _metrics(loaded, count) as beside:
        asyncio.run(app.prepare(loaded, read_only=read_only))
        _listen(loaded, listening)
        _import_before_forking()
        build = partial(app.build, loaded, dev=dev, read_only=read_only, metering=beside.pen)
        # Held open by the parent, the socket would keep callers waiting once no worker listens.
        house = Workers(partial(_work, build, listening, dev), listening.close, beside)
        return house.keep(count, partial(_greet, base_url(listening), dev, beside.url))


def _metrics(loaded: Loaded, workers: int) -> AbstractContextManager[Teller | Alone]:
    """Whoever tells metrics in the parent, listening already; without `[metrics]` nobody."""
    from identra.workers import Alone

    if loaded.tree.metrics is None:
        return nullcontext(Alone())
    from identra.metrics.teller import opened_teller

    return opened_teller(loaded, loaded.tree.metrics, workers)


def bind(loaded: Loaded) -> socket.socket:
    """The socket of `http_host` and `http_port`, not listening yet. Raises SettingsError."""
    tree = loaded.tree
    try:
        found = socket.getaddrinfo(tree.http_host, tree.http_port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        raise _taken(loaded, error) from None
    return listening


def base_url(listening: socket.socket) -> str:
    """Where the service answers on this machine."""
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _listen(loaded: Loaded, listening: socket.socket) -> None:
    try:
        listening.listen(BACKLOG)
    except OSError as error:
        raise _taken(loaded, error) from None


def _taken(loaded: Loaded, error: OSError) -> SettingsError:
    file = f"{loaded.file}: " if loaded.file else ""
    where = f"{loaded.tree.http_host} port {loaded.tree.http_port}"
    return SettingsError(f"{file}http_port: can't listen on {where}: {error.strerror or error}")


def _greet(url: str, dev: bool, metrics: str) -> None:  # noqa: FBT001 - bound by partial
    print(f"Identra is ready at {url}", flush=True)  # noqa: T201 - what the command answers
    if metrics:
        print(f"  metrics      {metrics}", flush=True)  # noqa: T201 - as above
    if dev:
        body = '{"email":"me@example.com","password":"correct horse battery"}'
        curl = f"curl -H 'Content-Type: application/json' -d '{body}' {url}/password/register"
        told = f"  first token  {curl}\n  mails        here, and at {url}/dev/outbox"
        print(f"{told}\n  reference    {url}/docs", flush=True)  # noqa: T201 - as above


def _import_before_forking() -> None:
    """Import what every worker needs once: they share its memory and start at once."""
    import identra.http.server
    import identra.watchdog  # noqa: F401 - for its import alone


def _work(
    build: Callable[[], Awaitable[App]],
    listening: socket.socket,
    dev: bool,  # noqa: FBT001 - bound by partial
    lifeline: int,
    ready: Callable[[], None],
) -> int:
    """What a worker does; its exit code."""
    import uvloop

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_open_doors(build, listening, lifeline, ready, dev=dev))
    except (IdentraError, OperatorError, SettingsError) as error:
        structlog.get_logger("identra").error("worker failed", says=str(error))
        return 1
    except Exception:  # noqa: BLE001 - the last door of the process
        structlog.get_logger("identra").exception("worker failed")
        return 1
    return 0


async def _open_doors(
    build: Callable[[], Awaitable[App]],
    listening: socket.socket,
    lifeline: int,
    ready: Callable[[], None],
    *,
    dev: bool,
) -> None:
    """Open the hall and its doors, and close them when told, or when the parent is gone."""
    from identra.http.server import serving
    from identra.watchdog import watching

    stop = _stop_event(lifeline)
    hall = await build()
    try:
        with nullcontext() if dev else watching():  # a breakpoint is no fault
            async with serving(hall, listening):
                ready()
                await stop.wait()
    finally:
        await hall.close()


def _stop_event(lifeline: int) -> asyncio.Event:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def orphaned() -> None:
        loop.remove_reader(lifeline)
        stop.set()

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(lifeline, orphaned)
    return stop
