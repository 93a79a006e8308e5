"""Servers to be a floor: `python -m bench.bare sanic WORKERS`, or `bytes` for no HTTP at all.

`select WORKERS PLACE` answers after one select by primary key, with Piccolo's own engine for
PostgreSQL at that place (settings of `[persistence]` as JSON). They run on the same event loop, in
workers that are forked and share one socket as Identra's do.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import uvloop
from sanic import Sanic
from sanic.config import Config
from sanic.response import HTTPResponse, json

from identra.workers import Word, Workers

if TYPE_CHECKING:
    from sanic import Request

CONSTANT = {"status": "ok"}
BODY = b'{"status":"ok"}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)


def main() -> int:
    """Serve until told to end."""
    kind, workers, *place = sys.argv[1:]
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    open_server = {"sanic": _sanic, "bytes": _bytes, "select": partial(_selecting, *place)}[kind]
    house = Workers(partial(_work, listening, open_server), on_stop=listening.close)
    return house.keep(int(workers), lambda: print(f"{kind} is ready at {url}", flush=True))


def _work(listening: socket.socket, open_server: Any, lifeline: int, word: Word) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(listening, open_server, lifeline, word))
    return 0


async def _serve(listening: socket.socket, open_server: Any, lifeline: int, word: Word) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(lifeline, stop.set)
    await open_server(listening)
    word.ready()
    await stop.wait()


async def _sanic(listening: socket.socket) -> None:
    async def constant(_request: Request) -> HTTPResponse:
        return json(CONSTANT)

    await _answer(listening, constant)


async def _selecting(place: str, listening: socket.socket) -> None:
    # Read where it is wanted: the start of bare Sanic is a floor too.
    from bench.selecting import opened

    select = await opened(place)

    async def selected(_request: Request) -> HTTPResponse:
        return json(await select())

    await _answer(listening, selected)


async def _answer(listening: socket.socket, handler: Any) -> None:
    app: Sanic[Any, Any] = Sanic("bare", config=Config(env_prefix=""), configure_logging=False)
    app.config.update(ACCESS_LOG=False, AUTO_EXTEND=False, MOTD=False)
    app.add_route(handler, "/")
    kept_open = {"start_serving": False}
    server: Any = await app.create_server(
        sock=listening, access_log=False, asyncio_server_kwargs=kept_open
    )
    await server.startup()
    await server.before_start()
    await server.start_serving()


async def _bytes(listening: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_server(_Constant, sock=listening)


class _Constant(asyncio.Protocol):
    """The same bytes for whatever comes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, _data: bytes) -> None:
        self._transport.write(ANSWER)


if __name__ == "__main__":
    sys.exit(main())
