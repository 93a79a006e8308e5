"""Serving the gRPC door on a port: open, drain, close."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import structlog

from identra.grpc import health as health_of
from identra.grpc import tls
from identra.grpc.answering import WHOLE_CALL, Answering
from identra.grpc.call import LONGEST_METADATA
from identra.grpc.core import make_server
from identra.grpc.health import Health
from identra.grpc.messages import LONGEST_MESSAGE
from identra.grpc.services import operators, shared

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from contextlib import AbstractAsyncContextManager

    import grpc.aio

    from identra.app import App
    from identra.grpc.services import Service

LONGEST_DRAIN: Final = 10.0
"""Seconds that calls which have begun may take to finish."""

LAME: Final = 1.0
"""Seconds between telling callers to go elsewhere and refusing them, where there are callers."""

RECENTLY: Final = 60.0
"""Seconds for which somebody who called counts as a caller."""

STREAMS: Final = 100
"""Calls at once on one connection."""

HANDSHAKE: Final = 10
IDLE_CONNECTION: Final = 5 * 60
OLDEST_CONNECTION: Final = 30 * 60
KEEPALIVE: Final = (60, 20)
"""Seconds of silence until a connection is probed, and until a probe must be answered."""

SHORTEST_PING: Final = 10
"""Seconds that a client's own probes must be apart."""

_TOLD: Final = 4
"""So many times our own bounds may arrive: what is between is refused with its reason."""

_OPTIONS: Final[tuple[tuple[str, int], ...]] = (
    ("grpc.so_reuseport", 1),
    ("grpc.max_receive_message_length", _TOLD * LONGEST_MESSAGE),
    ("grpc.max_metadata_size", _TOLD * LONGEST_METADATA),
    ("grpc.absolute_max_metadata_size", _TOLD * LONGEST_METADATA),
    # A small message can be a large one compressed.
    ("grpc.compression_enabled_algorithms_bitset", 1),
    ("grpc.max_concurrent_streams", STREAMS),
    ("grpc.server_handshake_timeout_ms", HANDSHAKE * 1000),
    ("grpc.max_connection_idle_ms", IDLE_CONNECTION * 1000),
    # Connections stay with the process that took them: their end spreads them again.
    ("grpc.max_connection_age_ms", OLDEST_CONNECTION * 1000),
    ("grpc.max_connection_age_grace_ms", int(WHOLE_CALL) * 1000),
    ("grpc.keepalive_time_ms", KEEPALIVE[0] * 1000),
    ("grpc.keepalive_timeout_ms", KEEPALIVE[1] * 1000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", SHORTEST_PING * 1000),
)


@asynccontextmanager
async def serving(
    app: App,
    address: str,
    services: Callable[[App], tuple[Service, ...]] = shared,
    *,
    whole_call: float = WHOLE_CALL,
    lame: float = LAME,
) -> AsyncIterator[int]:
    """Serve the hall at `HOST:PORT` until the block is left, then drain and close; the port.

    Other processes may serve at the same port. Draining: health says NOT_SERVING and watchers are
    told; `lame` seconds later, where anybody calls, no call is taken any more, while those that
    have begun finish, within LONGEST_DRAIN seconds.
    Raises OSError for an address that can't be had, UnusableFile for a certificate.
    """
    answering = Answering(app, services(app), whole_call=whole_call)
    health = Health(app, answering.handlers)
    server = make_server(_OPTIONS, answering.refuse)
    server.add_registered_method_handlers(health_of.SERVICE.full_name, health.handlers)
    for name, handlers in answering.handlers.items():
        server.add_registered_method_handlers(name, handlers)
    if app.settings.grpc.reflection:
        _reflect(server, answering.handlers)
    port = _open(server, app, address)
    await server.start()
    leaving = asyncio.Event()
    watched = asyncio.create_task(_end_with(server, leaving))
    try:
        yield port
    finally:
        leaving.set()
        await _drain(server, health, answering, lame)
        await watched


def serving_operators(app: App, address: str) -> AbstractAsyncContextManager[int]:
    """Serve what is for operators in the same way, where it has a port of its own."""
    return serving(app, address, operators)


async def _end_with(server: grpc.aio.Server, leaving: asyncio.Event) -> None:
    """Have the worker replaced if the library's server ends by itself.

    Cancelled, the library's waiting would cancel what its stopping waits for.
    """
    with suppress(Exception):
        await server.wait_for_termination()
    if not leaving.is_set():
        structlog.get_logger("identra.grpc").error("gRPC ended")
        signal.raise_signal(signal.SIGTERM)


def _open(server: grpc.aio.Server, app: App, address: str) -> int:
    secret = tls.credentials(app.settings.grpc)
    try:
        if secret is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, secret)
    except RuntimeError as error:
        raise OSError(f"can't listen on {address}") from error


async def _drain(
    server: grpc.aio.Server, health: Health, answering: Answering, lame: float
) -> None:
    called = max(answering.last_began or 0.0, health.last_asked or 0.0)
    if not called or asyncio.get_running_loop().time() - called > RECENTLY:
        lame = 0
    async with asyncio.TaskGroup() as both:
        both.create_task(health.drain(LAME))
        both.create_task(asyncio.sleep(lame))
    await answering.leave(lame)
    await server.stop(LONGEST_DRAIN)


def _reflect(server: Any, services: Iterable[str]) -> None:
    """Let clients ask which methods there are."""
    from grpc_reflection.v1alpha import reflection

    names = (*services, health_of.SERVICE.full_name, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
