"""The attacker opens connections and stays: silent, or without taking what she is sent. Others come
in all the same.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import httpx
import pytest
import running

from identra.http.gate import Bounds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
PROXIES = '[http]\ntrusted_proxies = ["127.0.0.0/8"]\n'
Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def _wires(url: str, count: int, said: bytes = b"") -> AsyncIterator[list[Wire]]:
    """So many connections, each of which says this."""
    host, _, port = url.removeprefix("http://").partition(":")
    wires = [await asyncio.open_connection(host, int(port)) for _ in range(count)]
    for _, writer in wires:
        writer.write(said)
    await asyncio.sleep(0.1)
    try:
        yield wires
    finally:
        for _, writer in wires:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def _ended(wires: list[Wire]) -> int:
    """How many of them the far end has closed without a word."""
    ended = 0
    for reader, _ in wires:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                ended += not await reader.read(1)
    return ended


async def test_the_longest_idle_make_room(tmp_path: Path) -> None:
    bounds = Bounds(connections=8, of_one=8)
    async with (
        running.door(tmp_path, extra=PROXIES, bounds=bounds) as (_, url),
        _wires(url, 8) as silent,
        httpx.AsyncClient(base_url=url) as http,
    ):
        for _ in range(3):
            assert (await http.get("/healthz")).status_code == 200
        assert await _ended(silent) == 1


async def test_whoever_is_busy_is_not_ended_for_a_newcomer(tmp_path: Path) -> None:
    """Where nobody is idle, nobody more comes in until somebody's time is over."""
    bounds = Bounds(connections=4, of_one=4, whole_request=1.0)
    async with running.door(tmp_path, extra=PROXIES, bounds=bounds) as (_, url):
        async with _wires(url, 4, HEAD) as dripping:
            async with httpx.AsyncClient(base_url=url) as http:
                with pytest.raises(httpx.TransportError):
                    await http.get("/healthz")
            said = [await reader.read(12) for reader, _ in dripping]
            assert said == [b"HTTP/1.1 408"] * 4
        async with httpx.AsyncClient(base_url=url) as http:
            assert (await http.get("/healthz")).status_code == 200


async def test_one_network_never_has_all_the_room(tmp_path: Path) -> None:
    """A proxy that is trusted has: it speaks for many."""
    bounds = Bounds(connections=8, of_one=4)
    for name, extra, ended in (("open", "", 2), ("proxied", PROXIES, 0)):
        (tmp_path / name).mkdir()
        async with (
            running.door(tmp_path / name, extra=extra, bounds=bounds) as (_, url),
            _wires(url, 4, HEAD),
            _wires(url, 2) as further,
        ):
            assert await _ended(further) == ended, name


async def _say_for_ever(wire: socket.socket, said: bytes) -> None:
    while True:
        await asyncio.get_running_loop().sock_sendall(wire, said)


async def test_whoever_does_not_take_her_answers_is_cut_off(tmp_path: Path) -> None:
    """Requests one behind the other, and never a byte read: the process does not keep them."""
    bounds = Bounds(whole_answer=0.5, parting=0.5)
    many = b"GET /docs/reference.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 400
    async with running.door(tmp_path, bounds=bounds) as (_, url):
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.socket() as wire:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wire.connect((host, int(port)))
            wire.setblocking(False)
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(_say_for_ever(wire, many), 15)
