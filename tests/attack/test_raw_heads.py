"""Heads on a raw socket that two parsers would read differently never reach a route.

Each case is sent as it stands, followed by a second request: one answer must come, a refusal,
and then the end of the connection, so that nothing smuggled behind it is ever read.
"""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import running
from smuggling import BODY, BOUNDS, CHUNKS, ENCODINGS, GET, HEADS, HOST, JSON, POST, SMUGGLED

from identra.http.gate import Bounds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Running]:
    with running.identra(tmp_path_factory.mktemp("heads")) as service:
        yield service


def _tell(service: running.Running, said: bytes) -> bytes:
    """All that comes back on one connection until the far end closes it."""
    with socket.create_connection(service.address, timeout=10) as wire:
        wire.sendall(said)
        heard = b""
        with suppress(ConnectionResetError):
            while data := wire.recv(65_536):
                heard += data
    return heard


def _refused(service: running.Running, said: bytes, status: bytes, reason: str) -> None:
    heard = _tell(service, said)
    assert heard.startswith(b"HTTP/1.1 " + status), heard
    assert heard.count(b"HTTP/1.1 ") == 1, heard
    head, _, body = heard.partition(b"\r\n\r\n")
    assert json.loads(body)["reason"] == reason
    assert b"connection: close" in head


@pytest.mark.parametrize("said", HEADS.values(), ids=HEADS.keys())
def test_a_head_with_two_readings_gets_one_refusal(service: running.Running, said: bytes) -> None:
    _refused(service, said + SMUGGLED, b"400 ", "INVALID_ARGUMENT")


@pytest.mark.parametrize("said", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_a_transfer_encoding_is_asked_for_a_length_instead(
    service: running.Running, said: bytes
) -> None:
    _refused(service, said + b"0\r\n\r\n" + SMUGGLED, b"411 ", "LENGTH_REQUIRED")


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS.keys())
def test_no_chunk_is_ever_read(service: running.Running, chunks: bytes) -> None:
    said = ENCODINGS["chunked"] + chunks + SMUGGLED
    _refused(service, said, b"411 ", "LENGTH_REQUIRED")


@pytest.mark.parametrize(("said", "status", "reason"), BOUNDS.values(), ids=BOUNDS.keys())
def test_what_is_out_of_bounds_is_refused_unread(
    service: running.Running, said: bytes, status: int, reason: str
) -> None:
    _refused(service, said, b"%d " % status, reason)


def test_a_head_of_100_lines_is_read(service: running.Running) -> None:
    assert _tell(service, GET + b"X: 1\r\n" * 98 + CLOSE).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", [b"/healthz", b"/readyz", b"/api/healthz"])
def test_an_old_probe_without_host_is_answered(service: running.Running, path: bytes) -> None:
    heard = _tell(service, b"GET " + path + b" HTTP/1.0\r\n\r\n")
    assert heard.startswith(b"HTTP/1.1 200 OK")
    assert b"connection: close" in heard


CLOSE = b"Connection: close\r\n\r\n"


@pytest.mark.parametrize("wanted", [b"h2c", b"websocket", b"TLS/1.2"])
def test_no_other_protocol_is_ever_spoken(service: running.Running, wanted: bytes) -> None:
    said = b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n"
    heard = _tell(service, GET + said + b"Upgrade: " + wanted + b"\r\n\r\n" + SMUGGLED)
    assert heard.startswith(b"HTTP/1.1 200 ")
    assert heard.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "path",
    [b"//healthz", b"/./healthz", b"/api/../healthz", b"/%68ealthz", b"/healthz/", b"/HEALTHZ"],
)
def test_a_path_has_one_spelling(service: running.Running, path: bytes) -> None:
    heard = _tell(service, b"GET " + path + b" HTTP/1.1\r\n" + HOST + CLOSE)
    assert heard.startswith(b"HTTP/1.1 404 "), heard


def test_nothing_is_read_behind_the_last_request_of_a_connection(service: running.Running) -> None:
    heard = _tell(service, GET + CLOSE + SMUGGLED)
    assert heard.count(b"HTTP/1.1 ") == 1


def test_what_is_longer_than_it_said_is_read_as_a_request_and_refused(
    service: running.Running,
) -> None:
    said = POST + HOST + JSON + b"Content-Length: 21\r\n\r\n" + BODY + b"and more\r\n\r\n"
    heard = _tell(service, said + SMUGGLED)
    assert heard.startswith(b"HTTP/1.1 200 ")
    assert heard.count(b"HTTP/1.1 ") == 2
    assert b"HTTP/1.1 400 " in heard


def test_two_sound_requests_in_one_packet_get_two_answers(service: running.Running) -> None:
    request = POST + HOST + JSON + b"Content-Length: 21\r\n\r\n" + BODY
    heard = _tell(service, request + GET + CLOSE)
    assert heard.count(b"HTTP/1.1 200 OK") == 2


def test_a_body_that_nobody_reads_is_no_request_either(service: running.Running) -> None:
    said = GET + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED + GET + CLOSE
    assert _tell(service, said).count(b"HTTP/1.1 200 OK") == 2


async def _listen(reader: asyncio.StreamReader) -> bytes:
    """All that is said until the far end has closed, or reset what drips in after its closing."""
    heard = b""
    with suppress(ConnectionError):
        while piece := await reader.read(4096):
            heard += piece
    return heard


async def _drip(url: str, first: bytes, drop: bytes) -> bytes:
    """Send `first`, then a drop at a time until the far end has had enough; what it said."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(first)
    answer = asyncio.ensure_future(_listen(reader))
    for _ in range(60):
        if (await asyncio.wait([answer], timeout=0.1))[0]:
            break
        writer.write(drop)
    assert answer.done(), "it is still listening"
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return await answer


HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "
LENGTH = b"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{"


@pytest.mark.parametrize("first", [HEAD, POST + LENGTH], ids=["head", "body"])
async def test_a_request_that_drips_has_one_deadline(tmp_path: Path, first: bytes) -> None:
    """One byte at a time restarts nothing: the time of the first one counts."""
    async with running.door(tmp_path, bounds=Bounds(whole_request=1.0)) as (_, url):
        heard = await _drip(url, first, b" ")
    assert heard.startswith(b"HTTP/1.1 408 ")
    assert json.loads(heard.partition(b"\r\n\r\n")[2])["reason"] == "REQUEST_TIMEOUT"


async def test_a_body_that_drips_behind_its_answer_is_cut_off(tmp_path: Path) -> None:
    """What was refused unread is not listened to for ever."""
    async with running.door(tmp_path, bounds=Bounds(whole_request=1.0)) as (_, url):
        heard = await _drip(url, b"POST /nowhere HTTP/1.1\r\n" + LENGTH, b" ")
    assert heard.startswith(b"HTTP/1.1 404 ")
    assert heard.count(b"HTTP/1.1 ") == 1
