"""A provider's calls on real sockets: deadlines, broken conversations, certificates."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from authority import Authority

from identra.errors import ProviderUnavailable
from identra.upstream import Bounds, HttpUpstream, open_network

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
SHORT = Bounds(connect=0.2, total=0.4)


@asynccontextmanager
async def talking(
    *parts: bytes | float, bounds: Bounds | None = None
) -> AsyncIterator[tuple[str, HttpUpstream, list[bytes]]]:
    """A raw server that sends the parts, waiting where one is a number of seconds."""
    heads: list[bytes] = []
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.current_task())  # type: ignore[arg-type]
        try:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            for part in parts:
                if isinstance(part, bytes):
                    writer.write(part)
                    await writer.drain()
                else:
                    await asyncio.sleep(part)
        except (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    network = open_network(bounds=bounds)
    try:
        yield f"http://{place}/user", network.upstream((place,)), heads
    finally:
        await network.close()
        server.close()
        for one in talks:
            one.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "a\nb", "t\u00f6ken", "\u2028"])
async def test_a_token_can_not_become_a_header(token: str) -> None:
    async with talking(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as (url, upstream, heads):
        with pytest.raises(ProviderUnavailable) as gone:
            await upstream.get_json(url, bearer=token)
    assert heads == []
    assert token not in gone.value.detail


@pytest.mark.parametrize(
    "parts",
    [
        (30.0,),
        (OK_HEAD, 30.0),
        (OK_HEAD, *([b" ", 0.1] * 100)),
        (b"HTTP/1.1 200 OK\r\n", *([b"X-A: b\r\n", 0.1] * 100)),
    ],
    ids=["silent", "silent body", "trickling body", "trickling head"],
)
async def test_the_deadline_holds_for_the_whole_call(parts: tuple[bytes | float, ...]) -> None:
    async with talking(*parts, bounds=SHORT) as (url, upstream, _):
        started = monotonic()
        with pytest.raises(ProviderUnavailable):
            await upstream.get_json(url)
        assert 0.3 < monotonic() - started < 5


async def test_an_endless_body_is_cut_off() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    async with talking(head, *([chunk] * 10_000)) as (url, upstream, _):
        with pytest.raises(ProviderUnavailable, match="large"):
            await upstream.get_json(url)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
    ],
    ids=["closed", "another protocol", "cut short", "broken head"],
)
async def test_a_broken_conversation_is_no_answer(said: bytes) -> None:
    async with talking(said) as (url, upstream, _):
        with pytest.raises(ProviderUnavailable):
            await upstream.get_json(url)


async def test_a_refused_connection_is_no_answer() -> None:
    async with talking() as (url, _, _):
        pass
    network = open_network()
    with pytest.raises(ProviderUnavailable):
        await network.upstream((httpx.URL(url).netloc.decode(),)).get_json(url)
    await network.close()


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    body = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    async with talking(body) as (url, upstream, _):
        assert await upstream.get_json(url) == {}


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_a_certificate_is_verified(
    known: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    if known:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()

    context = authority.server_context()
    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
    place = f"localhost:{server.sockets[0].getsockname()[1]}"
    network = open_network()
    call = network.upstream((place,)).get_json(f"https://{place}/user")
    if known:
        assert await call == {}
    else:
        with pytest.raises(ProviderUnavailable, match="ConnectError"):
            await call
    await network.close()
    server.close()
