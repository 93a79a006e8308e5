"""Serving the REST door on a socket: open, say when ready, drain, close."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from sanic.http import Stage
from sanic.models.server_types import Signal

from identra.http.app import Door, begin, close, make
from identra.http.gate import Bounds, FrontGate

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from sanic.server.protocols.http_protocol import HttpProtocol

    from identra.app import App

LONGEST_DRAIN = 10.0
LONGEST_KNOCK = 1.0
"""Seconds that a connection may take to its first byte, once the door is closed behind it."""
BOUNDS = Bounds()
OPERATORS = Bounds(connections=256, of_one=128)
"""What the operators' door takes where it has a port of its own: their programs are few."""
_LOOK_EVERY = 0.02


@asynccontextmanager
async def serving(
    app: App, listening: socket.socket, *, bounds: Bounds = BOUNDS, apart: bool = False
) -> AsyncIterator[Door]:
    """Serve the hall on a listening socket until the block is left, then drain and close.

    Draining: `/readyz` answers 503 and connections end with their answer, while requests that
    have begun finish, within LONGEST_DRAIN seconds. Whoever came before the door was closed may
    still ask, within LONGEST_KNOCK. Connections are held to `bounds`. The hall itself stays open.
    `apart` is the door of operators alone.
    """
    door = make(app, bounds, apart=apart)
    server: Any = await door.create_server(
        sock=listening,
        protocol=FrontGate,
        access_log=False,
        asyncio_server_kwargs={"start_serving": False},
    )
    begin(door)
    await server.startup()
    await server.before_start()
    await server.start_serving()
    await server.after_start()
    try:
        yield door
    finally:
        await _drain(door, server, listening.dup())
        close(door)


def serving_operators(app: App, listening: socket.socket) -> AbstractAsyncContextManager[Door]:
    """Serve the operators' door in the same way, where it has a port of its own."""
    return serving(app, listening, bounds=OPERATORS, apart=True)


async def _drain(door: Door, server: Any, listening: socket.socket) -> None:
    door.ctx.draining, door.config.KEEP_ALIVE = True, False
    begun = _busy(server.connections)
    for connection in begun:
        connection.http.keep_alive = False
    until = monotonic() + LONGEST_DRAIN
    await _finished(begun, until)
    await server.before_stop()
    server.server.close()
    await asyncio.sleep(_LOOK_EVERY)
    await _close(door, server, listening)
    await _heard(server.connections)
    await _finished(_busy(server.connections), until)
    for connection in list(server.connections):
        connection.close(timeout=0)
    await server.after_stop()


async def _close(door: Door, server: Any, listening: socket.socket) -> None:
    """Close the socket, and take in whoever still waited there: closing would break them off.

    The moment between the last who is taken and the closing is too short for another to come.
    """
    loop = asyncio.get_running_loop()
    waited = []
    listening.settimeout(0)
    with listening, suppress(BlockingIOError):
        while True:
            waited.append(listening.accept()[0])
    protocol = partial(FrontGate, loop=loop, app=door, connections=server.connections)
    for one in waited:
        one.settimeout(0)
        await loop.connect_accepted_socket(partial(protocol, signal=Signal()), one)


async def _finished(connections: set[HttpProtocol], until: float) -> None:
    while _busy(connections) and monotonic() < until:  # noqa: ASYNC110 - Sanic tells no event
        await asyncio.sleep(_LOOK_EVERY)


async def _heard(connections: set[Any]) -> None:
    """Give those who have just come, or just said something, LONGEST_KNOCK to be under way."""
    until = monotonic() + LONGEST_KNOCK
    while monotonic() < until and any(  # noqa: ASYNC110 - as above
        one.heard_at > until - 2 * LONGEST_KNOCK for one in connections - _busy(connections)
    ):
        await asyncio.sleep(_LOOK_EVERY)


def _busy(connections: set[HttpProtocol]) -> set[HttpProtocol]:
    """The connections with a request that has begun and not been answered."""
    return {c for c in connections if c.http is not None and c.http.stage is not Stage.IDLE}
