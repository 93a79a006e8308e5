"""No bytes that a stranger sends to the gRPC port end it, or leave a trace of ours in an answer."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import frames
import grpc
import pytest
import running

from identra.grpc.answering import WHOLE_CALL
from identra.grpc.identra.v1 import identra_pb2 as v1

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "/identra.v1.IdentraService/GetJWKS"
REFRESH = "/identra.v1.IdentraService/RefreshToken"
MESSAGE = b"\0\0\0\0\0"
END = frames.END_HEADERS | frames.END_STREAM


def head(path: str = PATH, **more: str) -> bytes:
    return frames.frame(frames.HEADERS, frames.END_HEADERS, 1, frames.head(path, **more))


def data(raw: bytes, *, ended: bool = True) -> bytes:
    return frames.frame(frames.DATA, frames.END_STREAM if ended else 0, 1, raw)


def whole(message: bytes) -> bytes:
    return data(b"\0" + struct.pack(">I", len(message)) + message)


def bad(path: bytes) -> bytes:
    """A call of a path in bytes that are no text."""
    block = frames.head("/??").replace(b"\x03/??", bytes([len(path)]) + path)
    return frames.frame(frames.HEADERS, END, 1, block)


HELLO = frames.greeting()
FLOOD = b"".join(
    frames.frame(frames.HEADERS, frames.END_HEADERS, n, frames.head(PATH))
    + frames.frame(frames.RESET, 0, n, struct.pack(">I", 8))
    for n in range(1, 4001, 2)
)
LARGE = b"".join(
    data(piece, ended=number == 9)
    for number, piece in enumerate(
        [b"\0\0\x01\x90\x04" + b"\x0a\x80\xa0\x06", *[b"x" * 11_264] * 8, b"x" * 12_288]
    )
)
WIDE_HEAD = frames.frame(frames.HEADERS, 0, 1, frames.head(PATH)) + frames.frame(
    frames.CONTINUATION,
    frames.END_HEADERS,
    1,
    b"".join(frames.field(f"x-{n}", "x" * 100) for n in range(130)),
)
TWICE = frames.frame(
    frames.HEADERS,
    frames.END_HEADERS,
    1,
    frames.head(PATH, authorization="Bearer a") + frames.field("authorization", "Bearer b"),
)
CASES = {
    "a method that is no UTF-8": (HELLO + bad(b"/\xff\xfe"), 12),
    "a method of ours and more": (HELLO + bad(PATH.encode()[:40] + b"\xff"), 12),
    "a method with a NUL": (HELLO + bad(b"/a\0b"), 12),
    "a message that is no UTF-8": (HELLO + head(REFRESH) + whole(b"\x0a\x02\xff\xfe"), 3),
    "a message cut short": (HELLO + head(REFRESH) + whole(b"\x0a\x09ab"), 3),
    "a message with unknown fields": (HELLO + head() + whole(b"\xfa\x01\x03abc"), 0),
    "a field of another type": (HELLO + head(REFRESH) + whole(b"\x08\x01"), 3),
    "no message": (HELLO + head() + data(b""), 3),
    "a message of 100 KiB": (HELLO + head(REFRESH) + LARGE, 3),
    "a length of 4 GiB": (HELLO + head() + data(b"\0\xff\xff\xff\xff" + b"x" * 100), 8),
    "metadata of 20 KiB": (HELLO + WIDE_HEAD + data(MESSAGE), 3),
    "a compressed message": (HELLO + head(grpc_encoding="gzip") + data(b"\1\0\0\0\1x"), 12),
    "an unknown encoding": (HELLO + head(grpc_encoding="zip") + data(b"\1\0\0\0\1x"), 13),
    "two tokens": (HELLO + TWICE + data(MESSAGE), 3),
    "HTTP/1.1": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", None),
    "nonsense": (b"\0" * 1000, None),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500, None),
    "calls taken back at once": (HELLO + FLOOD, None),
    "settings without end": (HELLO + frames.frame(frames.SETTINGS, 0, 0, b"") * 20_000, None),
    "pings without end": (HELLO + frames.frame(frames.PING, 0, 0, b"12345678") * 20_000, None),
    "a head without end": (
        HELLO
        + frames.frame(frames.HEADERS, 0, 1, frames.head(PATH))
        + frames.frame(frames.CONTINUATION, 0, 1, frames.head(PATH)) * 5000,
        None,
    ),
}  # fmt: skip
"""What is sent, and the status that comes back where one has to."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Running]:
    with running.identra(tmp_path_factory.mktemp("bytes")) as service:
        yield service


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused_and_nobody_else_notices(service: running.Running, case: str) -> None:
    sent, status = CASES[case]
    workers = service.workers()
    answer = _say(service.grpc, sent)
    if status is not None:
        found = re.search(rb"grpc-status[\x01\x02](\d+)", answer)
        assert found, answer
        assert int(found[1]) == status
    assert b"Traceback" not in answer
    assert b".py" not in answer
    assert _keys(service.grpc)
    assert service.workers() == workers


