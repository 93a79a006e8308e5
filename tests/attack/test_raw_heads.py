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

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /token/revoke HTTP/1.1\r\n"
JSON = b"Content-Type: application/json\r\n"
BODY = b'{"refresh_token":"x"}'


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Running]:
    with running.identra(tmp_path_factory.mktemp("heads")) as service:
        yield service


def _tell(service: running.Running, said: bytes) -> bytes:
    """All that comes back on one connection until the far end closes it."""
    with socket.create_connection(service.address, timeout=10) as wire:
        wire.sendall(said)
        heard = b""
        while data := wire.recv(65_536):
            heard += data
    return heard


CASES = {
    "a space before a colon": POST + b"Host: a\r\nContent-Length : 21\r\n" + JSON + b"\r\n" + BODY,
    "Transfer-Encoding with a space": POST
    + b"Host: a\r\nTransfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\n1e\r\n",
    "a bare LF in a value": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: 1\n\nGET / HTTP/1.1\r\n\r\n",
    "a bare CR in a value": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: 1\rY: 2\r\n\r\n",
    "a folded line": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n",
    "NUL in a value": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
    "no Host": b"GET /oauth/providers HTTP/1.1\r\n\r\n",
    "no Host, 1.0": b"GET /oauth/providers HTTP/1.0\r\n\r\n",
    "two Hosts": b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "digits of another script": POST
    + b"Host: a\r\nContent-Length: \xd9\xa2\xd9\xa1\r\n"
    + JSON
    + b"\r\n"
    + BODY,
    "a signed length": POST + b"Host: a\r\nContent-Length: +21\r\n" + JSON + b"\r\n" + BODY,
    "two lengths": POST + b"Host: a\r\nContent-Length: 21\r\nContent-Length: 0\r\n\r\n" + BODY,
    "a list of lengths": POST + b"Host: a\r\nContent-Length: 21, 21\r\n\r\n" + BODY,
    "no version": b"GET /healthz\r\nHost: a\r\n\r\n",
    "another version": b"GET /healthz HTTP/3.0\r\nHost: a\r\n\r\n",
    "a tab in the request line": b"GET\t/healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes that are no text": b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    "a colon and nothing before": b"GET /healthz HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n",
    "a fragment": b"GET /healthz#x HTTP/1.1\r\nHost: a\r\n\r\n",
    "an authority of another": b"GET http://b/healthz HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("said", CASES.values(), ids=CASES.keys())
def test_a_head_with_two_readings_gets_one_refusal(service: running.Running, said: bytes) -> None:
    heard = _tell(service, said + SMUGGLED)
    assert heard.startswith(b"HTTP/1.1 400 "), heard
    assert heard.count(b"HTTP/1.1 ") == 1, heard
    head, _, body = heard.partition(b"\r\n\r\n")
    assert json.loads(body)["reason"] == "INVALID_ARGUMENT"
    assert b"connection: close" in head


@pytest.mark.parametrize(
    "encoding", [b"chunked", b"identity", b"gzip, chunked", b"\x0bchunked", b"xchunked"]
)
def test_a_transfer_encoding_is_asked_for_a_length_instead(
    service: running.Running, encoding: bytes
) -> None:
    head = POST + b"Host: a\r\n" + JSON + b"Transfer-Encoding: " + encoding
    heard = _tell(service, head + b"\r\n\r\n0\r\n\r\n" + SMUGGLED)
    assert heard.startswith((b"HTTP/1.1 411 ", b"HTTP/1.1 400 ")), heard
    assert heard.count(b"HTTP/1.1 ") == 1


def test_a_body_without_a_length_is_never_read_as_a_request(service: running.Running) -> None:
    heard = _tell(service, POST + b"Host: a\r\n" + JSON + b"\r\n" + SMUGGLED)
    assert heard.startswith(b"HTTP/1.1 411 ")
    assert json.loads(heard.partition(b"\r\n\r\n")[2])["reason"] == "LENGTH_REQUIRED"


def test_both_lengths_at_once_are_refused(service: running.Running) -> None:
    head = POST + b"Host: a\r\nContent-Length: 21\r\nTransfer-Encoding: chunked\r\n\r\n"
    heard = _tell(service, head + b"0\r\n\r\n" + SMUGGLED)
    assert heard.startswith(b"HTTP/1.1 411 ")
    assert heard.count(b"HTTP/1.1 ") == 1


def test_a_head_over_16_kib_is_refused(service: running.Running) -> None:
    heard = _tell(service, b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 17_000)
    assert heard.startswith(b"HTTP/1.1 431 ")


def test_a_body_said_to_be_large_is_refused_unread(service: running.Running) -> None:
    heard = _tell(service, POST + b"Host: a\r\nContent-Length: 100000000\r\n\r\n")
    assert heard.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", [b"/healthz", b"/readyz", b"/api/healthz"])
def test_an_old_probe_without_host_is_answered(service: running.Running, path: bytes) -> None:
    heard = _tell(service, b"GET " + path + b" HTTP/1.0\r\n\r\n")
    assert heard.startswith(b"HTTP/1.1 200 OK")
    assert b"connection: close" in heard


def test_two_sound_requests_in_one_packet_get_two_answers(service: running.Running) -> None:
    request = POST + b"Host: a\r\n" + JSON + b"Content-Length: 21\r\n\r\n" + BODY
    heard = _tell(
        service, request + SMUGGLED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    )
    assert heard.count(b"HTTP/1.1 200 OK") == 2


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
    async with running.door(tmp_path, whole_request=1.0) as (_, url):
        heard = await _drip(url, first, b" ")
    assert heard.startswith(b"HTTP/1.1 408 ")
    assert json.loads(heard.partition(b"\r\n\r\n")[2])["reason"] == "REQUEST_TIMEOUT"


async def test_a_body_that_drips_behind_its_answer_is_cut_off(tmp_path: Path) -> None:
    """What was refused unread is not listened to for ever."""
    async with running.door(tmp_path, whole_request=1.0) as (_, url):
        heard = await _drip(url, b"POST /nowhere HTTP/1.1\r\n" + LENGTH, b" ")
    assert heard.startswith(b"HTTP/1.1 404 ")
    assert heard.count(b"HTTP/1.1 ") == 1
