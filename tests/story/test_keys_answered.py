"""The keys are answered from kept bytes where they are plainly asked for, and none can tell."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING

import pytest
import running
import scraping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLAIN = "GET /.well-known/jwks.json HTTP/1.1\r\nHost: keys.example\r\n"
IDS = re.compile(r"(?i)(x-(?:request|attempt)-id: )[^\r\n]*")
LONG_WAY = {
    "its id": "X-Request-ID: mine",
    "a field nobody knows": "X-Anything: at all",
    "a field twice": "Accept: */*\r\nAccept: text/html",
    "an empty body": "Content-Length: 0",
}
"""Lines that lead the long way to the very same answer."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Running]:
    with running.identra(tmp_path_factory.mktemp("keys")) as service:
        yield service


def _answers(service: running.Running, *said: str) -> list[tuple[str, str]]:
    """Head and body of each answer, on one connection, one after the other."""
    with socket.create_connection(service.address, timeout=10) as wire:
        return [_ask(wire, one) for one in said]


def _ask(wire: socket.socket, said: str) -> tuple[str, str]:
    wire.sendall(said.encode())
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += wire.recv(65_536)
    head, _, body = heard.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while length and not said.startswith("HEAD") and len(body) < int(length[1]):
        body += wire.recv(65_536)
    return head.decode(), body.decode()


def _lines(head: str) -> set[str]:
    """The lines of a head without what no two answers share; names in small letters."""
    pairs = (line.partition(":") for line in IDS.sub(r"\1", head).split("\r\n"))
    return {f"{name.lower()}:{value}" for name, _, value in pairs}


@pytest.mark.parametrize("line", LONG_WAY.values(), ids=LONG_WAY.keys())
def test_both_ways_to_the_keys_lead_to_one_answer(service: running.Running, line: str) -> None:
    plain, long_way, again = _answers(
        service, f"{PLAIN}\r\n", f"{PLAIN}{line}\r\n\r\n", f"{PLAIN}Connection: Keep-Alive\r\n\r\n"
    )
    assert json.loads(plain[1])["keys"]
    assert plain[1] == long_way[1] == again[1]
    assert _lines(plain[0]) == _lines(long_way[0]) == _lines(again[0])


def test_each_answer_has_ids_of_its_own(service: running.Running) -> None:
    heads = [head for head, _ in _answers(service, *[f"{PLAIN}\r\n"] * 3)]
    ids = [found[1] for head in heads for found in re.finditer(r"-ID: ([0-9a-f-]{36})", head)]
    assert len(ids) == len(set(ids)) == 6


def test_what_is_asked_beside_is_heeded(service: running.Running) -> None:
    """A tag, an origin, another method, an end, and a question behind the question."""
    ((head, _),) = _answers(service, f"{PLAIN}\r\n")
    tag = re.search(r'"[0-9a-f]+"', head)
    assert tag
    told = [
        _answers(service, said)[0][0].split("\r\n")[0]
        for said in (
            f"{PLAIN}If-None-Match: {tag[0]}\r\n\r\n",
            f"{PLAIN}Connection: close\r\n\r\n",
            PLAIN.replace("GET", "HEAD") + "\r\n",
            PLAIN.replace("GET", "PUT") + "\r\n",
            PLAIN.replace(".json", ".jso") + "\r\n",
            PLAIN.replace("Host: keys.example\r\n", "") + "\r\n",
        )
    ]
    assert [line.split()[1] for line in told] == ["304", "200", "200", "405", "404", "400"]
    with socket.create_connection(service.address, timeout=10) as wire:
        wire.sendall(f"{PLAIN}\r\n{PLAIN}Connection: close\r\n\r\n".encode())
        heard = b""
        while data := wire.recv(65_536):
            heard += data
    assert heard.count(b"HTTP/1.1 200 OK") == 2


def test_a_question_in_pieces_is_one_question(service: running.Running) -> None:
    with socket.create_connection(service.address, timeout=10) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.sendall(PLAIN[:40].encode())
        wire.sendall(PLAIN[40:].encode())
        head, body = _ask(wire, "\r\n")
        assert head.startswith("HTTP/1.1 200 OK")
        assert _ask(wire, f"{PLAIN}\r\n")[1] == body


def test_an_answer_is_counted_whichever_way_it_goes(tmp_path: Path) -> None:
    with running.identra(tmp_path, extra="[metrics]\nport = 0\n") as service:
        metrics = scraping.address_of(service)
        _answers(service, *[f"{PLAIN}\r\n"] * 3, *[f"{PLAIN}X-Anything: at all\r\n\r\n"] * 2)
        told = scraping.scrape(metrics)
    of_keys = {
        name: count for name, count in told.items() if "route=/.well-known/jwks.json" in name
    }
    assert [of_keys[name] for name in of_keys if name[0] == "identra_requests_total"] == [5]