def _say(place: str, sent: bytes) -> bytes:
    """What comes back until the stream has ended, or nothing comes any more."""
    host, _, port = place.rpartition(":")
    heard = bytearray()
    with socket.create_connection((host, int(port)), timeout=1) as line:
        try:
            line.sendall(sent)
            while chunk := line.recv(65536):
                heard += chunk
                rest = bytearray(heard)
                if any(
                    kind == frames.HEADERS and flags & 1 for kind, flags, _ in frames.frames(rest)
                ):
                    break
        except (TimeoutError, ConnectionError):
            pass
    return bytes(heard)


def _keys(place: str) -> v1.GetJWKSResponse:
    with grpc.insecure_channel(place) as channel:
        call = channel.unary_unary(PATH, response_deserializer=v1.GetJWKSResponse.FromString)
        answer: v1.GetJWKSResponse = call(b"", timeout=10)
        return answer


def test_the_log_holds_no_fault_and_nothing_that_was_sent(service: running.Running) -> None:
    _say(service.grpc, HELLO + head(authorization="Bearer s3cret\xff") + data(MESSAGE))
    _keys(service.grpc)
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    assert {line["level"] for line in lines} == {"info"}
    assert {line["event"] for line in lines} <= {"answered", "caller left"}
    assert "s3cret" not in service.log.read_text()


async def test_a_thousand_calls_that_say_nothing_hold_up_nobody_and_leave_nothing(
    tmp_path: Path,
) -> None:
    """Each is ended in its time, and their connections' files are closed."""
    async with running.door(tmp_path) as (hall, _), running.rpc_of(hall, whole_call=2) as place:
        host, _, port = place.rpartition(":")
        channel = grpc.aio.insecure_channel(place)
        keys = channel.unary_unary(PATH, response_deserializer=v1.GetJWKSResponse.FromString)
        await keys(b"")
        before = _files()
        lines = [await asyncio.open_connection(host, int(port)) for _ in range(10)]
        for _, writer in lines:
            begun = b"".join(
                frames.frame(frames.HEADERS, frames.END_HEADERS, n, frames.head(REFRESH))
                for n in range(1, 200, 2)
            )
            writer.write(HELLO + begun)
        assert (await keys(b"", timeout=2)).keys
        for reader, writer in lines:
            assert await _ended(reader) == 100
            writer.close()
        await asyncio.sleep(0.1)
        assert _files() <= before + 1
        await channel.close()


async def _ended(reader: asyncio.StreamReader) -> int:
    """How many calls of a connection came to DEADLINE_EXCEEDED."""
    heard, ended = bytearray(), 0
    async with asyncio.timeout(WHOLE_CALL):
        while ended < 100:
            heard += await reader.read(65536)
            ended += sum(
                kind == frames.HEADERS and flags & frames.END_STREAM
                for kind, flags, _ in frames.frames(heard)
            )
    return ended


def _files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
