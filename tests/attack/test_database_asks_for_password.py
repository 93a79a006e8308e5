"""A database server that is not ours asks for the password itself: it gets none."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from identra.db import open_database
from identra.errors import StoreUnavailable
from identra.settings import Persistence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PASSWORD = "hush-hush-hush"
CAPABILITIES = 0x008FF7FF
SALT = b"12345678", b"123456789012"


def packet(number: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([number]) + payload


def greeting() -> bytes:
    """Protocol version 10, as MySQL's documentation has it."""
    low, high = CAPABILITIES & 0xFFFF, CAPABILITIES >> 16
    payload = b"\x0a8.0.40\0" + (7).to_bytes(4, "little") + SALT[0] + b"\0"
    payload += low.to_bytes(2, "little") + b"\x2d" + (2).to_bytes(2, "little")
    payload += high.to_bytes(2, "little") + bytes([21]) + bytes(10) + SALT[1] + b"\0"
    return packet(0, payload + b"mysql_native_password\0")


@asynccontextmanager
async def stranger(asks: bytes) -> AsyncIterator[tuple[int, bytearray]]:
    """A server that answers every login by asking for another proof; what it was told."""
    told = bytearray()
    over = asyncio.Event()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting())
        told.extend(await reader.read(4096))
        writer.write(packet(2, b"\xfe" + asks + b"\0" + SALT[0] + SALT[1] + b"\0"))
        while data := await reader.read(4096):
            told.extend(data)
        writer.close()
        over.set()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], told
        await over.wait()


def at(port: int) -> Persistence:
    return Persistence(
        driver="mysql",
        name="identra",
        host="127.0.0.1",
        port=port,
        user="identra",
        password=SecretStr(PASSWORD),
        sslmode="disable",
    )


@pytest.mark.parametrize("asks", [b"mysql_clear_password", b"dialog", b"mysql_old_password"])
async def test_it_is_not_told(asks: bytes) -> None:
    async with stranger(asks) as (port, told):
        with pytest.raises(StoreUnavailable, match="it was not sent") as caught:
            await open_database(at(port))
        assert PASSWORD not in str(caught.value)
    assert b"identra" in told
    assert PASSWORD.encode() not in told


async def test_a_proof_that_tells_nothing_is_still_given() -> None:
    """Else the tests above would pass against a server that was never spoken to."""
    async with stranger(b"mysql_native_password") as (port, told):
        with pytest.raises(StoreUnavailable):
            await open_database(at(port))
    assert told.count(b"\x14\x00\x00\x03") == 1, "twenty scrambled bytes in the fourth packet"
