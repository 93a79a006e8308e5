"""The cable does what trials count on: it slows, silences, resets, and cuts where it is told."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from cable import Cable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class Echo:
    """A server that says what it hears, and keeps it."""

    heard: bytearray = field(default_factory=bytearray)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(4096):
                self.heard += data
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()


@dataclass
class Caller:
    """Who speaks through the cable."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, words: bytes, count: int | None = None) -> bytes:
        """What comes back: as many bytes, or so many."""
        self.writer.write(words)
        async with asyncio.timeout(5):
            return await self.reader.readexactly(len(words) if count is None else count)


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    return Echo()


@asynccontextmanager
async def through(echo: Echo) -> AsyncIterator[tuple[Cable, Caller]]:
    server = await asyncio.start_server(echo.talk, "127.0.0.1", 0)
    async with Cable.to("127.0.0.1", server.sockets[0].getsockname()[1]) as cable:
        caller = Caller(*await asyncio.open_connection("127.0.0.1", cable.port))
        assert await caller.say(b"hello") == b"hello"
        yield cable, caller
        caller.writer.close()
    server.close()


async def test_it_slows_each_piece_down(echo: Echo) -> None:
    async with through(echo) as (cable, caller):
        cable.slow_down(0.1)
        began = time.monotonic()
        await caller.say(b"there and back")
        assert time.monotonic() - began > 0.2


async def test_what_it_holds_back_arrives_once_it_is_mended(echo: Echo) -> None:
    async with through(echo) as (cable, caller):
        cable.deaden()
        saying = asyncio.create_task(caller.say(b"later"))
        await asyncio.sleep(0.1)
        assert bytes(echo.heard) == b"hello"
        cable.mend()
        assert await saying == b"later"


async def test_a_reset_tells_the_caller_and_lets_the_next_through(echo: Echo) -> None:
    async with through(echo) as (cable, caller):
        cable.reset()
        with pytest.raises(ConnectionResetError):
            await caller.say(b"gone")
        again = Caller(*await asyncio.open_connection("127.0.0.1", cable.port))
        assert await again.say(b"back") == b"back"
        again.writer.close()


@pytest.mark.parametrize("delivers", [True, False], ids=["done", "lost"])
async def test_a_pattern_is_the_last_that_passes_or_does_not_pass(
    echo: Echo, delivers: bool
) -> None:
    """So what was committed is done and not answered, or neither."""
    async with through(echo) as (cable, caller):
        cable.cut_on(b"COMMIT", delivers=delivers)
        assert await caller.say(b"BEGIN") == b"BEGIN"
        with pytest.raises(ConnectionResetError):
            await caller.say(b"COMMIT")
        await asyncio.sleep(0.1)
        assert bytes(echo.heard) == b"helloBEGIN" + (b"COMMIT" if delivers else b"")


@pytest.mark.parametrize("back", [False, True], ids=["to the server", "from it"])
async def test_it_cuts_after_so_many_bytes_one_way(echo: Echo, back: bool) -> None:
    async with through(echo) as (cable, caller):
        cable.cut_after(10, back=back)
        assert await caller.say(b"ten bytes!") == b"ten bytes!"
        with pytest.raises(ConnectionResetError):
            await caller.say(b"x")
        assert echo.heard.endswith(b"x") is back
