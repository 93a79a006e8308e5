"""Whatever a request aims at, it is answered, and never as a fault of ours."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest
import running

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGETS = {
    "CONNECT's": (b"CONNECT localhost:80", b"localhost:80"),
    "no slash": (b"GET healthz", b"localhost"),
    "a scheme alone": (b"GET http:/healthz", b"localhost"),
    "an empty authority": (b"GET http:///healthz", b"localhost"),
    "no path": (b"GET http://localhost", b"localhost"),
    "no path, a query": (b"GET http://localhost?x=1", b"localhost"),
    "an empty port": (b"GET http://localhost:/healthz", b"localhost:"),
    "no such port": (b"GET http://localhost:99999/healthz", b"localhost:99999"),
    "no such host": (b"GET http://_/healthz", b"_"),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Running]:
    with running.identra(tmp_path_factory.mktemp("targets")) as service:
        yield service


@pytest.mark.parametrize(("aim", "host"), TARGETS.values(), ids=TARGETS.keys())
def test_a_target_that_names_no_path_of_ours_gets_one_refusal(
    service: running.Running, aim: bytes, host: bytes
) -> None:
    with socket.create_connection(service.address, timeout=10) as wire:
        wire.sendall(aim + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        head, _, body = b"".join(iter(lambda: wire.recv(65_536), b"")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 "), head
    assert json.loads(body)["reason"] == "INVALID_ARGUMENT"
    assert "uncaught" not in service.log.read_text()
